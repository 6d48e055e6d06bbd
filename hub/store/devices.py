"""The devices: who they are, when they were seen, what was set for them."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import aiosqlite
from pydantic import ValidationError

from hub.messages import Hello
from hub.store.database import Database
from hub.store.personas import Personas


@dataclass(frozen=True)
class Device:
    """A device as it is stored; None: not known, or never set."""

    id: str
    first_seen_ms: int | None
    """Unix time in ms; None: it was added and has not come yet."""
    last_seen_ms: int | None
    hello: Hello | None
    approved: bool
    """Whether it was added by a person."""
    persona: str | None
    """Id of its persona; ``own``: edited for this device."""
    volume: int | None
    """0 to 100."""
    pause_ms: int | None
    """The silence that ends this child's speech, as learned."""


class Devices:
    """All devices. What sets something says whether there is such a device."""

    def __init__(self, database: Database, personas: Personas, clock: Callable[[], int]) -> None:
        self._database, self._personas, self._clock = database, personas, clock

    async def seen(self, device: str, hello: Hello | None = None) -> None:
        """A device has introduced itself (``hello``) or was just there (None: what it said before stays)."""
        now, body = self._clock(), hello.model_dump_json(exclude={"device"}) if hello else None
        await self._database.execute(
            """INSERT INTO devices (id, first_seen_ms, last_seen_ms, hello) VALUES (?1, ?2, ?2, ?3)
            ON CONFLICT (id) DO UPDATE SET first_seen_ms = coalesce(first_seen_ms, ?2), last_seen_ms = ?2,
            hello = coalesce(?3, hello)""",
            device, now, body,
        )  # fmt: skip

    async def add(self, device: str) -> None:
        """Let a device in, whether it was seen before or not."""
        await self._database.execute(
            "INSERT INTO devices (id, approved) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET approved = 1", device
        )

    async def get(self, device: str) -> Device | None:
        """One device; None: there is no such device."""
        rows = await self._database.fetch("SELECT * FROM devices WHERE id = ?", device)
        return _device(rows[0]) if rows else None

    async def count(self) -> int:
        """How many devices there are."""
        return int((await self._database.fetch("SELECT count(*) FROM devices"))[0][0])

    async def set_volume(self, device: str, volume: int) -> bool:
        """Keep the volume, 0 to 100."""
        return await self._database.execute("UPDATE devices SET volume = ? WHERE id = ?", volume, device) > 0

    async def set_pause_ms(self, device: str, pause_ms: int) -> bool:
        """Keep the silence in ms that ends this child's speech."""
        return await self._database.execute("UPDATE devices SET pause_ms = ? WHERE id = ?", pause_ms, device) > 0

    async def set_persona(self, device: str, persona: str) -> bool:
        """Give a device one of the personas of config/, or ``own`` to return to the one edited for it.

        Raises:
            SettingsError: there is no such persona; names those there are.
        """
        await self._personas.check(device, persona)
        return await self._database.execute("UPDATE devices SET persona = ? WHERE id = ?", persona, device) > 0

    async def forget(self, device: str) -> bool:
        """Remove a device and everything that was kept about it."""
        return await self._database.execute("DELETE FROM devices WHERE id = ?", device) > 0

    async def list(self) -> list[Device]:
        """All devices, by id."""
        return [_device(row) for row in await self._database.fetch("SELECT * FROM devices ORDER BY id")]


async def ensure_device(database: Database, device: str) -> None:
    """Make sure that something can be kept about ``device``, whether it has introduced itself or not."""
    await database.execute("INSERT INTO devices (id) VALUES (?) ON CONFLICT DO NOTHING", device)


def _device(row: aiosqlite.Row) -> Device:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - iterating a Row gives its values
    return Device(**{**values, "approved": bool(row["approved"]), "hello": _hello(row["id"], row["hello"])})


def _hello(device: str, body: str | None) -> Hello | None:
    """What was stored may be of another version; the toy says hello again with its next connect."""
    if body is None:
        return None
    try:
        return Hello.model_validate({**json.loads(body), "device": device})
    except ValidationError:
        return None
