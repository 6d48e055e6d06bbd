"""The tables, as numbered steps forward. A step that was released is never changed; a new one is added below it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import aiosqlite

from hub.errors import StoreError


class Migration(NamedTuple):
    """One step; its number is its place in ``MIGRATIONS``, from 1."""

    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        "devices, personas, memories, history",
        (
            """CREATE TABLE devices (
                id TEXT PRIMARY KEY,
                first_seen_ms INTEGER,
                last_seen_ms INTEGER,
                hello TEXT,
                approved INTEGER NOT NULL DEFAULT 0,
                persona TEXT,
                volume INTEGER,
                pause_ms INTEGER
            ) STRICT""",
            """CREATE TABLE personas (
                device TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
                version INTEGER NOT NULL,
                persona TEXT NOT NULL,
                at_ms INTEGER NOT NULL,
                PRIMARY KEY (device, version)
            ) STRICT""",
            """CREATE TABLE profiles (
                device TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
                key TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (device, key)
            ) STRICT""",
            """CREATE TABLE memories (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                device TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
                subject TEXT NOT NULL,
                text TEXT NOT NULL,
                at_ms INTEGER NOT NULL,
                UNIQUE (device, subject)
            ) STRICT""",
            # number and through count turns and characters of a device since its first turn: they place a turn in
            # its block of history, however many earlier turns were trimmed
            """CREATE TABLE turns (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                device TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
                turn INTEGER NOT NULL,
                outcome TEXT NOT NULL,
                said TEXT NOT NULL,
                heard TEXT NOT NULL,
                at_ms INTEGER NOT NULL,
                number INTEGER NOT NULL,
                through INTEGER NOT NULL,
                UNIQUE (device, turn)
            ) STRICT""",
            "CREATE INDEX turns_in_order ON turns (device, id)",
            """CREATE TABLE playing (
                device TEXT PRIMARY KEY REFERENCES devices ON DELETE CASCADE,
                place TEXT NOT NULL,
                ended INTEGER NOT NULL,
                at_ms INTEGER NOT NULL
            ) STRICT""",
        ),
    ),
)


async def migrate(
    writer: aiosqlite.Connection, reader: aiosqlite.Connection, path: Path, clock: Callable[[], int]
) -> None:
    """Take the steps that are missing, all or none; a process that opens the file meanwhile waits.

    Raises:
        StoreError: the database has steps this program does not know.
        aiosqlite.Error: a step failed.
    """
    await writer.execute("BEGIN IMMEDIATE")
    try:
        await writer.execute(
            """CREATE TABLE IF NOT EXISTS migrations (
                version INTEGER PRIMARY KEY, name TEXT NOT NULL, at_ms INTEGER NOT NULL
            )"""
        )
        ((version,),) = await writer.execute_fetchall("SELECT coalesce(max(version), 0) FROM migrations")
        _check_version(path, version)
        if 0 < version < len(MIGRATIONS):
            await _back_up(reader, path, version)
        for number, migration in enumerate(MIGRATIONS[version:], version + 1):
            for statement in migration.statements:
                await writer.execute(statement)
            await writer.execute("INSERT INTO migrations VALUES (?, ?, ?)", (number, migration.name, clock()))
        await writer.execute("COMMIT")
    except BaseException:  # also when cancelled: half a migration must not stay behind an open transaction
        await writer.rollback()
        raise


def _check_version(path: Path, version: int) -> None:
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} has version {version}, this program knows up to {len(MIGRATIONS)}: it was written by a newer "
            "toyhub. Install that one, or put a backup of before the update in its place."
        )


async def _back_up(reader: aiosqlite.Connection, path: Path, version: int) -> None:
    """Copy the database as it is to ``<file>.v<version>``; the writer holds the lock, so nothing is added meanwhile."""
    copy = path.with_name(f"{path.name}.v{version}")
    if not copy.exists():
        await reader.execute("VACUUM INTO ?", (str(copy),))
