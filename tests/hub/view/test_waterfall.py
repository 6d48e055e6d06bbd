"""Where the time went."""

import io

from rich.console import Console

from hub.messages import (
    Action,
    Control,
    DownAudio,
    Prompt,
    Request,
    Sentence,
    Speech,
    Transcript,
    Utterance,
)
from hub.view.waterfall import Bar, Waterfall, bars_of_times, draw
from tests.hub.view.examples import EXAMPLES

D, T = "bear", 7
PROMPT = next(message for message, _ in EXAMPLES if isinstance(message, Prompt))


def test_a_step_begins_when_what_it_needs_is_there() -> None:
    fall = Waterfall(zero_ms=1000)
    fall.see(Utterance(device=D, turn=T, pcm=b""), 1200)
    fall.see(Transcript(device=D, turn=T, text=""), 1300)
    fall.see(PROMPT, 1310)
    fall.see(Sentence(device=D, turn=T, text="a"), 1400)
    fall.see(Sentence(device=D, turn=T, text="b", index=1), 1450)
    fall.see(Speech(device=D, turn=T, text="a", frames=[]), 1500)
    fall.see(Control(device=D, control="stop_listening", turn=T), 1700)
    fall.see(Control(device=D, control="play", turn=T), 1701)
    fall.see(DownAudio(D, T, 0, 0, 0, b""), 1705)
    assert fall.bars() == [
        Bar("end-point decided", 0, 700),
        Bar("utterance", 0, 200),
        Bar("transcript", 200, 300),
        Bar("prompt", 300, 310),
        Bar("first sentence", 310, 400),
        Bar("first speech", 400, 500),
        Bar("first audio chunk", 700, 705),
    ]


def test_a_later_revision_begins_the_chain_anew() -> None:
    fall = Waterfall(zero_ms=0)
    fall.see(Utterance(device=D, turn=T, pcm=b""), 100)
    fall.see(Transcript(device=D, turn=T, text=""), 150)
    fall.see(Utterance(device=D, turn=T, pcm=b"", revision=2), 300)
    fall.see(Transcript(device=D, turn=T, text=""), 310)
    fall.see(Transcript(device=D, turn=T, text="", revision=2), 350)
    assert fall.bars() == [Bar("utterance", 0, 300), Bar("transcript", 300, 350)]


def test_steps_that_nobody_saw_are_left_out() -> None:
    fall = Waterfall()
    assert fall.bars() == []
    fall.see(Transcript(device=D, turn=T, text=""), 500)
    fall.see(Request(device=D, turn=T, action=Action(name="louder")), 520)
    assert fall.bars() == [Bar("transcript", 0, 0), Bar("first action", 0, 20)]


def test_the_hubs_own_times() -> None:
    times = {"first chunk": 300, "end of speech decided": 100}
    assert bars_of_times(times) == [Bar("end of speech decided", 0, 100), Bar("first chunk", 100, 300)]


def test_is_drawn_within_eighty_columns() -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(draw([Bar("end-point decided", 0, 610), Bar("first audio chunk", 610, 12_345)], "turn 7"))
    drawn = console.export_text()
    assert "…" not in drawn
    assert "610 ms" in drawn
    assert "+11735" in drawn
    assert drawn.splitlines()[2].count("━") > drawn.splitlines()[1].count("━") > 0


def test_nothing_to_draw_is_no_error() -> None:
    draw([], "")
    draw([Bar("early", 0, -20)], "")
