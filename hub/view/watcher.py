"""Everything on the bus as readable lines: audio summed up, retained state marked, a waterfall per turn.

No I/O and no clock: deliveries and Unix time go in, things to print come out.
"""

import time
from dataclasses import dataclass

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from hub.bus import Delivery
from hub.errors import BadMessage
from hub.messages import AudioChunk, Control, Done, DownAudio, Message, TurnMessage
from hub.messages.audio import END
from hub.view.lines import Kind, decode, kind_of, line
from hub.view.waterfall import Waterfall, bars_of_times, draw

_COLOURS: dict[Kind, str] = {
    "toy": "green", "order": "cyan", "chain": "blue", "people": "magenta", "work": "bright_black", "bad": "bold red",
}  # fmt: skip
_QUIET_MS = 1500
"""A stream of audio without a chunk for so long is summed up."""
_KEPT_TURNS = 256
_RAW_BYTES = 400


@dataclass
class _Stream:
    """The chunks of one turn in one direction."""

    turn: int
    first_seq: int
    last_ms: float
    last_seq: int = -1
    chunks: int = 0
    missing: int = 0
    size: int = 0
    until_ms: int = 0

    def add(self, chunk: AudioChunk, at_ms: float) -> None:
        if self.chunks:
            self.missing += max((chunk.seq - self.last_seq + 0x8000) % 0x10000 - 0x8000 - 1, 0)
        self.chunks, self.size = self.chunks + 1, self.size + len(chunk.data)
        self.last_seq, self.last_ms, self.until_ms = chunk.seq, at_ms, chunk.timestamp_ms

    def words(self) -> str:
        lost = f", {self.missing} MISSING" if self.missing else ""
        return (
            f"turn {self.turn}: {self.chunks} chunks, seq {self.first_seq} to {self.last_seq}, "
            f"up to {self.until_ms / 1000:.1f} s{lost}"
        )


class Watcher:
    """Turns deliveries into things to print.

    Args:
        raw: show each payload as it is, chunks of audio included.
    """

    def __init__(self, *, raw: bool = False) -> None:
        self._raw = raw
        self._streams: dict[str, _Stream] = {}
        self._falls: dict[tuple[str, int], Waterfall] = {}

    def take(self, delivery: Delivery, at_ms: float) -> list[RenderableType]:
        """What to print about one delivery that came at Unix time ``at_ms``."""
        size = len(delivery.payload)
        if not delivery.payload and delivery.retain:
            return []
        try:
            message = decode(delivery.topic, delivery.payload)
        except BadMessage as error:
            why = str(error).partition(": ")[2]
            words = f"{error.reason}{': ' if why else ''}{why}"
            return [self._line(delivery, "bad", at_ms, words, size), *self._payload(delivery)]
        out: list[RenderableType] = []
        if isinstance(message, AudioChunk) and not self._raw:
            out += self._chunk(delivery.topic, message, at_ms)
        else:
            out.append(self._line(delivery, kind_of(delivery.topic), at_ms, line(message), size))
            out += self._payload(delivery) if self._raw else []
        return out + self._fall(message, at_ms)

    def tick(self, at_ms: float) -> list[RenderableType]:
        """The sums of streams that went quiet by ``at_ms``."""
        quiet = [topic for topic, stream in self._streams.items() if at_ms - stream.last_ms > _QUIET_MS]
        return [self._sum(topic, at_ms) for topic in quiet]

    def _chunk(self, topic: str, chunk: AudioChunk, at_ms: float) -> list[RenderableType]:
        out: list[RenderableType] = []
        if topic in self._streams and self._streams[topic].turn != chunk.turn:
            out.append(self._sum(topic, at_ms))
        stream = self._streams.setdefault(topic, _Stream(chunk.turn, chunk.seq, at_ms))
        stream.add(chunk, at_ms)
        if chunk.flags & END:
            out.append(self._sum(topic, at_ms))
        return out

    def _sum(self, topic: str, at_ms: float) -> Text:
        stream = self._streams.pop(topic)
        return self._line(Delivery(topic, b""), kind_of(topic), at_ms, stream.words(), stream.size)

    def _fall(self, message: Message | AudioChunk, at_ms: float) -> list[RenderableType]:
        """Keep the times of the turn; when it is done, draw them."""
        if not isinstance(message, TurnMessage | Control | DownAudio) or message.turn is None:
            return []
        turn = message.device, message.turn
        fall = self._falls.setdefault(turn, Waterfall())
        while len(self._falls) > _KEPT_TURNS:
            del self._falls[next(iter(self._falls))]
        fall.see(message, at_ms)
        if not isinstance(message, Done):
            return []
        del self._falls[turn]
        bars = bars_of_times(message.times_ms) if len(message.times_ms) > 1 else fall.bars()
        title = f"{message.device}, turn {message.turn}: {message.outcome} {message.code or ''}"
        return [Padding(draw(bars, title), (0, 0, 0, 13))] if bars else []

    def _line(self, delivery: Delivery, kind: Kind, at_ms: float, words: str, size: int) -> Text:
        clock = time.strftime("%H:%M:%S", time.localtime(at_ms / 1000)) + f".{int(at_ms) % 1000:03d}"
        text = Text(f"{clock} ", "bright_black")
        text.append(f"{short(delivery.topic):<28} ", _COLOURS[kind])
        if delivery.retain:
            text.append("retained ", "yellow")
        return text.append(printable(words), _COLOURS["bad"] if kind == "bad" else "").append(
            f"  {_size(size)}", "bright_black"
        )

    def _payload(self, delivery: Delivery) -> list[RenderableType]:
        shown = delivery.payload[:_RAW_BYTES]
        try:
            words = printable(shown.decode())
        except UnicodeDecodeError:
            words = shown.hex(" ")
        more = " …" if len(delivery.payload) > len(shown) else ""
        return [Padding(Text(words + more, "bright_black"), (0, 0, 0, 13))]


def short(topic: str) -> str:
    """A topic with what is the same in all lines left out."""
    top, _, rest = topic.partition("/")
    return printable(rest if rest and top in ("toys", "turns") else topic)


def printable(words: str) -> str:
    """Text from the bus without what could play tricks with the terminal."""
    return "".join(letter if letter.isprintable() else "·" for letter in words)


def _size(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB"
