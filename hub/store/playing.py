"""The story or track a device played last, and how far."""

from collections.abc import Callable
from dataclasses import dataclass

from hub.messages import Place
from hub.store.database import Database
from hub.store.devices import ensure_device


@dataclass(frozen=True)
class Stopped:
    """Where something stopped."""

    place: Place
    ended: bool
    """Whether it was played to its end."""
    at_ms: int
    """Unix time in ms."""


class Playing:
    """One place for each device."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database, self._clock = database, clock

    async def stopped(self, device: str, place: Place, *, ended: bool) -> None:
        """Keep where a device stopped, now."""
        async with self._database.write():
            await ensure_device(self._database, device)
            await self._database.execute(
                "INSERT OR REPLACE INTO playing (device, place, ended, at_ms) VALUES (?, ?, ?, ?)",
                device, place.model_dump_json(), int(ended), self._clock(),
            )  # fmt: skip

    async def last(self, device: str) -> Stopped | None:
        """Where a device stopped last; None: it has played nothing."""
        rows = await self._database.fetch("SELECT place, ended, at_ms FROM playing WHERE device = ?", device)
        if not rows:
            return None
        row = rows[0]
        return Stopped(Place.model_validate_json(row["place"]), bool(row["ended"]), row["at_ms"])

    async def settle(self, device: str) -> None:
        """Something else was said since: what stopped can be resumed, but is not what was just interrupted any more."""
        await self._database.execute("UPDATE playing SET at_ms = 0 WHERE device = ?", device)

    async def forget(self, device: str) -> None:
        """Forget what was played."""
        await self._database.execute("DELETE FROM playing WHERE device = ?", device)
