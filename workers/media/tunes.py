"""Tunes as lists of notes, and the music box that plays them.

A tune is a YAML file a person can read and extend; config/library/README.md explains its keys. Notes are pitch and
length in beats (``G4:2``, one beat when no length is given), ``-`` is a rest, ``|`` ends a bar.
"""

import re
from functools import lru_cache
from typing import Annotated, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from hub.settings import Section
from workers.media.sound import RATE

_NOTE = re.compile(r"(?:([A-G])([#b]?)([2-7])|-)(?::(\d+(?:\.\d+)?))?")
_CHORD = re.compile(r"([A-G])([#b]?)(m?)(7?)|-")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ALTERED = {"": 0, "#": 1, "b": -1}

_PARTIALS = ((1.0, 1.0, 1.0), (2.0, 0.32, 0.6), (3.0, 0.10, 0.4), (4.0, 0.07, 0.3), (6.27, 0.03, 0.1))
"""Multiple of the pitch, loudness, share of the ring: the last one is the tick of the comb."""
_ATTACK_S = 0.004
_RING_S = 2.0
_DAMP = RATE // 100
"""Samples in which a ringing tooth is stopped."""
_ECHOES = ((0.031, 0.16), (0.047, 0.12), (0.083, 0.08), (0.127, 0.05))
"""Seconds and loudness: a small wooden room."""
_PEAK = 0.6
"""Of full scale; leaves room for what Opus adds."""
_HARMONY = 0.30
_OFF_BEAT = 0.84


class Note(NamedTuple):
    """A note of a tune: MIDI pitch (None: a rest), where it begins and its length, both in beats."""

    pitch: int | None
    start: float
    beats: float


class Tune(Section):
    """A tune with its words and where it comes from."""

    title: str
    also: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    ages: str = ""
    origin: str
    """Who wrote it when, and why it belongs to everybody."""
    licence: str = "public domain"
    tempo: Annotated[int, Field(ge=30, le=400)]
    """Beats a minute."""
    beats: Annotated[int, Field(ge=1, le=12)]
    """Beats in a bar; the first and last bar may be shorter."""
    repeat: Annotated[int, Field(ge=1, le=8)] = 2
    melody: str
    chords: str
    """One entry for each bar of the melody; several chords in a bar share it evenly."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        bars, chords = _bars(self.melody), _bars(self.chords)
        if len(bars) != len(chords):
            raise ValueError(f"{len(bars)} bars of melody and {len(chords)} of chords")
        for number, bar in enumerate(bars, 1):
            length = sum(_beats(note) for note in bar)
            if length > self.beats or (length < self.beats and number not in (1, len(bars))):
                raise ValueError(f"bar {number} has {length:g} beats, not {self.beats}: {' '.join(bar)}")
        for number, bar in enumerate(chords, 1):
            if bad := [chord for chord in bar if not _CHORD.fullmatch(chord)]:
                raise ValueError(f"bar {number}: no chord {bad[0]!r}")
        return self

    def notes(self) -> list[Note]:
        """The melody, once, in order."""
        notes, at = [], 0.0
        for bar in _bars(self.melody):
            for text in bar:
                notes.append(Note(_pitch(text), at, _beats(text)))
                at += _beats(text)
        return notes

    def harmony(self) -> list[Note]:
        """Broken chords under the melody: the root on the chord's first beat, its other notes on the beats after it."""
        notes, at = [], 0.0
        for bar, chords in zip(_bars(self.melody), _bars(self.chords), strict=True):
            length = sum(_beats(note) for note in bar)
            share = length / len(chords)
            for place, chord in enumerate(chords):
                start = at + place * share
                notes += [Note(pitch, start + n, 1.0) for n, pitch in enumerate(_tones(chord, max(1, int(share))))]
            at += length
        return notes


def _bars(text: str) -> list[list[str]]:
    return [bar.split() for bar in text.strip().strip("|").split("|")]


def _match(note: str) -> re.Match[str]:
    if (match := _NOTE.fullmatch(note)) is None:
        raise ValueError(f"no note: {note!r}; write G4, F#5:2, Bb4:0.5 or - for a rest")
    return match


def _beats(note: str) -> float:
    return float(_match(note)[4] or 1)


def _pitch(note: str) -> int | None:
    step, altered, octave, _ = _match(note).groups()
    return None if step is None else 12 * (int(octave) + 1) + _SEMITONES[step] + _ALTERED[altered]


def _tones(chord: str, count: int) -> list[int]:
    match = _CHORD.fullmatch(chord)
    if match is None or match[1] is None:
        return []
    root = 48 + (_SEMITONES[match[1]] + _ALTERED[match[2]]) % 12
    above = [root + (15 if match[3] else 16), root + (22 if match[4] else 19)]
    return [root, *(above[n % 2] for n in range(count - 1))]


def frequency(pitch: int) -> float:
    """Hertz of a MIDI pitch (A4 = 69 = 440 Hz)."""
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def render(tune: Tune) -> NDArray[np.int16]:
    """Play a tune on the music box.

    Returns:
        Samples at 48 kHz, shape (n,), mono, ending when the last note has faded.
    """
    beat = RATE * 60 / tune.tempo
    once = sum(note.beats for note in tune.notes())
    out = np.zeros(int(once * tune.repeat * beat + _RING_S * RATE) + RATE // 4, dtype=np.float32)
    for notes, loudness in ((tune.notes(), 1.0), (tune.harmony(), _HARMONY)):
        repeated = [note._replace(start=note.start + turn * once) for turn in range(tune.repeat) for note in notes]
        _pluck(repeated, loudness, beat, out)
    dry = out.copy()
    for delay_s, echo in _ECHOES:
        delay = int(delay_s * RATE)
        out[delay:] += np.float32(echo) * dry[:-delay]
    return (out * (_PEAK * 32767 / max(float(np.abs(out).max()), 1e-9))).astype(np.int16)


def _pluck(notes: list[Note], loudness: float, beat: float, out: NDArray[np.float32]) -> None:
    """Add the notes to ``out``; a tooth stops ringing when it is plucked again."""
    silenced: dict[int, int] = {}
    for note in reversed(notes):
        if note.pitch is None:
            continue
        start = int(note.start * beat)
        sound = _tone(note.pitch)[: silenced.get(note.pitch, len(out)) - start].copy()
        silenced[note.pitch] = start
        fade = min(_DAMP, len(sound))
        sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        accent = 1.0 if note.start == int(note.start) else _OFF_BEAT
        out[start : start + len(sound)] += np.float32(loudness * accent) * sound


@lru_cache(maxsize=64)
def _tone(pitch: int) -> NDArray[np.float32]:
    """One plucked tooth of the comb: high notes fade sooner, high partials soonest."""
    t = np.arange(int(_RING_S * RATE)) / RATE
    hertz = frequency(pitch)
    ring_s = 0.55 * (523.0 / hertz) ** 0.4
    sound = np.zeros_like(t)
    for multiple, loudness, share in _PARTIALS:
        if hertz * multiple < RATE / 2.5:
            sound += loudness * np.exp(-t / (ring_s * share)) * np.sin(2 * np.pi * hertz * multiple * t)
    attack = int(_ATTACK_S * RATE)
    sound[:attack] *= np.linspace(0, 1, attack)
    return np.asarray(sound, dtype=np.float32)
