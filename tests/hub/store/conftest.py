"""A store on a real file, with a clock that is set by hand."""

from collections.abc import AsyncIterator

import pytest

from hub.settings import Settings
from hub.store import Store, open_store


class Clock:
    """Unix time in ms; one ms passes with every look at it."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        self.ms += 1
        return self.ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    async with open_store(settings, clock) as opened:
        yield opened
