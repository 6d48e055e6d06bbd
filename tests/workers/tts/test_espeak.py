import logging
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pytest

from hub.audio import level_db
from hub.engines import load_engine, missing
from hub.errors import EngineError, SettingsError
from hub.messages import Voice
from workers.tts.engines.espeak import Engine, Settings, _parse

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
EN = Voice()


@pytest.fixture
def engine() -> Engine:
    return Engine(Settings())


@needs_espeak
def test_speaks_with_a_pause_at_the_end_and_none_at_the_beginning(engine: Engine) -> None:
    pcm, rate = engine.synthesize("Hello little bear.", EN)
    assert pcm.dtype == np.int16
    assert pcm.ndim == 1
    assert rate == 22050
    assert 0.6 < pcm.size / rate < 2.5
    assert level_db(pcm[: int(0.05 * rate)]) > -50
    assert not pcm[-int(0.15 * rate) :].any()
    assert pcm[-int(0.2 * rate) :].any()


@needs_espeak
def test_the_pause_after_a_clause_is_shorter(engine: Engine) -> None:
    clause, rate = engine.synthesize("and then,", EN)
    assert not clause[-int(0.07 * rate) :].any()
    assert clause[-int(0.12 * rate) :].any()


@needs_espeak
def test_speed_pitch_and_voice_are_heard(engine: Engine) -> None:
    text = "Here is a story about a bear."
    plain, _ = engine.synthesize(text, EN)
    fast, _ = engine.synthesize(text, Voice(speed=1.6))
    high, _ = engine.synthesize(text, Voice(pitch=1.5))
    other, _ = engine.synthesize(text, Voice(name="en-us+m3"))
    german, _ = engine.synthesize(text, Voice(language="de"))
    assert fast.size < 0.8 * plain.size
    for sound in (high, other, german):
        assert sound.size != plain.size or (sound != plain).any()


@needs_espeak
@pytest.mark.parametrize("name", ["xx-klingon", "-h", "../../etc/passwd", "a b", "en;id", "x" * 100])
def test_an_unknown_voice_falls_back_and_is_logged_once(
    name: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    expected, _ = engine.synthesize("Hello.", EN)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            pcm, _ = engine.synthesize("Hello.", Voice(name=name))
            assert (pcm == expected).all()
    assert len(caplog.records) == 1


@needs_espeak
def test_an_unknown_language_is_spoken_in_english(engine: Engine) -> None:
    assert engine.synthesize("Hello.", Voice(language="tlh"))[0].size


@needs_espeak
@pytest.mark.parametrize(
    "text", ["--version", "-f /etc/hostname", "<break time='9s'/>hi", "hi\nthere", "hi\0there", "\ud800 hi"]
)
def test_nothing_in_a_text_is_an_order(text: str, engine: Engine) -> None:
    pcm, rate = engine.synthesize(text, EN)
    assert 0.1 < pcm.size / rate < 6


@needs_espeak
def test_phoneme_marks_are_not_obeyed(engine: Engine) -> None:
    obeyed, _ = engine.synthesize("h@loU", EN)
    marked, _ = engine.synthesize("[[h@loU]]", EN)
    assert abs(marked.size - obeyed.size) < 0.2 * obeyed.size


@needs_espeak
def test_nothing_to_say_is_no_sound(engine: Engine) -> None:
    assert engine.synthesize("", EN)[0].size == 0
    assert engine.synthesize("...", EN)[0].size == 0


@needs_espeak
def test_a_long_text_is_spoken_to_its_end(engine: Engine) -> None:
    short, _ = engine.synthesize("One small bear went home. " * 2, EN)
    long, _ = engine.synthesize("One small bear went home. " * 20, EN)
    assert long.size > 8 * short.size


@needs_espeak
@pytest.mark.slow
def test_a_short_sentence_takes_less_than_a_tenth_of_a_second(engine: Engine) -> None:
    def once() -> float:
        start = time.perf_counter()
        engine.synthesize("Here is a story about a little bear.", EN)
        return time.perf_counter() - start

    assert min(once() for _ in range(10)) < 0.1  # 15 ms undisturbed; other tests run beside this one


def fake(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_words_are_in_no_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    fake(tmp_path, f'echo "$@" > {tmp_path}/args; cat > {tmp_path}/words', monkeypatch)
    assert engine.synthesize("a secret", EN)[0].size == 0
    assert "secret" not in (tmp_path / "args").read_text()
    assert (tmp_path / "words").read_text() == "a secret"


@pytest.mark.parametrize("script", ["exit 3", "kill -9 $$", "echo no sound", "printf RIFFxxxxWAVE"])
def test_a_broken_program_is_an_engine_error_without_the_words(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    fake(tmp_path, f"cat > /dev/null; {script}", monkeypatch)
    with pytest.raises(EngineError) as caught:
        engine.synthesize("a secret", EN)
    assert "secret" not in str(caught.value)


def test_a_hanging_program_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, "exec sleep 30", monkeypatch)
    with pytest.raises(EngineError, match="TimeoutExpired") as caught:
        Engine(Settings(timeout_s=0.2)).synthesize("a secret", EN)
    assert "secret" not in str(caught.value)


def test_a_missing_program_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: Engine
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="apt install espeak-ng"):
        engine.warm()
    assert "apt install espeak-ng" in missing("workers.tts.engines", "espeak", {})


def test_an_unknown_option_is_rejected() -> None:
    with pytest.raises(SettingsError, match="speeed"):
        load_engine("workers.tts.engines", "espeak", {"speeed": 1})


def test_half_a_sample_at_the_end_is_dropped() -> None:
    header = bytearray(44)
    header[0:4], header[36:40] = b"RIFF", b"data"
    header[22:24], header[24:28], header[34:36] = b"\1\0", (16000).to_bytes(4, "little"), b"\x10\0"
    pcm, rate = _parse(bytes(header) + b"\1\0\2")
    assert (pcm.tolist(), rate) == ([1], 16000)
