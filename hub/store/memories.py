"""Memories: facts a device was told, and the profile of its child."""

from collections.abc import Callable, Sequence

import aiosqlite

from hub.messages import Fact
from hub.store import words
from hub.store.database import Database
from hub.store.devices import ensure_device
from hub.store.search import Search

CHILD = "child"
"""Key of the profile: the child's name."""
FACT_CHARACTERS = 200
"""Longer facts are cut; they are read aloud and stand in every prompt."""


class Memories:
    """What every device remembers. No device ever sees a memory of another one."""

    def __init__(self, database: Database, search: Search, clock: Callable[[], int]) -> None:
        self._database, self._search, self._clock = database, search, clock

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

    async def recall(self, facts: Sequence[Fact], text: str, limit: int) -> list[Fact]:
        """Those of ``facts`` that ``text`` is about, best first; common words do not count."""
        return await self._find(facts, words.any_of(words.terms(text)), limit)

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
                child, facts = "", await self.facts(device)
                facts = await self._find(facts, words.all_of(words.telling(what)))
            for fact in facts:
                await self.forget_fact(device, fact.id)
        return [fact.text for fact in facts] + ([child] if child else [])

    async def forget_fact(self, device: str, fact: int) -> None:
        """Forget one fact by its id."""
        await self._database.execute("DELETE FROM memories WHERE device = ? AND id = ?", device, fact)

    async def forget_everything(self, device: str) -> None:
        """Forget all facts and the child's name."""
        async with self._database.write():
            await self._database.execute("DELETE FROM memories WHERE device = ?", device)
            await self._database.execute("DELETE FROM profiles WHERE device = ?", device)

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

    async def _find(self, facts: Sequence[Fact], query: str, limit: int = -1) -> list[Fact]:
        by_id = {fact.id: fact for fact in facts}
        return [by_id[found] for found in await self._search.find([(f.id, f.text) for f in facts], query, limit)]


def _facts(rows: list[aiosqlite.Row]) -> list[Fact]:
    return [Fact(id=row["id"], text=row["text"]) for row in rows]
