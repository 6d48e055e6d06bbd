"""What the hub remembers: devices, personas, memories, history. The only package that imports aiosqlite.

database (connections, transactions) · migrations (the tables) · words, search (what a text is about) · devices ·
personas · memories · history · playing

Several processes open the same file: the hub and every memory replica. A write that returned survives a power cut.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from hub.settings import Settings, config_dir
from hub.store.database import Database, open_database
from hub.store.devices import Device, Devices
from hub.store.history import History, Turn
from hub.store.memories import Memories
from hub.store.personas import OWN, PersonaFile, Personas, Version, read_persona, read_personas
from hub.store.playing import Playing, Stopped
from hub.store.search import open_search

__all__ = [
    "OWN", "Device", "Devices", "History", "Memories", "PersonaFile", "Personas", "Playing", "Stopped", "Store",
    "Turn", "Version", "open_store", "read_persona",
]  # fmt: skip


@dataclass(frozen=True)
class Store:
    """Everything that is kept, by what it is about."""

    devices: Devices
    personas: Personas
    memories: Memories
    history: History
    playing: Playing
    _database: Database

    def write(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Several changes as one: all of them are kept, or none."""
        return self._database.write()


@contextlib.asynccontextmanager
async def open_store(settings: Settings, clock: Callable[[], int] | None = None) -> AsyncIterator[Store]:
    """Open the database in ``settings.data_dir`` and read the personas; closed when the context ends.

    Args:
        settings: where the database is and which persona is the default.
        clock: Unix time in ms; the system's if not given.

    Raises:
        StoreError: the database is damaged, newer than this program or cannot be opened; names the file.
        SettingsError: a persona cannot be used; names file and key.
    """
    files = await asyncio.to_thread(read_personas, config_dir() / "personas", settings.persona)
    clock = clock or _now_ms
    path = settings.data_dir / "toyhub.db"
    async with open_database(path, clock) as database, open_search() as search:
        personas = Personas(database, files, settings.persona, clock)
        yield Store(
            devices=Devices(database, personas, clock),
            personas=personas,
            memories=Memories(database, search, clock),
            history=History(database, search, clock),
            playing=Playing(database, clock),
            _database=database,
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
