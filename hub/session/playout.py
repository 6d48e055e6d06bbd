"""The reply on its way to the toy: pieces put in order, paced to the toy's buffer, cut where it was interrupted.

No I/O and no clock: pieces and time in, chunks out. Times of ``now`` are seconds of one monotonic clock; positions are
ms of the reply's sound from its beginning.
"""

from collections import deque
from dataclasses import dataclass, field

from hub.messages import Action, AudioFormat, Piece, Place, Speech, Track
from hub.messages.audio import END, START

_PCM_CHUNK_MS = 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk to be sent: the payload fields of DownAudio."""

    seq: int
    timestamp_ms: int
    flags: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """The playout has come to this piece: carry out its action, show its title."""

    piece: Piece


@dataclass(slots=True)
class _Heard:
    """A piece and where its sound lies in the reply."""

    piece: Piece
    start_ms: int
    end_ms: int
    stop_ms: int
    """Where it broke off; ``end_ms`` unless an apology took its place."""


@dataclass(slots=True)
class Playout:
    """The reply of one turn.

    Args:
        output: format of the pieces' frames.
        ahead_ms: how far sending may run ahead of playing.
        max_data: most bytes of sound in one chunk.
    """

    output: AudioFormat
    ahead_ms: int
    max_data: int
    _pieces: dict[int, Piece] = field(default_factory=dict)
    _next: int = 0
    _final: Piece | None = None
    _chunks: deque[tuple[int, int, bytes]] = field(default_factory=deque)
    _heard: list[_Heard] = field(default_factory=list)
    _seq: int = 0
    _queued_ms: int = 0
    _sent_ms: int = 0
    _origin: float | None = None
    _end_sent: bool = False
    _asked: int = -1

    def add(self, piece: Piece) -> bool:
        """Take a piece; False when it was there already or comes too late: a message may arrive twice."""
        if piece.index < self._next or piece.index in self._pieces:
            return False
        self._pieces[piece.index] = piece
        return True

    @property
    def ready(self) -> bool:
        """Whether the first piece is there."""
        return 0 in self._pieces or self._next > 0

    @property
    def next_index(self) -> int:
        """The piece that is waited for."""
        return self._next

    @property
    def dry(self) -> bool:
        """Everything that is there was sent, and the reply is not complete."""
        return not self._chunks and not self._end_sent and self._next not in self._pieces

    @property
    def finished(self) -> bool:
        """The last chunk was sent."""
        return self._end_sent

    @property
    def sent_ms(self) -> int:
        """Length of the sound sent so far."""
        return self._sent_ms

    def due(self, now: float) -> list[Chunk | Begun]:
        """What is to be sent or carried out now."""
        out: list[Chunk | Begun] = []
        while not self._end_sent:
            if not self._chunks:
                if not self._open_next(out):
                    break
                continue
            if self._origin is None or now - self._origin > self._sent_ms / 1000:
                self._restart(now)
            assert self._origin is not None  # noqa: S101 - set just above
            if now < self._next_at(self._origin):
                break
            out.append(self._pop())
        return out

    def _next_at(self, origin: float) -> float:
        """When the next chunk fits into what may be ahead; one longer than that goes when all else was played."""
        length_ms = self._chunks[0][1]
        return origin + (self._sent_ms - max(0, self.ahead_ms - length_ms)) / 1000

    def _restart(self, now: float) -> None:
        """Begin the toy's clock, or begin it again after it ran dry."""
        self._origin = now - self._sent_ms / 1000

    def _pop(self) -> Chunk:
        flags, length_ms, data = self._chunks.popleft()
        if not self._chunks and self._final is not None:
            flags |= END
            self._end_sent = True
        chunk = Chunk(self._seq & 0xFFFF, self._sent_ms, flags, data)
        self._seq += 1
        self._sent_ms += length_ms
        return chunk

    def _open_next(self, out: list[Chunk | Begun]) -> bool:
        """Turn the next piece into chunks; False when there is nothing to go on with."""
        piece = self._pieces.pop(self._next, None)
        if piece is None:
            return False
        self._next += 1
        if piece.last and piece.more is None:
            self._final = piece
        frames = [frame for frame in piece.frames if frame] if isinstance(piece, Speech | Track) else []
        start = self._queued_ms
        for position, frame in enumerate(frames):
            flags, done, before_ms = START if position == 0 else 0, 0, 0
            for data in self._split(frame):
                done += len(data)
                upto_ms = self.output.frame_ms * done // len(frame)  # so that the parts add up to the frame
                self._chunks.append((flags, upto_ms - before_ms, data))
                flags, before_ms = 0, upto_ms
            self._queued_ms += before_ms
        self._heard.append(_Heard(piece, start, self._queued_ms, self._queued_ms))
        out.append(Begun(piece))
        if self._final is piece and not self._chunks:
            out.append(Chunk(self._seq & 0xFFFF, self._sent_ms, END, b""))
            self._seq += 1
            self._end_sent = True
        return True

    def _split(self, frame: bytes) -> list[bytes]:
        """An Opus packet stays whole; PCM is cut to what the toy can take."""
        if self.output.codec == "opus" or len(frame) <= self.max_data:
            return [frame]
        step = self.output.rate * 2 * _PCM_CHUNK_MS // 1000
        step = min(step, self.max_data) & ~1
        return [frame[at : at + step] for at in range(0, len(frame), step)]

    def next_due(self) -> float | None:
        """When ``due`` has something again; None: when a piece comes."""
        if self._end_sent:
            return None
        if self._next in self._pieces and not self._chunks:
            return 0.0
        if not self._chunks:
            return None
        if self._origin is None:
            return 0.0
        return self._next_at(self._origin)

    def played_by(self, now: float) -> int:
        """Position the toy has reached by wall clock, if it plays without a break."""
        if self._origin is None:
            return 0
        return max(0, min(self._sent_ms, int((now - self._origin) * 1000)))

    def ends_at(self) -> float:
        """When the toy will have played all that was sent."""
        return (self._origin or 0.0) + self._sent_ms / 1000

    def wants_more(self, margin_ms: int) -> tuple[int, Action] | None:
        """When the end of what there is comes near, once: index of the piece wanted, and what to ask for."""
        newest = self._heard[-1].piece if self._heard else None
        if newest is None or not newest.last or newest.more is None or self._asked >= self._next:
            return None
        if self._queued_ms - self._sent_ms > margin_ms:
            return None
        self._asked = self._next
        return self._next, newest.more

    def replace_rest(self, piece: Piece) -> None:
        """Say this instead of all that has not been sent: an apology."""
        self._pieces.clear()
        self._chunks.clear()
        self._queued_ms = self._sent_ms
        if self._heard:
            self._heard[-1].stop_ms = min(self._heard[-1].stop_ms, self._sent_ms)
        self._final = None
        self._pieces[self._next] = piece.model_copy(update={"index": self._next, "last": True, "more": None})

    def heard(self, position_ms: int) -> str:
        """The text of the reply up to a position; the sentence it falls into is cut at a word."""
        parts = []
        for item in self._heard:
            if not isinstance(item.piece, Speech) or item.start_ms > position_ms or not item.piece.text:
                continue
            length = item.end_ms - item.start_ms
            share = 1.0 if length <= 0 else min(1.0, (min(position_ms, item.stop_ms) - item.start_ms) / length)
            text = item.piece.text if share >= 1.0 else _cut(item.piece.text, share)
            if text:
                parts.append(text)
        return " ".join(parts)

    def place(self, position_ms: int) -> tuple[Place, bool] | None:
        """Where in a story or track a position is, and whether it is its end; None when neither was played."""
        found: tuple[Place, bool] | None = None
        for item in self._heard:
            place = item.piece.place
            if place is None or item.start_ms > position_ms:
                continue
            heard_to_ms = min(position_ms, item.stop_ms)
            complete = heard_to_ms >= item.end_ms
            if place.kind == "music":
                reached = place.position + heard_to_ms - item.start_ms
            else:  # a sentence that was not heard to its end is told again
                reached = place.position + (1 if complete else 0)
            ended = complete and item.piece.last and item.piece.more is None
            found = place.model_copy(update={"position": reached}), ended
        return found


def _cut(text: str, share: float) -> str:
    words = text.split()
    kept = words[: int(len(words) * share)]
    return " ".join(kept) + "…" if kept else ""

