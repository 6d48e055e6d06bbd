"""Sound with known beginnings and ends: speech of two programs, a real recording, noise."""

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hub.audio import RATE, Pcm, decode_file, level_db

VOICES = ("en-us", "en-gb+f3")
"""Voices of espeak-ng: a man and a woman."""
_BLOCK = RATE // 100


@cache
def say(text: str, voice: str = VOICES[0]) -> Pcm:
    """Spoken by espeak-ng, cut to where its sound begins and ends (within 10 ms)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        try:
            subprocess.run(["espeak-ng", "-v", voice, "-w", path, text], check=True, timeout=20)
        except FileNotFoundError:
            pytest.skip("espeak-ng is not installed")
        pcm = decode_file(path.read_bytes(), 30)
    return pcm[first_sound(pcm) : pcm.size - first_sound(pcm[::-1])]


def first_sound(pcm: Pcm) -> int:
    """Where the first block of 10 ms above -50 dB begins, in samples."""
    for at in range(0, pcm.size, _BLOCK):
        if level_db(pcm[at : at + _BLOCK]) > -50:
            return at
    return pcm.size


def recording() -> Pcm:
    """Real speech of 11 s; the recording is not in the repository."""
    beside = Path(__file__).parents[4] / "shared" / "audio"
    path = Path(os.environ.get("TEST_AUDIO", beside)) / "jfk.wav"
    if not path.exists():
        pytest.skip("no recording: TEST_AUDIO names no folder with jfk.wav")
    return decode_file(path.read_bytes(), 30)


def silence(ms: float) -> Pcm:
    """Digital silence."""
    return np.zeros(int(ms * RATE / 1000), np.int16)


def noise(ms: float, db: float, seed: int = 1) -> Pcm:
    """White noise, ``db`` of full scale."""
    samples = np.random.default_rng(seed).normal(0, 32768 * 10 ** (db / 20), int(ms * RATE / 1000))
    return samples.clip(-32768, 32767).astype(np.int16)


def mixed(*sounds: Pcm) -> Pcm:
    """All at once, clipped; as long as the longest."""
    out = np.zeros(max(sound.size for sound in sounds), np.int32)
    for sound in sounds:
        out[: sound.size] += sound
    return out.clip(-32768, 32767).astype(np.int16)


def joined(*sounds: Pcm) -> Pcm:
    """One after the other."""
    return np.concatenate(sounds)


def ms(pcm: Pcm) -> float:
    """How long a sound lasts."""
    return pcm.size * 1000 / RATE
