"""Apologies, spoken before they are needed: one sound for each failure code, persona and format.

tts is asked for them when a toy introduces itself, and they are kept in data_dir: a hub whose tts is down can still say
so. Until they are there, and when tts has never been, two falling notes stand for all of them. The jobs travel as turns
of the device ``_sounds``, which no toy can be.
"""

import hashlib
import logging
import threading
import time
from pathlib import Path

import numpy as np

from hub.audio import RATE, Pcm, encode
from hub.errors import BadMessage
from hub.lines import FAILURE_CODES, Lines
from hub.messages import AudioFormat, Persona, Sentence, Speech

_LOGGER = logging.getLogger(__name__)
DEVICE = "_sounds"
_NOTES_HZ = (523.25, 392.0)
_NOTE_S = 0.22
_AGAIN_S = 10.0
"""What tts was asked for so long ago, and did not answer, is asked for again."""


class Sounds:
    """The apologies of all personas and formats in use.

    Args:
        folder: where they are kept; made if missing.
        lines: what is said for each code.
    """

    def __init__(self, folder: Path, lines: Lines) -> None:
        self._folder, self._lines = folder, lines
        self._known: dict[str, Speech] = {}
        self._asked: dict[int, str] = {}
        self._asked_at: dict[str, float] = {}
        self._asking = threading.Lock()  # two with one number would take each other's sound
        self._tones: dict[AudioFormat, list[bytes]] = {}

    def sorry(self, code: str, persona: Persona, output: AudioFormat) -> Speech:
        """The sound for a failure code; never fails, never waits."""
        known = self._known.get(_key(self._lines.apology(code, 0, persona), persona, output))
        if known is not None:
            return known
        if output not in self._tones:
            self._tones[output] = encode(_two_notes(), RATE, output)
        return Speech(device=DEVICE, turn=0, output=output, text="", frames=self._tones[output], last=True)

    def missing(self, persona: Persona, output: AudioFormat) -> list[Sentence]:
        """Jobs for tts: what is not known yet for a persona and a format. Reads the folder; blocking.

        Twenty toys that come at once need the same sounds: what was asked for just now is not asked for again.
        """
        with self._asking:
            jobs = []
            for code in FAILURE_CODES:
                text = self._lines.apology(code, 0, persona)
                key = _key(text, persona, output)
                if key in self._known or self._read(key):
                    continue
                now = time.monotonic()
                if now < self._asked_at.get(key, -_AGAIN_S) + _AGAIN_S:
                    continue
                self._asked_at[key] = now
                number = next((n for n, asked in self._asked.items() if asked == key), len(self._asked) + 1)
                self._asked[number] = key
                jobs.append(
                    Sentence(device=DEVICE, turn=number, output=output, text=text, voice=persona.voice, last=True)
                )
            return jobs

    def ask_again(self) -> None:
        """Somebody has come who can speak: what was asked for before may have reached nobody."""
        self._asked_at.clear()

    def keep(self, speech: Speech) -> None:
        """Take an answer of tts and write it down; blocking."""
        key = self._asked.get(speech.turn)
        if key is None or not speech.frames or self._known.setdefault(key, speech) is not speech:
            return  # nobody asked for it, or it came twice
        path = self._path(key)
        new = path.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            new.write_bytes(speech.encode().payload)
            new.replace(path)
        except OSError as error:
            _LOGGER.warning("a sound cannot be kept and is made anew after a restart: %s", error)

    def _read(self, key: str) -> bool:
        path = self._path(key)
        if not path.exists():
            return False
        try:
            self._known[key] = Speech.decode(Speech.topic.format(device=DEVICE, turn="0"), path.read_bytes())
        except (BadMessage, OSError):
            _LOGGER.warning("a kept sound is damaged and is made anew: %s", path.name)
            return False
        return True

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.msgpack"


def _key(text: str, persona: Persona, output: AudioFormat) -> str:
    return hashlib.blake2b(f"{text} {persona.voice!r} {output!r}".encode(), digest_size=12).hexdigest()


def _two_notes() -> Pcm:
    time = np.arange(int(_NOTE_S * RATE)) / RATE
    fade = np.minimum(1, np.minimum(time, _NOTE_S - time) / 0.02)
    notes = [np.sin(2 * np.pi * hertz * time) * fade for hertz in _NOTES_HZ]
    return (np.concatenate(notes) * 9000).astype(np.int16)
