"""Synthetic speech for tests: what spoken.yaml lists, through Opus, with silence around it, as it comes from a toy."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from hub.audio import RATE, Decoder, Pcm, decode_file, encode
from hub.messages.parts import AudioFormat

FILE = Path(__file__).with_name("spoken.yaml")
_SILENCE = np.zeros(int(0.3 * RATE), np.int16)


@dataclass(frozen=True)
class Command:
    """One sentence, who says it, and what it means."""

    say: str
    intent: str
    voice: str
    slots: dict[str, str | int] = field(default_factory=dict)


@cache
def content() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def commands() -> list[Command]:
    return [Command(**entry) for entry in content()["commands"]]


def missing_programs() -> list[str]:
    programs = {voice.split(":")[0] for voice in content()["voices"].values()}
    return sorted(program for program in programs if shutil.which(program) is None)


@cache
def said(text: str, voice: str) -> bytes:
    """16-bit samples at 16 kHz of ``text`` after a toy's microphone line: silence, Opus at 24 kbit/s, silence."""
    pcm = np.concatenate([_SILENCE, synthesised(text, content()["voices"][voice]), _SILENCE])
    decoder = Decoder("opus")
    chunks = [decoder.decode(packet) for packet in encode(pcm, RATE, AudioFormat())]
    return np.concatenate([*chunks, decoder.decode(b"", last=True)]).astype("<i2").tobytes()


def synthesised(text: str, program_and_name: str) -> Pcm:
    program, name = program_and_name.split(":")
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "said.wav"
        if program == "flite":
            command = ["flite", "-voice", name, "-t", text, "-o", str(wav)]
        else:
            command = [program, "-v", name, "-w", str(wav), text]
        subprocess.run(command, check=True, capture_output=True)
        return decode_file(wav.read_bytes(), 60.0)
