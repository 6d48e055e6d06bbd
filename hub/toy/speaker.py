"""A toy's speaker: a play-out clock with a buffer. No I/O: chunks and time go in, sound comes out.

Chunks are heard in the order of ``seq``. The clock starts with the first one and stands still only while the buffer
is empty. A chunk that is missing when its turn comes is replaced by as much silence, so what follows stays in time.
"""

from hub.messages import DownAudio
from hub.messages.audio import END, START
from hub.messages.parts import Codec
from hub.toy.playback import Playback, Span, chunk_ms

_LONGEST_GAP_MS = 2000
"""Silence for lost chunks is never longer, whatever their timestamps say."""


class Speaker:
    """Plays one turn at a time.

    Args:
        buffer_ms: how much sound fits in; what comes on top is thrown away.
        codec: of the chunks.
        rate: hertz of PCM16.
    """

    def __init__(self, buffer_ms: int, codec: Codec, rate: int) -> None:
        self._buffer_ms, self._codec, self._rate = buffer_ms, codec, rate
        self.playback: Playback | None = None
        self._reset()

    def _reset(self) -> None:
        self.finished = True
        """Nothing more of this turn will be heard."""
        self._waiting: dict[int, tuple[DownAudio, float]] = {}
        self._skipped: set[int] = set()
        self._now: Span | None = None
        self._until_ms: float | None = None  # end of the present chunk, or of the silence in place of a lost one
        self._dry_since_ms: float | None = None
        self._expected = 0  # seq is counted on beyond its 16 bits here
        self._position_ms = 0.0
        self._draining = False
        self._dry: list[float] = []

    @property
    def turn(self) -> int | None:
        """The turn that was opened last."""
        return self.playback.turn if self.playback else None

    @property
    def sounding(self) -> bool:
        """Whether sound is coming out, as far as time was told."""
        return self._until_ms is not None

    @property
    def seq(self) -> int | None:
        """The chunk that is being heard or was heard last, as it is counted on the wire."""
        return self.playback.spans[-1].chunk.seq if self.playback and self.playback.spans else None

    def open(self, turn: int) -> None:
        """Begin a turn; what was left of another is forgotten."""
        self.playback = Playback(turn, self._codec, self._rate)
        self._reset()
        self.finished = False

    def push(self, chunk: DownAudio, now_ms: float) -> bool:
        """Take a chunk of the open turn.

        Returns:
            Whether it will be heard.
        """
        self.advance(now_ms)
        playback = self.playback
        if playback is None or self.finished:
            return False
        playback.chunks += 1
        ahead_ms = self.buffered_ms(now_ms)
        playback.arrivals.append((now_ms, ahead_ms))
        if playback.first_at_ms is None:
            playback.first_at_ms = now_ms
        seq = self._count_on(chunk.seq)
        if not self._wanted(seq, playback):
            return False
        ms = chunk_ms(chunk.data, self._codec, self._rate)
        if ahead_ms + ms > self._buffer_ms:
            playback.overflows += 1
            return False
        self._waiting[seq] = (chunk, ms)
        playback.peak_ms = max(playback.peak_ms, ahead_ms + ms)
        if self._until_ms is None:
            self._wake(chunk, now_ms, playback)
        return True

    def advance(self, now_ms: float) -> None:
        """Let time pass up to ``now_ms``."""
        while self._until_ms is not None and self._until_ms <= now_ms:
            at_ms, self._until_ms = self._until_ms, None
            last = self._let_go(at_ms)
            if last:
                self._finish(at_ms)
            else:
                self._next(at_ms)

    def flush(self, now_ms: float) -> None:
        """Be silent at once and forget what is buffered."""
        self.advance(now_ms)
        if not self.finished:
            self._let_go(now_ms)
            self._finish(now_ms)

    def drain(self, now_ms: float) -> None:
        """Nothing more will come: finish when what is buffered was heard."""
        self.advance(now_ms)
        self._draining = True
        if self._until_ms is None and not self.finished:
            self._finish(now_ms)

    def position_ms(self, now_ms: float) -> float:
        """How much of the turn's stream was heard; silence for lost chunks counts, waiting does not."""
        self.advance(now_ms)
        return self._position_ms + (now_ms - self._now.at_ms if self._now else 0.0)

    def buffered_ms(self, now_ms: float) -> float:
        """How much sound is there and not heard yet."""
        rest = self._until_ms - now_ms if self._until_ms is not None else 0.0
        return rest + sum(ms for _, ms in self._waiting.values())

    def runs_out_ms(self) -> float | None:
        """The time at which nothing will be left to play; None when nothing plays."""
        return None if self._until_ms is None else self._until_ms + sum(ms for _, ms in self._waiting.values())

    def take_dry(self) -> list[float]:
        """How many ms each spell without sound lasted that is over since the last call."""
        dry, self._dry = self._dry, []
        return dry

    def _count_on(self, seq: int) -> int:
        return self._expected + (seq - self._expected + 0x8000) % 0x10000 - 0x8000

    def _wanted(self, seq: int, playback: Playback) -> bool:
        if seq in self._skipped:
            self._skipped.discard(seq)
            playback.late += 1
            return False
        if seq < self._expected or seq in self._waiting:
            playback.duplicates += 1
            return False
        return True

    def _wake(self, chunk: DownAudio, now_ms: float, playback: Playback) -> None:
        """Go on with a chunk that found the speaker silent."""
        if self._dry_since_ms is not None:
            dry_ms, self._dry_since_ms = now_ms - self._dry_since_ms, None
            if dry_ms > 0:
                playback.dry_ms += dry_ms
                self._dry.append(dry_ms)
                if chunk.flags & START:
                    playback.pauses += 1
                else:
                    playback.underruns += 1
                    playback.late += 1
        lost_ms = self._skip_lost(playback)
        self._position_ms += lost_ms  # their time went by while it was dry
        self._begin(now_ms)

    def _next(self, at_ms: float) -> None:
        """What comes after a chunk: the next one, silence in place of a lost one, or nothing."""
        playback = self.playback
        if playback is None or not self._waiting:
            if self._draining:
                self._finish(at_ms)
            else:
                self._dry_since_ms = at_ms
            return
        lost_ms = self._skip_lost(playback)
        if lost_ms > 0:
            self._position_ms += lost_ms
            self._until_ms = at_ms + lost_ms
        else:
            self._begin(at_ms)

    def _skip_lost(self, playback: Playback) -> float:
        """Give up the chunks missing before the next one there is; returns how many ms they would have lasted."""
        seq = min(self._waiting)
        missing = range(self._expected, seq)
        if not missing:
            return 0.0
        playback.gaps += len(missing)
        self._skipped.update(missing[-100:])
        self._expected = seq
        return min(max(self._waiting[seq][0].timestamp_ms - self._position_ms, 0.0), _LONGEST_GAP_MS)

    def _begin(self, at_ms: float) -> None:
        chunk, ms = self._waiting.pop(self._expected)
        self._expected += 1
        self._now = Span(chunk, at_ms, self._position_ms, ms)
        if self.playback:
            self.playback.spans.append(self._now)
        self._until_ms = at_ms + ms

    def _let_go(self, at_ms: float) -> bool:
        """The present chunk is over or cut off; returns whether it was the turn's last."""
        span, self._now = self._now, None
        if span is None:
            return False
        span.heard_ms = min(at_ms - span.at_ms, span.ms)
        self._position_ms += span.heard_ms
        return bool(span.chunk.flags & END)

    def _finish(self, at_ms: float) -> None:
        self.finished, self._until_ms, self._dry_since_ms = True, None, None
        self._waiting.clear()
        if self.playback:
            self.playback.ended_at_ms = at_ms
