"""What is printed about what travels."""

import io

import pytest
from rich.console import Console, RenderableType

from hub.bus import Delivery
from hub.messages import AudioChunk, Control, Done, DownAudio, Message, Sentence, Speech, UpAudio
from hub.messages.audio import END
from hub.view.watcher import Watcher, printable
from tests.hub.view.examples import EXAMPLES

D, T = "bear", 7
AT_MS = 1_700_000_000_123.0


def text(things: list[RenderableType]) -> str:
    out = io.StringIO()
    console = Console(file=out, width=200)
    for thing in things:
        console.print(thing)
    return out.getvalue()


def take(watcher: Watcher, message: Message | AudioChunk, at_ms: float = AT_MS, *, retain: bool = False) -> str:
    packet = message.encode()
    return text(watcher.take(Delivery(packet.topic, packet.payload, retain), at_ms))


@pytest.mark.parametrize("example", [each for each, _ in EXAMPLES if not isinstance(each, AudioChunk)])
def test_one_line_with_time_topic_words_and_size(example: Message) -> None:
    printed = take(Watcher(), example).splitlines()
    topic = example.encode().topic.removeprefix("toys/").removeprefix("turns/")
    assert printed[0][8:13] == ".123 "
    assert topic in printed[0]
    assert printed[0].rstrip().endswith("B")


def test_retained_state_is_marked() -> None:
    assert "retained" in take(Watcher(), EXAMPLES[1][0], retain=True)
    assert "retained" not in take(Watcher(), EXAMPLES[1][0])


def test_what_cannot_be_read_is_shown_with_its_reason() -> None:
    shown = Watcher().take(Delivery("toys/bear/down/control", b"\xc1\x1b[2Jx"), AT_MS)
    assert "malformed" in text(shown)
    assert "\x1b[2J" not in text(shown)
    assert "unknown-topic" in text(Watcher().take(Delivery("other/topic\x1b", b"words"), AT_MS))
    assert printable("a\x1b[31mb\u202e") == "a·[31mb·"


def test_a_cleared_retained_message_is_nothing_to_read() -> None:
    assert Watcher().take(Delivery("toys/bear/state", b"", retain=True), AT_MS) == []


def test_audio_is_one_line_a_stream() -> None:
    watcher = Watcher()
    assert take(watcher, UpAudio(D, T, 0, 0, 0, b"x" * 10)) == ""
    assert take(watcher, UpAudio(D, T, 1, 60, 0, b"x" * 10)) == ""
    summed = take(watcher, UpAudio(D, T, 4, 240, END, b"x" * 10))
    assert "3 chunks, seq 0 to 4" in summed
    assert "2 MISSING" in summed
    assert "30 B" in summed


def test_a_stream_that_goes_quiet_or_gives_way_is_summed_up() -> None:
    watcher = Watcher()
    take(watcher, DownAudio(D, T, 0, 0, 0, b"x"))
    assert watcher.tick(AT_MS + 1000) == []
    assert "turn 7: 1 chunks" in text(watcher.tick(AT_MS + 2000))
    assert watcher.tick(AT_MS + 9000) == []
    take(watcher, DownAudio(D, T, 1, 0, 0, b"x"))
    assert "turn 7: 1 chunks" in take(watcher, DownAudio(D, T + 1, 0, 0, 0, b"x"))


def test_raw_shows_each_chunk_and_each_payload() -> None:
    watcher = Watcher(raw=True)
    assert "seq 0" in take(watcher, UpAudio(D, T, 0, 0, 0, b"\xff"))
    assert '{"control":"play","turn":7}' in take(watcher, Control(device=D, control="play", turn=T))


def test_a_waterfall_when_the_turn_is_done() -> None:
    watcher = Watcher()
    take(watcher, Sentence(device=D, turn=T, text="a"))
    take(watcher, Speech(device=D, turn=T, text="a", frames=[]), AT_MS + 80)
    drawn = take(watcher, Done(device=D, turn=T, outcome="answered"), AT_MS + 90)
    assert "turn 7: answered" in drawn
    assert "80 ms" in drawn
    own = take(watcher, Done(device=D, turn=8, outcome="failed", code="late", times_ms={"a": 5, "b": 70}))
    assert "failed late" in own
    assert "70 ms" in own


def test_turns_that_are_never_done_are_forgotten() -> None:
    watcher = Watcher()
    for turn in range(1000):
        take(watcher, Control(device=D, control="play", turn=turn))
    assert len(watcher._falls) <= 257
