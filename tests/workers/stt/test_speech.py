"""What the recogniser gets to hear."""

import numpy as np
import pytest

from workers.stt.speech import RATE, samples, speech

RNG = np.random.default_rng(5)


def tone(seconds: float, rate: int = RATE, level: float = 8000) -> bytes:
    return (level * np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 300 / rate)).astype("<i2").tobytes()


NOTHING = {
    "no bytes": b"",
    "half a sample": b"\x01",
    "one sample": b"\x01\x02",
    "digital silence": bytes(32_000),
    "faint noise": RNG.normal(0, 30, RATE).astype("<i2").tobytes(),
    "a click": bytes(16_000) + tone(0.05) + bytes(16_000),
}


@pytest.mark.parametrize("pcm", NOTHING.values(), ids=NOTHING)
def test_nothing_is_nothing(pcm: bytes) -> None:
    assert speech(pcm, RATE) == b""


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_silence_around_speech_is_cut_at_any_rate(rate: int) -> None:
    cut = speech(bytes(2 * rate) + tone(0.5, rate) + bytes(rate), rate)
    assert len(cut) / 2 / RATE == pytest.approx(0.7, abs=0.04)


def test_an_odd_byte_at_the_end_is_left_out() -> None:
    assert speech(tone(0.5) + b"\x01", RATE) == speech(tone(0.5), RATE)
    assert samples(b"\x01\x00\xff").tolist() == [1]


def test_no_digital_silence_is_left_and_nothing_wraps_around() -> None:
    cut = np.frombuffer(speech(tone(0.3, level=32767) + bytes(16_000) + tone(0.3, level=32767), RATE), "<i2")
    assert np.abs(cut[RATE // 2 : RATE // 2 + 1600]).max() > 20
    assert np.abs(np.diff(cut.astype(int))).max() < 40_000
