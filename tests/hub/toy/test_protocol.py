"""The firmware: messages and time in, messages out; nobody sleeps here."""

import numpy as np
import pytest

from hub.messages import AudioFormat, Config, Control, DownAudio, Event, Hello, Presence, UpAudio
from hub.messages.audio import END
from hub.toy.outputs import Mic, Output, TurnOpened, TurnOver
from hub.toy.protocol import MIC_MS, PATIENCE_MS, Firmware

DEVICE = "bear"


@pytest.fixture
def toy() -> Firmware:
    return Firmware(Hello(device=DEVICE, codecs=["pcm16"]), AudioFormat(codec="pcm16"))


def control(name: str, **fields: int | str | None) -> Control:
    return Control.model_validate({"device": DEVICE, "control": name, **fields})


def event(name: str, **fields: int | str | bool | None) -> Event:
    return Event.model_validate({"device": DEVICE, "event": name, **fields})


def start(press: int, mode: str = "open") -> Event:
    return event("start", press=press, codec="pcm16", mode=mode)


def sound(turn: int, seq: int, flags: int = 0) -> DownAudio:
    return DownAudio(DEVICE, turn, seq, seq * 60, flags, np.full(960, 9, "<i2").tobytes())


def up(turn: int, seq: int, data: bytes, flags: int = 0) -> UpAudio:
    return UpAudio(DEVICE, turn, seq, seq * 60, flags, data)


def played(turn: int, seq: int | None, ms: int, *, final: bool = False) -> Event:
    return event("played", turn=turn, seq=seq, ms=ms, final=final)


def playing(toy: Firmware, turn: int = 7, chunks: int = 10, now_ms: float = 0) -> None:
    """Bring a turn of the hub to sounding."""
    toy.receive(control("play", turn=turn), now_ms)
    for seq in range(chunks):
        toy.receive(sound(turn, seq), now_ms)


def listening(toy: Firmware, turn: int = 7, now_ms: float = 0) -> None:
    toy.press(now_ms)
    toy.receive(control("listening", turn=turn, press=toy.press_number, from_seq=0), now_ms)


def without(kind: type[Output], outputs: list[Output]) -> list[Output]:
    return [each for each in outputs if not isinstance(each, kind)]


def test_says_who_it_is_after_connecting(toy: Firmware) -> None:
    assert toy.connected(0) == [Presence(device=DEVICE, text="online"), toy.hello]


def test_start_is_repeated_each_second_with_the_same_press_until_answered(toy: Firmware) -> None:
    assert toy.press(0) == [Mic(open=True), start(1)]
    assert toy.wake_ms() == 1000
    assert toy.tick(999) == []
    assert toy.tick(1000) == [start(1)]
    assert toy.tick(2000) == [start(1)]
    toy.receive(control("listening", turn=7, press=1, from_seq=0), 2100)
    assert toy.tick(3100) == []


def test_what_was_recorded_before_the_answer_is_sent_from_from_seq_on(toy: Firmware) -> None:
    toy.press(0)
    for number in range(4):
        assert toy.record(b"%d" % number, 60 * number) == []
    answer = control("listening", turn=7, press=1, from_seq=1)
    assert toy.receive(answer, 250) == [TurnOpened(7, 1), up(7, 1, b"1"), up(7, 2, b"2"), up(7, 3, b"3")]
    assert toy.record(b"4", 300) == [up(7, 4, b"4")]


def test_a_new_owner_of_the_session_may_ask_again(toy: Firmware) -> None:
    listening(toy)
    toy.record(b"a", 60)
    toy.record(b"b", 120)
    again = control("listening", turn=7, press=1, from_seq=0)
    assert toy.receive(again, 130) == [up(7, 0, b"a"), up(7, 1, b"b")]
    toy.receive(control("stop_listening", turn=7), 140)
    assert toy.receive(again, 150) == [up(7, 0, b"a"), up(7, 1, b"b")]
    assert toy.phase == "waiting"


def test_the_answer_to_an_older_press_is_ignored(toy: Firmware) -> None:
    toy.press(0)
    toy.press(10)
    assert toy.receive(control("listening", turn=7, press=1, from_seq=0), 20) == []
    assert toy.phase == "starting"


def test_at_most_twenty_seconds_are_kept(toy: Firmware) -> None:
    toy.press(0)
    for number in range(400):
        toy.record(b"%d" % number, 0)
    sent = without(TurnOpened, toy.receive(control("listening", turn=7, press=1, from_seq=0), 0))
    assert len(sent) == 20_000 // 60
    assert sent[-1] == up(7, 399, b"399")
    assert toy.recorder.since(5000) == []


def test_stop_listening_shuts_the_microphone(toy: Firmware) -> None:
    listening(toy)
    assert toy.receive(control("stop_listening", turn=6), 10) == []
    assert toy.receive(control("stop_listening", turn=7), 10) == [Mic(open=False)]
    assert toy.record(b"x", 60) == []
    assert toy.phase == "waiting"


def test_push_mode_ends_with_end_and_stop(toy: Firmware) -> None:
    toy.press(0, "push")
    toy.receive(control("listening", turn=7, press=1, from_seq=0), 1)
    toy.record(b"x", 60)
    assert toy.release(100) == [up(7, 1, b"", END), Mic(open=False), event("stop", turn=7)]
    assert toy.release(110) == []


def test_a_button_let_go_before_the_hub_answers_loses_nothing(toy: Firmware) -> None:
    toy.press(0, "push")
    toy.record(b"x", 60)
    assert toy.release(70) == [Mic(open=False)]
    answer = toy.receive(control("listening", turn=7, press=1, from_seq=0), 80)
    assert answer == [TurnOpened(7, 1), up(7, 0, b"x"), up(7, 1, b"", END), event("stop", turn=7)]
    assert toy.phase == "waiting"


def test_plays_reports_each_second_and_says_when_all_was_heard(toy: Firmware) -> None:
    assert toy.receive(control("play", turn=7), 0) == [TurnOpened(7, None)]
    for seq in range(20):
        toy.receive(sound(7, seq, END if seq == 19 else 0), 100)
    assert toy.wake_ms() == 1100
    assert toy.tick(1100) == [played(7, 16, 1000)]
    assert toy.wake_ms() == 1300
    assert toy.tick(1300) == [played(7, 19, 1200, final=True)]
    assert toy.tick(1400) == []
    assert toy.receive(control("done", turn=7), 1400) == [TurnOver(7, None, None)]
    assert toy.phase == "idle"


def test_done_that_comes_early_lets_the_rest_be_heard(toy: Firmware) -> None:
    playing(toy, chunks=2)
    assert toy.receive(control("done", turn=7, code="late"), 10) == []
    assert toy.tick(120) == [played(7, 1, 120, final=True), TurnOver(7, None, "late")]


def test_audio_of_any_other_turn_is_dropped(toy: Firmware) -> None:
    assert toy.receive(sound(6, 0), 0) == []
    playing(toy, chunks=1)
    toy.receive(sound(6, 1), 0)
    assert toy.dropped_foreign == 2
    assert toy.speaker.playback
    assert toy.speaker.playback.chunks == 1


def test_a_press_silences_at_once_and_says_how_far_it_came(toy: Firmware) -> None:
    playing(toy)
    out = toy.press(90)
    assert out == [played(7, 1, 90, final=True), TurnOver(7, None, "interrupted"), Mic(open=True), start(1)]
    assert toy.speaker.finished
    toy.receive(sound(7, 10), 91)
    assert toy.dropped_foreign == 1
    assert toy.receive(control("flush", turn=7), 95) == [played(7, 1, 90, final=True)]  # the same answer again
    assert toy.receive(control("play", turn=7), 96) == []  # a turn that is over does not come back


def test_flush_ends_the_turn(toy: Firmware) -> None:
    playing(toy)
    assert toy.receive(control("flush", turn=7), 90) == [played(7, 1, 90, final=True), TurnOver(7, None, "interrupted")]
    assert toy.phase == "idle"


def test_flush_of_a_turn_that_never_sounded(toy: Firmware) -> None:
    assert toy.receive(control("flush", turn=5), 0) == [played(5, None, 0, final=True)]
    listening(toy)
    out = toy.receive(control("flush", turn=7), 10)
    assert out == [played(7, None, 0, final=True), Mic(open=False), TurnOver(7, 1, "interrupted")]


def test_interrupt_is_silent_before_the_hub_knows(toy: Firmware) -> None:
    assert toy.interrupt(0) == []
    playing(toy)
    out = toy.interrupt(90)
    assert out == [played(7, 1, 90, final=True), event("interrupt", turn=7), TurnOver(7, None, "interrupted")]
    toy.receive(sound(7, 10), 91)
    assert toy.dropped_foreign == 1


def test_running_dry_is_reported_when_sound_comes_back(toy: Firmware) -> None:
    playing(toy, chunks=1)
    assert toy.tick(60) == []
    assert toy.receive(sound(7, 1), 200) == [event("underrun", turn=7, ms=140)]


def test_while_a_press_is_on_its_way_the_hub_cannot_open_another_turn(toy: Firmware) -> None:
    toy.press(0)
    assert toy.receive(control("play", turn=8), 10) == []
    toy.receive(control("listening", turn=9, press=1, from_seq=0), 20)
    out = toy.receive(control("play", turn=10), 30)  # but a hub that listened and goes on to something else may
    assert out == [Mic(open=False), TurnOver(9, 1, "interrupted"), TurnOpened(10, None)]


def test_a_new_turn_of_the_hub_takes_the_place_of_the_old_one(toy: Firmware) -> None:
    playing(toy)
    out = toy.receive(control("play", turn=8), 60)
    assert out == [played(7, 1, 60, final=True), TurnOver(7, None, "interrupted"), TurnOpened(8, None)]


def test_an_error_ends_the_press(toy: Firmware) -> None:
    toy.press(0)
    assert toy.receive(control("error", press=0, code="busy"), 5) == []
    assert toy.receive(control("error", press=1, code="busy"), 5) == [Mic(open=False), TurnOver(None, 1, "busy")]


def test_nobody_answers(toy: Firmware) -> None:
    toy.press(0)
    toy.tick(PATIENCE_MS - 1)
    assert toy.tick(PATIENCE_MS)[-2:] == [Mic(open=False), TurnOver(None, 1, "no-answer")]
    assert toy.wake_ms() is None


def test_the_microphone_never_stays_open(toy: Firmware) -> None:
    listening(toy)
    assert toy.wake_ms() == MIC_MS
    assert toy.tick(MIC_MS) == [Mic(open=False), TurnOver(7, 1, "no-answer")]


def test_a_hub_that_dies_while_the_toy_plays(toy: Firmware) -> None:
    playing(toy, chunks=1)
    toy.tick(60)
    assert toy.tick(60 + PATIENCE_MS) == [played(7, 0, 60, final=True), TurnOver(7, None, "no-answer")]


def test_after_a_reconnect_the_question_is_asked_again(toy: Firmware) -> None:
    toy.press(0)
    assert toy.connected(500)[-1] == start(1)
    toy.receive(control("listening", turn=7, press=1, from_seq=0), 600)
    assert toy.connected(700)[-1] == start(1)
    toy.receive(control("stop_listening", turn=7), 800)
    assert toy.connected(900)[-1] == toy.hello


def test_volume_and_config(toy: Firmware) -> None:
    toy.receive(control("volume", volume=90), 0)
    assert toy.volume == 90
    toy.receive(Config(device=DEVICE, volume=80, volume_cap=50), 0)
    assert toy.volume == 50
    assert toy.config


def test_it_remembers_only_so_many_turns(toy: Firmware) -> None:
    for turn in range(100):
        toy.receive(control("flush", turn=turn), 0)
    assert len(toy._finals) == 16
