"""Chunks of a toy's audio in, events of end-pointing out."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.audio import RATE, Pcm, encode
from hub.errors import AudioError
from hub.messages import AudioFormat, Event, UpAudio
from hub.messages.audio import END
from hub.session.ear import Ear
from hub.session.endpointing import Event as EarEvent
from hub.session.endpointing import NoSpeech, Pauses, SpeechEnded, SpeechStarted
from hub.settings import EndpointSettings

SETTINGS = EndpointSettings()


def loud(_: bytes) -> float:
    """A detector that takes whatever passes the gate for speech."""
    return 0.9


def tone(seconds: float, rate: int = RATE) -> Pcm:
    return (8000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.int16)


def ear(codec: Any = "pcm16", rate: Any = RATE, mode: Any = "open") -> Ear:
    start = Event(device="bear", event="start", codec=codec, rate=rate, mode=mode)
    return Ear(start, SETTINGS, loud, Pauses(SETTINGS))


def chunk(seq: int, data: bytes = b"", flags: int = 0) -> UpAudio:
    return UpAudio("bear", 1, seq % 65536, 0, flags, data)


def chunks(pcm: Pcm, first: int = 0) -> list[UpAudio]:
    return [chunk(first + n, pcm[at : at + 960].tobytes()) for n, at in enumerate(range(0, pcm.size, 960))]


def hear(listener: Ear, sent: Iterator[UpAudio] | list[UpAudio], now: float = 0.0) -> list[EarEvent]:
    return [event for one in sent for event in listener.hear(one, now)]


def test_speech_is_cut_out_of_what_comes() -> None:
    events = hear(ear(), chunks(np.concatenate([tone(1), np.zeros(RATE, np.int16)])))
    assert [type(event) for event in events] == [SpeechStarted, SpeechEnded]


@pytest.mark.parametrize(("codec", "rate"), [("opus", 16000), ("opus", 48000), ("pcm16", 8000), ("pcm16", 48000)])
def test_every_codec_and_rate_becomes_16_khz(codec: Any, rate: Any) -> None:
    listener = ear(codec, rate, "push")
    frames = encode(tone(1.2, rate), rate, AudioFormat(codec=codec, rate=rate))
    events = hear(listener, [chunk(n, frame) for n, frame in enumerate(frames)])
    events += hear(listener, [chunk(len(frames), flags=END)])
    assert isinstance(events[-1], SpeechEnded)
    assert events[-1].pcm.size == pytest.approx(1.2 * RATE, abs=RATE * 0.03)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 39), max_size=40), st.integers(0, 65535))
def test_chunks_that_come_twice_are_taken_once(repeats: list[int], first: int) -> None:
    sent = chunks(tone(2.4), first)
    for at in sorted(repeats, reverse=True):
        sent.insert(at + 1, sent[at])
    listener = ear(mode="push")
    listener._next_seq = first
    events = [*hear(listener, sent), *listener.stop()]
    assert isinstance(events[-1], SpeechEnded)
    assert np.array_equal(events[-1].pcm[: 40 * 960], tone(2.4))


def test_a_chunk_that_comes_too_late_is_left_out_and_a_lost_one_stops_nothing() -> None:
    sent = chunks(tone(1.2))
    late = sent.pop(5)
    sent.insert(9, late)
    listener = ear(mode="push")
    events = [*hear(listener, sent), *listener.stop()]
    assert isinstance(events[-1], SpeechEnded)
    heard = events[-1].pcm
    assert np.array_equal(heard[: 5 * 960], tone(1.2)[: 5 * 960])
    assert np.array_equal(heard[5 * 960 : 8 * 960], tone(1.2)[6 * 960 : 9 * 960])


def test_numbers_of_chunks_wrap() -> None:
    listener = ear()
    listener._next_seq = 65_530
    assert len(hear(listener, chunks(np.concatenate([tone(1), np.zeros(RATE, np.int16)]), 65_530))) == 2


@pytest.mark.parametrize("codec", ["pcm16", "opus"])
def test_a_chunk_that_cannot_be_decoded_does_not_end_the_stream(codec: Any) -> None:
    listener = ear(codec, mode="push")
    frames = encode(tone(0.6), RATE, AudioFormat(codec=codec))
    assert len(hear(listener, [chunk(n, frame) for n, frame in enumerate(frames)])) == 1
    with pytest.raises(AudioError):
        hear(listener, [chunk(len(frames), b"\xff\xff\xff")])
    hear(listener, [chunk(len(frames) + 1 + n, frame) for n, frame in enumerate(frames)])
    assert [type(event) for event in listener.stop()] == [SpeechEnded]


def test_a_last_chunk_that_cannot_be_decoded_ends_it_all_the_same() -> None:
    listener = ear(mode="push")
    hear(listener, chunks(tone(0.6)))
    got: list[EarEvent] = []
    with pytest.raises(AudioError):
        got.extend(listener.hear(chunk(10, b"odd", END), 0.0))
    assert list(listener.stop()) == []


def test_after_the_last_chunk_nothing_is_taken() -> None:
    listener = ear("opus")
    frames = encode(tone(0.6), RATE, AudioFormat())
    assert hear(listener, [chunk(n, frame) for n, frame in enumerate(frames)])
    assert [type(event) for event in hear(listener, [chunk(10, flags=END)])] == [SpeechEnded]
    assert hear(listener, [chunk(11, frames[0]), chunk(12, flags=END)]) == []
    assert list(listener.stop()) == list(listener.lost()) == []


def test_the_end_without_speech_is_no_speech() -> None:
    assert hear(ear(), [chunk(0, bytes(1920)), chunk(1, flags=END)]) == [NoSpeech()]


class TestLost:
    def test_a_toy_that_sends_nothing_at_all_has_as_long_as_a_child_that_says_nothing(self) -> None:
        assert ear().lost_at(100.0) == 100.0 + SETTINGS.no_speech_s

    def test_one_that_stops_in_the_middle_has_less(self) -> None:
        listener = ear()
        hear(listener, chunks(tone(0.6)), now=103.0)
        assert listener.lost_at(100.0) == 103.0 + SETTINGS.lost_s
        assert [event.reason for event in listener.lost() if isinstance(event, SpeechEnded)] == ["lost"]

    def test_one_that_sends_chunks_without_sound_is_not_listened_to_for_ever(self) -> None:
        listener = ear("opus")
        for n in range(200):
            hear(listener, [chunk(n)], now=100.0 + n)
        assert listener.lost_at(100.0) < 100.0 + 35
        assert list(listener.lost()) == [NoSpeech()]
