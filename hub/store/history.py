"""History: what was said to a device and what was heard of its replies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hub.store import words
from hub.store.database import Database
from hub.store.devices import ensure_device
from hub.store.search import Search

CLIP = 300
"""Characters of one text that count for the size of the history; prompts show no more of it."""


@dataclass(frozen=True)
class Turn:
    """A turn as it is kept."""

    turn: int
    said: str
    heard: str
    outcome: str
    at_ms: int
    """Unix time in ms when it was stored."""
    number: int
    """Counts the device's turns with content, from 1."""
    through: int
    """Characters of all its turns up to and with this one, each text counted up to ``CLIP``."""


class History:
    """The turns of every device, in the order in which they ended."""

    def __init__(self, database: Database, search: Search, clock: Callable[[], int]) -> None:
        self._database, self._search, self._clock = database, search, clock

    async def add(self, device: str, turn: int, *, said: str, heard: str, outcome: str) -> bool:
        """Keep a turn. Without content it only marks that the turn has been dealt with.

        Returns:
            False if the turn was kept before; then nothing is changed.
        """
        async with self._database.write():
            await ensure_device(self._database, device)
            added = await self._database.execute(
                """INSERT INTO turns (device, turn, outcome, said, heard, at_ms, number, through)
                SELECT ?1, ?2, ?3, ?4, ?5, ?6, coalesce(max(number), 0) + ?7, coalesce(max(through), 0) + ?8
                FROM turns WHERE device = ?1 ON CONFLICT DO NOTHING""",
                device, turn, outcome, said, heard, self._clock(),
                int(bool(said and heard)), len(said[:CLIP]) + len(heard[:CLIP]) if said and heard else 0,
            )  # fmt: skip
        return added > 0

    async def recent(self, device: str, limit: int) -> list[Turn]:
        """The last turns in which something was said and something heard, oldest first."""
        rows = await self._database.fetch(
            """SELECT turn, said, heard, outcome, at_ms, number, through FROM turns
            WHERE device = ? AND said <> '' AND heard <> '' ORDER BY id DESC LIMIT ?""",
            device, limit,
        )  # fmt: skip
        return [Turn(**dict(zip(row.keys(), row, strict=True))) for row in reversed(rows)]

    async def last_turn(self, device: str) -> int:
        """The highest turn id kept of a device; 0: none."""
        rows = await self._database.fetch("SELECT max(turn) FROM turns WHERE device = ?", device)
        return int(rows[0][0] or 0)

    async def last_heard(self, device: str) -> str:
        """What was heard last; empty if nothing is kept."""
        rows = await self._database.fetch(
            "SELECT heard FROM turns WHERE device = ? AND heard <> '' ORDER BY id DESC LIMIT 1", device
        )
        return str(rows[0]["heard"]) if rows else ""

    async def forget(self, device: str, texts: Sequence[str]) -> None:
        """Empty the turns in which every telling word of one of ``texts`` came up."""
        queries = [words.all_of(wanted) for text in texts if (wanted := words.telling(text))]
        if not queries:
            return
        async with self._database.write():
            rows = await self._database.fetch("SELECT id, said, heard FROM turns WHERE device = ?", device)
            turns = [(row["id"], f"{row['said']} {row['heard']}") for row in rows]
            for found in await self._search.find(turns, " OR ".join(f"({query})" for query in queries)):
                await self._database.execute("UPDATE turns SET said = '', heard = '' WHERE id = ?", found)

    async def forget_everything(self, device: str) -> None:
        """Empty all turns. Their numbers stay, so that a turn that arrives again is known."""
        await self._database.execute("UPDATE turns SET said = '', heard = '' WHERE device = ?", device)

    async def trim(self, device: str, keep: int) -> None:
        """Keep only the last ``keep`` turns."""
        await self._database.execute(
            """DELETE FROM turns WHERE device = ?1 AND id <=
            (SELECT id FROM turns WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)""",
            device, keep,
        )  # fmt: skip
