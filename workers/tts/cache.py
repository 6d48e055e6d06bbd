"""Sentences spoken lately, encoded: greetings, jokes and apologies are said again and again."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

_ENTRY = 200
"""Bytes an entry takes beside its frames, roughly: the key's texts and the containers."""


class Cache:
    """Least recently used first out, limited by bytes. Safe to use from several threads.

    Args:
        limit: bytes; an entry that is bigger alone is not kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._entries: OrderedDict[Hashable, tuple[bytes, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> list[bytes] | None:
        """The frames kept under a key."""
        with self._lock:
            if (frames := self._entries.get(key)) is None:
                return None
            self._entries.move_to_end(key)
            return list(frames)

    def put(self, key: Hashable, frames: list[bytes]) -> None:
        """Keep frames, and let go of what was not asked for the longest."""
        with self._lock:
            if (old := self._entries.pop(key, None)) is not None:
                self._bytes -= _size(old)
            if _size(frames) > self._limit:
                return
            self._entries[key] = tuple(frames)
            self._bytes += _size(frames)
            while self._bytes > self._limit:
                _, oldest = self._entries.popitem(last=False)
                self._bytes -= _size(oldest)


def _size(frames: list[bytes] | tuple[bytes, ...]) -> int:
    return _ENTRY + sum(map(len, frames))
