"""The starter tunes: what is written is what is heard."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from tests.workers.media.conftest import CONFIG
from workers.media import tunes
from workers.media.library import Library
from workers.media.tunes import Note, Tune

PATHS = sorted((CONFIG / "tunes").glob("*.yaml"))
LEAST = {"title": "Scale", "origin": "made here", "tempo": 60, "beats": 4, "repeat": 1}


def tune(melody: str, chords: str, **more: object) -> Tune:
    return Tune.model_validate({**LEAST, "melody": melody, "chords": chords, **more})


def newest_hz(samples: np.ndarray, start: int) -> float:
    """The frequency (to about 1 Hz) that grows most within a fifth of a second: earlier notes go on ringing."""
    before, after = samples[max(0, start - 9600) : start], samples[start : start + 9600]
    grown = [
        np.abs(np.fft.rfft(part * np.hanning(len(part)), 48_000)) if len(part) else 0.0 for part in (after, before)
    ]
    return float(np.argmax(grown[0] - grown[1]))


def test_notes_have_pitch_start_and_length() -> None:
    notes = tune("C5 - | F#5:1.5 Bb4:0.5 A4:2", "- | D").notes()
    expected = [Note(72, 0, 1), Note(None, 1, 1), Note(78, 2, 1.5), Note(70, 3.5, 0.5), Note(69, 4, 2)]
    assert notes == expected
    assert tunes.frequency(69) == pytest.approx(440)


def test_chords_are_broken_over_their_share_of_the_bar() -> None:
    notes = tune("C5:4 | C5:4", "C G7 | Am").harmony()
    assert [(note.pitch, note.start) for note in notes[:4]] == [(48, 0), (64, 1), (55, 2), (71, 3)]
    assert [note.pitch for note in notes[4:]] == [57, 72, 76, 72]


@pytest.mark.parametrize(
    ("melody", "chords", "complaint"),
    [
        ("C5 C5 | C5 C5 C5 | C5", "C | C | C", "bar 2 has 3 beats, not 4"),
        ("C5:5", "C", "bar 1 has 5 beats, not 4"),
        ("C5 H5", "C", "no note: 'H5'"),
        ("C5", "C | C", "1 bars of melody and 2 of chords"),
        ("C5", "Cmaj9", "no chord 'Cmaj9'"),
    ],
)
def test_a_slip_of_the_pen_is_named(melody: str, chords: str, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        tune(melody, chords)


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_every_starter_tune_sounds_as_written(path: Path) -> None:
    written = Tune.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    alone = written.model_copy(update={"chords": "|".join("-" for _ in written.chords.strip("|\n ").split("|"))})
    samples = tunes.render(alone.model_copy(update={"repeat": 1}))
    beat = 48_000 * 60 / written.tempo
    notes = written.notes()
    for place, note in enumerate(notes):
        if note.pitch is not None:
            heard = newest_hz(samples, int(note.start * beat))
            # A tooth plucked again is as loud as before: nothing grows that tells.
            again = note.pitch in [earlier.pitch for earlier in notes[max(0, place - 3) : place]]
            assert again or heard == pytest.approx(tunes.frequency(note.pitch), rel=0.02), note  # a semitone is 6 %


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_every_starter_tune_is_whole(path: Path, starter_library: Library) -> None:
    written = Tune.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert len(written.origin) > 40
    assert "copyright" in written.origin or "public domain" in written.origin
    item = starter_library.get(f"starter-{path.stem}")
    samples, rate, ended = starter_library.read(item, 0, 120_000)
    assert (rate, ended) == (48_000, True)
    assert 20_000 < item.duration_ms < 60_000
    assert len(samples) // 48 == item.duration_ms
    beats = sum(note.beats for note in written.notes()) * written.repeat
    assert item.duration_ms / 1000 == pytest.approx(beats * 60 / written.tempo + 2.25, abs=0.01)
    assert 0.4 < np.abs(samples).max() / 32768 < 0.8, "loud enough, and no clipping"
    assert np.abs(samples[-4800:]).max() < 200, "fades to the end"


def test_there_are_enough_tunes() -> None:
    assert len(PATHS) >= 8


def test_a_tooth_plucked_again_sounds_like_the_first_time() -> None:
    samples = tunes.render(tune("A5 A5 A5 A5", "-", tempo=120)).astype(float)
    first, second = (np.abs(np.fft.rfft(samples[start : start + 12_000])) for start in (0, 24_000))
    assert first.argmax() == second.argmax() == 880 / 4
    assert first.max() == pytest.approx(second.max(), rel=0.15)
