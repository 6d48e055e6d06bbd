"""The ring of chunks a toy records from the press on, so that nothing is lost before the hub listens."""

from collections import deque
from typing import NamedTuple

KEPT_MS = 20_000
"""What is older is overwritten: 20 s of Opus are 60 kB."""


class Recorded(NamedTuple):
    """One codec frame of a recording."""

    seq: int
    timestamp_ms: int
    flags: int
    data: bytes


class Recorder:
    """Numbers the frames of a recording and keeps the last 20 s of them."""

    def __init__(self, frame_ms: int) -> None:
        self._frame_ms = frame_ms
        self._ring: deque[Recorded] = deque(maxlen=KEPT_MS // frame_ms)
        self._count = 0

    def begin(self) -> None:
        """Forget the last recording."""
        self._ring.clear()
        self._count = 0

    def add(self, data: bytes, flags: int = 0) -> Recorded:
        """Keep one frame; the recording's first has seq 0."""
        frame = Recorded(self._count % 0x10000, self._count * self._frame_ms, flags, data)
        self._ring.append(frame)
        self._count += 1
        return frame

    def since(self, seq: int) -> list[Recorded]:
        """The frames from ``seq`` on, as far as they are still there."""
        behind = (self._count - seq) % 0x10000
        return list(self._ring)[-behind:] if 0 < behind < 0x8000 else []
