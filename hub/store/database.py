"""The database file: how it is opened, how it is read and how it is written.

Each process has two connections. One writes, and only one task at a time; the other reads and so never waits for
the disk while the first one does. In WAL mode readers see what was committed and block nobody.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiosqlite

from hub.errors import StoreError
from hub.store.migrations import migrate

BUSY_S = 10.0
"""How long a process waits for another one that writes."""
_WAL_BYTES = 4 * 1024 * 1024
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class Database:
    """An open database. ``fetch`` inside ``write`` sees what was written there."""

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._path, self._writer, self._reader = path, writer, reader
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[object] | None = None

    async def fetch(self, sql: str, *values: object) -> list[aiosqlite.Row]:
        """All rows of a query.

        Raises:
            StoreError: the file is damaged or the disk fails.
        """
        connection = self._writer if self._is_mine() else self._reader
        with _told(self._path):
            return list(await connection.execute_fetchall(sql, values))

    async def execute(self, sql: str, *values: object) -> int:
        """Change something; as its own transaction unless inside ``write``.

        Returns:
            How many rows were changed.

        Raises:
            StoreError: the file is damaged, the disk fails or is full.
        """
        async with self.write():
            with _told(self._path):
                async with self._writer.execute(sql, values) as cursor:
                    return cursor.rowcount

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[None]:
        """A transaction: kept when the block ends, undone when it raises. Inside another one it is part of that.

        Raises:
            StoreError: another process writes for longer than ``BUSY_S``, or see ``execute``.
        """
        if self._is_mine():
            yield
            return
        async with self._lock:
            self._owner = asyncio.current_task()
            try:
                # IMMEDIATE: a transaction that begins by reading and then writes can fail halfway with "locked"
                await self._run("BEGIN IMMEDIATE")
                yield
                await self._run("COMMIT")
            except BaseException:
                # also when cancelled: the connection's thread goes on with what it was given, so this comes after it
                with _told(self._path):
                    await self._writer.rollback()
                raise
            finally:
                self._owner = None

    async def _run(self, sql: str) -> None:
        with _told(self._path):
            await self._writer.execute(sql)

    def _is_mine(self) -> bool:
        return self._owner is not None and self._owner is asyncio.current_task()


@contextlib.asynccontextmanager
async def open_database(path: Path, clock: Callable[[], int]) -> AsyncIterator[Database]:
    """Open ``path``, make it if there is none, and bring its tables up to date.

    Raises:
        StoreError: the file is damaged, newer than this program or cannot be opened.
    """
    await asyncio.to_thread(_make_file, path)
    async with contextlib.AsyncExitStack() as stack:
        with _told(path):
            writer = await stack.enter_async_context(aiosqlite.connect(path, isolation_level=None))
            await _set_up(writer)
            await _check(writer, path)
            reader = await stack.enter_async_context(aiosqlite.connect(path, isolation_level=None))
            await _set_up(reader)
            await migrate(writer, reader, path, clock)
            await reader.execute_fetchall("PRAGMA query_only = ON")
        yield Database(path, writer, reader)


def _make_file(path: Path) -> None:
    """Make folder and file before SQLite does: what a child said is nobody else's to read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened: {error.strerror}") from error


async def _set_up(connection: aiosqlite.Connection) -> None:
    connection.row_factory = aiosqlite.Row
    await connection.execute_fetchall(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
    await _use_wal(connection)
    for pragma in (
        "synchronous = FULL",  # a COMMIT returns when it is on the disk; with NORMAL a power cut loses the last turns
        "foreign_keys = ON",
        "secure_delete = ON",  # what is forgotten is overwritten
        "temp_store = MEMORY",
        f"journal_size_limit = {_WAL_BYTES}",
    ):
        await connection.execute_fetchall(f"PRAGMA {pragma}")


async def _use_wal(connection: aiosqlite.Connection) -> None:
    """Switch to WAL. SQLite does not wait here when another process does the same, so we do."""
    deadline = asyncio.get_running_loop().time() + BUSY_S
    while True:
        try:
            await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        except aiosqlite.OperationalError as error:
            busy = str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_BUSY")
            if not busy or asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.02)
        else:
            return


async def _check(connection: aiosqlite.Connection, path: Path) -> None:
    rows = list(await connection.execute_fetchall("PRAGMA quick_check(1)"))
    if rows[0][0] != "ok":
        raise StoreError(_damaged(path))


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Wrap what SQLite raises. Its text may quote a query, and so what a child said: only its name is passed on."""
    try:
        yield
    except aiosqlite.Error as error:
        name = str(getattr(error, "sqlite_errorname", type(error).__name__))
        raise StoreError(_damaged(path) if name.startswith(_DAMAGED) else f"{path}: {_plain(name)}") from error


def _damaged(path: Path) -> str:
    return (
        f"{path} is damaged. Stop toyhub and move the file away with its -wal and -shm; then put a backup in its "
        f"place, or save what can be saved with: sqlite3 DAMAGED .recover | sqlite3 {path}. "
        "Without it the toys begin anew."
    )


def _plain(name: str) -> str:
    known = {
        "SQLITE_FULL": "the disk is full",
        "SQLITE_BUSY": f"another process has been writing for more than {BUSY_S:.0f} s",
        "SQLITE_READONLY": "may not be written",
        "SQLITE_CANTOPEN": "cannot be opened",
    }
    return known.get(name, f"the database failed with {name}")
