"""espeak-ng: a small synthesizer for a hundred languages. A process for each sentence.

Measured on two cores, for sentences of 1.3, 2.2 and 3.9 s: the process takes 14, 15 and 17 ms, the library through
ctypes 2, 4 and 6 (and 20 in its asynchronous mode, which polls); the difference is the linking of 35 libraries. The
budget of 30 ms is kept without the library, whose state is global, whose crash is ours, and whose licence is the GPL.
"""

import logging
import re
import shutil
import subprocess

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from hub.audio import Pcm
from hub.errors import EngineError
from hub.messages import Voice

_LOGGER = logging.getLogger(__name__)
_PROGRAM = "espeak-ng"
_HOW_TO = "the program espeak-ng is missing: install it (Debian: apt install espeak-ng; macOS: brew install espeak-ng)"
_VOICE = re.compile(r"\w[\w+(),/-]{0,63}", re.ASCII)
_QUIET = 10 ** (-50 / 20) * 32768
"""Level (root mean square) below which a stretch at the ends is silence: -50 dB of full scale."""
_STEP_S, _BEFORE_S = 0.005, 0.01
_RATE = 22050


class Settings(BaseModel):
    """How espeak-ng speaks where the persona does not say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    voice: str = "{language}+f3"
    """Name as in ``espeak-ng --voices``, with a variant after ``+``; ``{language}`` is that of the persona."""
    words_per_minute: int = Field(default=150, ge=80, le=450)
    """espeak-ng's own default is 175; children follow 150 better."""
    pitch: int = Field(default=60, ge=0, le=99)
    pause_ms: int = Field(default=150, ge=0, le=2000)
    """Silence after a sentence; after a clause half of it."""
    timeout_s: float = Field(default=5.0, gt=0)


def missing(settings: Settings) -> str:  # noqa: ARG001 - the signature of all engines
    """What is missing on this machine."""
    return "" if shutil.which(_PROGRAM) else _HOW_TO


class Engine:
    """Speaks with espeak-ng."""

    name = "espeak"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._unknown: set[str] = set()
        self.model = settings.voice.replace("{language}", "en")

    def warm(self) -> None:
        """Speak once: the program is there, and its data is in memory."""
        self.synthesize("Hello.", Voice())

    def synthesize(self, text: str, voice: Voice) -> tuple[Pcm, int]:
        """Speak one sentence. An unknown voice is logged once, and that of the language is taken; see TtsEngine."""
        default = self._settings.voice.replace("{language}", voice.language)
        for name in dict.fromkeys((voice.name or default, default, voice.language, "en")):
            if name not in self._unknown:
                if (wav := self._run(text, name, voice)) is not None:
                    return self._trimmed(*_parse(wav), text)
                self._unknown.add(name)
                _LOGGER.warning("espeak-ng has no voice %r (%d unknown so far)", name, len(self._unknown))
        raise EngineError("espeak-ng has no voice, not even English: its data is missing")

    def _run(self, text: str, name: str, voice: Voice) -> bytes | None:
        """A WAV; None: there is no such voice. The text goes through a pipe: arguments can be read by anybody."""
        if not _VOICE.fullmatch(name) or ".." in name:
            return None
        speed = round(self._settings.words_per_minute * voice.speed)
        pitch = max(0, min(99, round(self._settings.pitch * voice.pitch)))
        command = [_PROGRAM, "-b1", "-z", f"-v{name}", f"-s{speed}", f"-p{pitch}", "--stdin", "--stdout"]
        # "[[" would begin phoneme names
        words = text.replace("\0", " ").replace("[[", "[ [").encode("utf-8", "replace")
        try:
            done = subprocess.run(
                command, input=words, capture_output=True, timeout=self._settings.timeout_s, check=False
            )
        except FileNotFoundError as error:
            raise EngineError(_HOW_TO) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"espeak-ng: {type(error).__name__}") from error
        if done.returncode and b"voice" not in done.stderr:
            raise EngineError(f"espeak-ng ended with {done.returncode}")
        return None if done.returncode else done.stdout

    def _trimmed(self, pcm: Pcm, rate: int, text: str) -> tuple[Pcm, int]:
        """Without the silence at both ends, and with a pause that fits the last mark."""
        step = max(1, int(_STEP_S * rate))
        whole = pcm[: pcm.size // step * step].reshape(-1, step).astype(np.float32)
        loud = np.flatnonzero(np.sqrt(np.mean(np.square(whole), axis=1)) > _QUIET)
        if not loud.size:
            return np.zeros(0, np.int16), rate
        start = max(0, int(loud[0]) * step - int(_BEFORE_S * rate))
        end = (int(loud[-1]) + 1) * step + int(_BEFORE_S * rate)
        ended = text.rstrip("\"')”’ ").endswith((".", "!", "?", "…"))
        pause = self._settings.pause_ms / (1 if ended else 2) / 1000
        return np.concatenate([pcm[start:end], np.zeros(int(pause * rate), np.int16)]), rate


def _parse(wav: bytes) -> tuple[Pcm, int]:
    """Samples and rate. In a pipe espeak-ng cannot know the length when it writes the header: take what there is."""
    if not wav:  # nothing in the text can be spoken
        return np.zeros(0, np.int16), _RATE
    data = wav.find(b"data", 12)
    if wav[:4] != b"RIFF" or data < 0 or wav[22:24] != b"\1\0" or wav[34:36] != b"\x10\0":
        raise EngineError("espeak-ng wrote something that is no 16-bit mono WAV")
    sound = wav[data + 8 :]
    return np.frombuffer(sound[: len(sound) // 2 * 2], "<i2").astype(np.int16), int.from_bytes(wav[24:28], "little")
