"""The memory engine on a real database, with a clock that is set by hand."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone

import pytest

from hub.settings import MemorySettings, Settings
from hub.store import Store, open_store
from workers.memory.engine import Engine


class Clock:
    """The time at home."""

    def __init__(self) -> None:
        self.now = datetime(2030, 3, 5, 14, 30, tzinfo=timezone(timedelta(hours=1)))

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    async with open_store(settings, lambda: int(clock().timestamp() * 1000)) as opened:
        yield opened


@pytest.fixture
def engine(store: Store, clock: Clock) -> Engine:
    return Engine(store, MemorySettings(history_turns=3, keep_turns=5, keep_memories=4, recalled=2), clock)
