"""Apologies are there before they are needed, and something is heard when they are not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.audio import RATE, Decoder
from hub.lines import FAILURE_CODES, load_lines
from hub.messages import AudioFormat, Persona, Sentence, Speech, Voice
from hub.session.sounds import DEVICE, Sounds

BEAR = Persona(id="bear", name="Bear", voice=Voice(name="en-us"))
PIRATE = Persona(id="pirate", name="Pirate", voice=Voice(name="en-gb"), lines={"late": ["Arr, too slow."]})
OPUS = AudioFormat()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sounds"


def sounds(folder: Path) -> Sounds:
    return Sounds(folder, load_lines("en"))


def spoken(job: Sentence) -> Speech:
    """What tts makes of a job."""
    return job.then(Speech, text=job.text, frames=[job.text.encode()], last=True)


def filled(folder: Path) -> Sounds:
    kept = sounds(folder)
    for job in kept.missing(BEAR, OPUS):
        kept.keep(spoken(job))
    return kept


def test_tts_is_asked_for_each_code_once_in_the_voice_of_the_toy(folder: Path) -> None:
    kept = sounds(folder)
    jobs = kept.missing(BEAR, OPUS)
    assert len(jobs) == len(FAILURE_CODES)
    assert len({job.turn for job in jobs}) == len(jobs)
    assert {(job.device, job.voice, job.output, job.last) for job in jobs} == {(DEVICE, BEAR.voice, OPUS, True)}
    for job in jobs:
        kept.keep(spoken(job))
    assert kept.missing(BEAR, OPUS) == []


@pytest.mark.parametrize("code", FAILURE_CODES)
def test_each_code_has_its_own_words(folder: Path, code: str) -> None:
    apology = filled(folder).sorry(code, BEAR, OPUS)
    assert apology.text == load_lines("en").apology(code, 0, BEAR)
    assert apology.frames == [apology.text.encode()]


def test_a_code_that_nobody_knows_gets_the_general_apology(folder: Path) -> None:
    kept = filled(folder)
    assert kept.sorry("from-the-future", BEAR, OPUS) == kept.sorry("stage-failed", BEAR, OPUS)
    assert kept.sorry("from-the-future", BEAR, OPUS).text


def test_they_outlive_the_hub(folder: Path) -> None:
    before = filled(folder)
    after = sounds(folder)
    assert after.missing(BEAR, OPUS) == []
    for code in FAILURE_CODES:
        kept, made = after.sorry(code, BEAR, OPUS), before.sorry(code, BEAR, OPUS)
        assert (kept.text, kept.frames) == (made.text, made.frames)
        assert kept.frames


@pytest.mark.parametrize("damage", [b"", b"\xff\x00rubbish", b"{}"])
def test_a_damaged_file_is_made_anew(folder: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    filled(folder)
    path = min(folder.glob("*.msgpack"))
    good = path.read_bytes()
    path.write_bytes(damage)
    after = sounds(folder)
    jobs = after.missing(BEAR, OPUS)
    assert len(jobs) == 1
    assert path.name in caplog.text
    after.keep(spoken(jobs[0]))
    # the number of the job is another one, the sound is the same
    assert Speech.decode(Speech.topic.format(device=DEVICE, turn="0"), path.read_bytes()).text.encode() in good
    assert sounds(folder).missing(BEAR, OPUS) == []


def test_a_half_written_file_is_made_anew(folder: Path) -> None:
    filled(folder)
    path = min(folder.glob("*.msgpack"))
    path.write_bytes(path.read_bytes()[:-5])
    assert len(sounds(folder).missing(BEAR, OPUS)) == 1


def test_every_persona_and_format_has_its_own(folder: Path) -> None:
    kept = filled(folder)
    assert len(kept.missing(PIRATE, OPUS)) == len(FAILURE_CODES)
    assert len(kept.missing(BEAR, AudioFormat(codec="pcm16"))) == len(FAILURE_CODES)
    assert kept.sorry("late", PIRATE, OPUS).text == "", "not the voice of another toy"


def test_an_answer_that_nobody_asked_for_or_that_is_silent_is_not_kept(folder: Path) -> None:
    kept = sounds(folder)
    kept.keep(Speech(device=DEVICE, turn=99, text="Hello.", frames=[b"x"]))
    job = kept.missing(BEAR, OPUS)[0]
    kept.keep(spoken(job).model_copy(update={"frames": []}))
    assert not folder.exists()


def test_a_full_disk_does_not_take_the_sound_away(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept = sounds(folder)
    job = kept.missing(BEAR, OPUS)[0]
    folder.write_text("a file where the folder should be")
    kept.keep(spoken(job))
    assert kept.sorry(FAILURE_CODES[0], BEAR, OPUS).text == job.text
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize("output", [OPUS, AudioFormat(codec="pcm16", rate=8000, frame_ms=20)])
def test_until_then_two_falling_notes_are_heard(folder: Path, output: Any) -> None:
    apology = sounds(folder).sorry("late", BEAR, output)
    assert (apology.text, apology.output, apology.last) == ("", output, True)
    decoder = Decoder(output.codec, output.rate)
    pcm = np.concatenate([decoder.decode(frame) for frame in apology.frames])
    assert 0.4 < pcm.size / RATE < 0.6
    first, second = (_pitch(pcm[int(at * RATE) : int((at + 0.1) * RATE)]) for at in (0.06, 0.28))
    assert first == pytest.approx(523, abs=12)
    assert second == pytest.approx(392, abs=12)


def _pitch(pcm: Any) -> float:
    power = np.abs(np.fft.rfft(pcm * np.hanning(pcm.size)))
    return float(np.argmax(power) * RATE / pcm.size)


def test_what_was_asked_for_just_now_is_not_asked_for_again_unless_a_new_voice_comes(folder: Path) -> None:
    kept = sounds(folder)
    first = kept.missing(BEAR, OPUS)
    assert kept.missing(BEAR, OPUS) == []
    kept.ask_again()
    assert kept.missing(BEAR, OPUS) == first


def test_a_sound_that_comes_twice_is_kept_once(folder: Path) -> None:
    kept = sounds(folder)
    job = kept.missing(BEAR, OPUS)[0]
    kept.keep(spoken(job))
    (path,) = folder.iterdir()
    written = path.stat().st_ino
    kept.keep(spoken(job))
    assert path.stat().st_ino == written
