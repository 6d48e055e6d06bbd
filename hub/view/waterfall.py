"""Where the time of a turn went: steps with the moment each was reached, drawn as bars."""

from dataclasses import dataclass, field
from typing import NamedTuple

from rich.console import Group
from rich.table import Table
from rich.text import Text

from hub.messages import (
    Control,
    DownAudio,
    Message,
    Prompt,
    Request,
    Sentence,
    Speech,
    Track,
    Transcript,
    TurnMessage,
    Utterance,
)
from hub.messages.audio import AudioChunk

END_OF_SPEECH = "end of speech"
_WIDTH = 28
"""Letters of the longest bar, so that all fits into 80 columns."""


class Bar(NamedTuple):
    """One step: what it waited for was there at ``since_ms``, it was done at ``at_ms``."""

    name: str
    since_ms: float
    at_ms: float


_WAITS_FOR = {
    "end-point decided": (END_OF_SPEECH,),
    "utterance": (END_OF_SPEECH,),
    "transcript": ("utterance",),
    "prompt": ("transcript",),
    "first sentence": ("prompt",),
    "first action": ("prompt",),
    "first speech": ("first sentence", "first action"),
    "first audio chunk": ("first speech", "end-point decided"),
}
"""Each step and those it needs, in the order of the chain; the latest of them is where its bar begins."""
_STEPS: dict[type[Message | AudioChunk], str] = {
    Utterance: "utterance",
    Transcript: "transcript",
    Prompt: "prompt",
    Sentence: "first sentence",
    Request: "first action",
    Speech: "first speech",
    Track: "first speech",
    DownAudio: "first audio chunk",
}


@dataclass
class Waterfall:
    """The steps of one turn as somebody on the bus saw them.

    Attributes:
        zero_ms: the clock at the end of speech; None: not known, the first step seen stands for it.
        seen_ms: the clock at each step.
    """

    zero_ms: float | None = None
    seen_ms: dict[str, float] = field(default_factory=dict)
    _revision: int = 0

    def see(self, message: Message | AudioChunk, at_ms: float) -> None:
        """Note when a message of this turn came by; a later revision does the steps before the audio anew."""
        if isinstance(message, Control):
            step = "end-point decided" if message.control == "stop_listening" else None
        else:
            step = _STEPS.get(type(message))
        if isinstance(message, TurnMessage) and message.revision > self._revision:
            self._revision = message.revision
            for stale in set(_STEPS.values()) - {"first audio chunk"}:
                self.seen_ms.pop(stale, None)
        if step and not (isinstance(message, TurnMessage) and message.revision < self._revision):
            self.seen_ms.setdefault(step, at_ms)

    def bars(self) -> list[Bar]:
        """The steps that were seen, in the order of the chain; ms from the end of speech."""
        if not self.seen_ms:
            return []
        zero_ms = self.zero_ms if self.zero_ms is not None else min(self.seen_ms.values())
        at_ms = {END_OF_SPEECH: 0.0, **{step: clock - zero_ms for step, clock in self.seen_ms.items()}}
        return [Bar(step, self._since_ms(step, at_ms), at_ms[step]) for step in _WAITS_FOR if step in at_ms]

    def _since_ms(self, step: str, at_ms: dict[str, float]) -> float:
        """When the last of what ``step`` needs was there; what nobody saw is looked for further up the chain."""
        times = [
            at_ms[need] if need in at_ms else self._since_ms(need, at_ms) if need in _WAITS_FOR else 0.0
            for need in _WAITS_FOR[step]
        ]
        return min(max(times), at_ms.get(step, max(times)))


def bars_of_times(times_ms: dict[str, int]) -> list[Bar]:
    """The hub's own times of a turn (``Done.times_ms``), each step after the one before."""
    bars, since_ms = list[Bar](), 0.0
    for name, at_ms in sorted(times_ms.items(), key=lambda step: step[1]):
        bars.append(Bar(name, min(since_ms, at_ms), at_ms))
        since_ms = at_ms
    return bars


def draw(bars: list[Bar], title: str) -> Group:
    """Bars over a common axis that begins at the end of speech, or at the earliest step."""
    begin_ms = min(0.0, *(bar.since_ms for bar in bars)) if bars else 0.0
    span_ms = max([bar.at_ms for bar in bars], default=0.0) - begin_ms or 1.0
    table = Table(box=None, show_header=False, padding=(0, 1))
    for at in range(4):
        table.add_column(no_wrap=True, justify="right" if at > 1 else "left")
    for bar in bars:
        left = round((bar.since_ms - begin_ms) / span_ms * _WIDTH)
        right = max(round((bar.at_ms - begin_ms) / span_ms * _WIDTH), left)
        drawn = Text(" " * left).append("━" * (right - left) or "╸", "cyan")
        table.add_row(bar.name, drawn, f"+{bar.at_ms - bar.since_ms:.0f}", f"{round(bar.at_ms)} ms")
    return Group(Text(title, "bold"), table)
