"""Memories: facts a device was told, and the profile of its child."""

from collections.abc import Callable

import aiosqlite

from hub.messages import Fact
from hub.store import words
from hub.store.database import Database
from hub.store.devices import ensure_device

CHILD = "child"
"""Key of the profile: the child's name."""
FACT_CHARACTERS = 200
"""Longer facts are cut; they are read aloud and stand in every prompt."""


class Memories:
    """What every device remembers. No device ever sees a memory of another one."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database, self._clock = database, clock

    async def add(self, device: str, text: str, keep: int) -> None:
        """Remember a fact, in the words it was told in. A fact told again changes nothing.

        A fact about a subject that can have one value (see ``hub.store.words.subject``) replaces the earlier one.

        Args:
            device: whose memory it is.
            text: the fact; without words it is left out.
            keep: how many facts a device keeps; the oldest are dropped.
        """
        text = " ".join(text.split())[:FACT_CHARACTERS].strip(" .,;")
        subject = words.subject(text)
        if not subject:
            return
        async with self._database.write():
            await ensure_device(self._database, device)
            sql = "SELECT text FROM memories WHERE device = ? AND subject = ?"
            before = await self._database.fetch(sql, device, subject)
            if before and words.plain(before[0]["text"]) == words.plain(text):
                return
            await self._database.execute("DELETE FROM memories WHERE device = ? AND subject = ?", device, subject)
            await self._database.execute(
                "INSERT INTO memories (device, subject, text, at_ms) VALUES (?, ?, ?, ?)",
                device, subject, text, self._clock(),
            )  # fmt: skip
            await self._database.execute(
                """DELETE FROM memories WHERE device = ?1 AND id <=
                (SELECT id FROM memories WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)""",
                device, keep,
            )  # fmt: skip

    async def facts(self, device: str) -> list[Fact]:
        """All facts, oldest first."""
        return _facts(await self._database.fetch("SELECT id, text FROM memories WHERE device = ? ORDER BY id", device))

    async def recall(self, device: str, text: str, limit: int) -> list[Fact]:
        """The facts that ``text`` is about, best first; words in the same stem match, common words do not count."""
        return await self._search(device, words.any_of(words.terms(text)), limit)

    async def forget(self, device: str, what: str) -> list[str]:
        """Forget the facts that hold every telling word of ``what``; "my name" is the name of the child.

        Returns:
            What was forgotten.
        """
        async with self._database.write():
            child = await self.child(device)
            if child and set(words.terms(what)) <= {"name", *words.terms(child)}:
                await self._database.execute("DELETE FROM profiles WHERE device = ? AND key = ?", device, CHILD)
                sql = "SELECT id, text FROM memories WHERE device = ? AND subject = ?"
                facts = _facts(await self._database.fetch(sql, device, words.MY_NAME))
            else:
                child, facts = "", await self._search(device, words.all_of(words.telling(what)), -1)
            for fact in facts:
                await self.forget_fact(device, fact.id)
        return [fact.text for fact in facts] + ([child] if child else [])

    async def forget_fact(self, device: str, fact: int) -> None:
        """Forget one fact by its id."""
        async with self._database.write():
            await self._database.execute("DELETE FROM memories WHERE device = ? AND id = ?", device, fact)
            await self._clean()

    async def forget_everything(self, device: str) -> None:
        """Forget all facts and the child's name."""
        async with self._database.write():
            await self._database.execute("DELETE FROM memories WHERE device = ?", device)
            await self._database.execute("DELETE FROM profiles WHERE device = ?", device)
            await self._clean()

    async def child(self, device: str) -> str:
        """Name of the child; empty if the device was not told."""
        rows = await self._database.fetch("SELECT value FROM profiles WHERE device = ? AND key = ?", device, CHILD)
        return str(rows[0]["value"]) if rows else ""

    async def set_child(self, device: str, name: str) -> None:
        """Keep the name of the child; without letters it is left out."""
        name = " ".join(name.split())[:40].strip(" .,;!?")
        if not words.plain(name):
            return
        async with self._database.write():
            await ensure_device(self._database, device)
            await self._database.execute(
                "INSERT OR REPLACE INTO profiles (device, key, value) VALUES (?, ?, ?)",
                device, CHILD, name,
            )  # fmt: skip

    async def _search(self, device: str, query: str, limit: int) -> list[Fact]:
        if not query:
            return []
        rows = await self._database.fetch(
            """SELECT memories.id, memories.text FROM memories_words
            JOIN memories ON memories.id = memories_words.rowid
            WHERE memories_words MATCH ? AND memories.device = ?
            ORDER BY bm25(memories_words), memories.id DESC LIMIT ?""",
            query, device, limit,
        )  # fmt: skip
        return _facts(rows)

    async def _clean(self) -> None:
        """A deleted row's words stay in the index until it is merged."""
        await self._database.execute("INSERT INTO memories_words (memories_words) VALUES ('optimize')")


def _facts(rows: list[aiosqlite.Row]) -> list[Fact]:
    return [Fact(id=row["id"], text=row["text"]) for row in rows]
