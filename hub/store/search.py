"""Search by meaning of words: which of a device's texts a few words are about.

The index (SQLite's FTS5, ranked by bm25) is made in memory for each search, from the texts of one device, and gone
after it. For 200 facts that takes 0.8 ms. One index over all devices, kept in the database, took 21 ms for 200 toys:
bm25 counts how often a word occurs in all texts, those of other children included. So rare means rare for this
child, no device can meet a text of another one, and what was forgotten is in no index.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import aiosqlite

from hub.errors import StoreError


class Search:
    """Finds texts by words in any form of the same stem: *dogs* finds *dog*."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()

    async def find(self, texts: Sequence[tuple[int, str]], query: str, limit: int = -1) -> list[int]:
        """The ids of the texts that match, best first, of equals the last.

        Args:
            texts: each with its id.
            query: in the syntax of FTS5, see ``hub.store.words``; an empty one finds nothing.
            limit: how many at most; negative: all.
        """
        if not (texts and query and limit):
            return []
        async with self._lock:
            try:
                await self._connection.execute("BEGIN")
                await self._connection.executemany("INSERT INTO search (rowid, text) VALUES (?, ?)", texts)
                rows = await self._connection.execute_fetchall(
                    "SELECT rowid FROM search WHERE search MATCH ? ORDER BY bm25(search), rowid DESC LIMIT ?",
                    (query, limit),
                )
            finally:
                await self._connection.rollback()
        return [row[0] for row in rows]


@contextlib.asynccontextmanager
async def open_search() -> AsyncIterator[Search]:
    """A search, in memory only.

    Raises:
        StoreError: the SQLite of this Python was built without FTS5.
    """
    async with aiosqlite.connect(":memory:", isolation_level=None) as connection:
        try:
            await connection.execute(
                "CREATE VIRTUAL TABLE search USING fts5(text, tokenize = 'porter unicode61 remove_diacritics 2')"
            )
        except aiosqlite.OperationalError as error:
            raise StoreError("the SQLite of this Python has no full-text search (FTS5)") from error
        yield Search(connection)
