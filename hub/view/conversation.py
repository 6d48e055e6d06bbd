"""A turn as it happens, for who plays the toy: what the toy does, what the hub makes of it, the waterfall."""

import asyncio
import time
from typing import Any

from rich.console import Console
from rich.text import Text

from hub.messages import AudioChunk, Control, Done, DownAudio, Event, Heard, Message, Reply, Sentence, UpAudio
from hub.toy.outputs import Mic, TurnOver
from hub.toy.report import TurnReport
from hub.view.lines import line
from hub.view.watcher import printable
from hub.view.waterfall import Waterfall, draw

_WORDS_S = 1.0


class ConversationView:
    """Prints one turn of one device.

    Args:
        console: where to.
        device: whose turn.
    """

    def __init__(self, console: Console, device: str) -> None:
        self._console, self._device = console, device
        self._began_ms = time.monotonic() * 1000
        self._falls: dict[int, Waterfall] = {}
        self._replies: dict[int, Reply] = {}
        self._heard: dict[int, str] = {}
        self._done: dict[int, Done] = {}
        self._complete = asyncio.Event()
        self._sent_turn = self._heard_turn = -1

    def toy(self, thing: object) -> None:
        """Something the toy did or got (the ``tap`` of a Toy)."""
        match thing:
            case Mic():
                self._say("toy", "microphone on" if thing.open else "microphone off", "green")
            case UpAudio() if thing.turn != self._sent_turn:
                self._sent_turn = thing.turn
                self._say("toy", f"sends sound, turn {thing.turn}", "green")
            case DownAudio() if thing.turn != self._heard_turn:
                self._heard_turn = thing.turn
                self._say("hub", f"the first sound of turn {thing.turn}", "cyan")
            case Control():
                self._say("hub", line(thing), "cyan")
            case Event(event=name) if name != "played" or thing.final:
                self._say("toy", line(thing), "green")
            case TurnOver(code=code):
                self._say("toy", f"the turn is over{f': {code}' if code else ''}", "green")

    def hub(self, message: Message | AudioChunk, at_ms: float) -> None:
        """Something an observer saw."""
        turn = getattr(message, "turn", None)
        if isinstance(turn, int):
            self._falls.setdefault(turn, Waterfall()).see(message, at_ms)
        match message:
            case Heard():
                self._heard[message.turn] = message.text
                self._say("heard", f"“{message.text}”", "bold magenta")
            case Sentence():
                self._say("says", f"“{message.text}”", "magenta")
            case Reply():
                self._replies[message.turn] = message
            case Done():
                self._done[message.turn] = message
        self._complete.set()

    async def summary(self, report: TurnReport) -> None:
        """What came out of the turn; waits up to a second for the hub's last words about it."""
        turn = -1 if report.turn is None else report.turn
        try:
            async with asyncio.timeout(_WORDS_S):
                while turn >= 0 and not (turn in self._done and turn in self._replies):
                    self._complete.clear()
                    await self._complete.wait()
        except TimeoutError:
            pass  # then without them
        print_ = self._console.print
        print_()
        if turn in self._heard:
            print_(Text.assemble(("heard   ", "bold"), printable(self._heard[turn])))
        if turn in self._replies:
            print_(Text.assemble(("reply   ", "bold"), printable(self._replies[turn].text)))
        print_(Text.assemble(("played  ", "bold"), _played(report)))
        self._draw(turn, report)

    def _draw(self, turn: int, report: TurnReport) -> None:
        fall = self._falls.get(turn)
        if fall is None or report.zero_ms is None:
            return
        fall.zero_ms = report.zero_ms
        if bars := fall.bars():
            self._console.print()
            self._console.print(draw(bars, f"turn {turn}, from the end of speech"))

    def _say(self, who: str, words: str, style: str) -> None:
        seconds = (time.monotonic() * 1000 - self._began_ms) / 1000
        parts: list[Any] = [(f"{seconds:7.2f} s  ", "bright_black"), (f"{who:<6}", style), printable(words)]
        self._console.print(Text.assemble(*parts))


def _played(report: TurnReport) -> str:
    if report.playback is None:
        return f"nothing{f' ({report.code})' if report.code else ''}"
    p = report.playback
    troubles = {
        "late": p.late, "lost": p.gaps, "thrown away": p.overflows, "underruns": p.underruns, "pauses": p.pauses,
        "of other turns": report.dropped_foreign,
    }  # fmt: skip
    told = ", ".join(f"{count} {name}" for name, count in troubles.items() if count) or "none late or lost"
    return f"{sum(span.heard_ms for span in p.spans) / 1000:.1f} s in {p.chunks} chunks, {told}"
