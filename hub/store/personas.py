"""Personas: those of config/personas/, and one edited for a single device, kept with all its versions."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import aiosqlite
from pydantic import ConfigDict, Field, ValidationError

from hub.errors import SettingsError, StoreError
from hub.lines import OCCASIONS
from hub.messages import Persona, Voice
from hub.settings import Section, read_yaml, validate
from hub.store.database import Database

OWN = "own"
"""Id of a persona that was edited for one device."""

_LOGGER = logging.getLogger(__name__)
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_Line = Annotated[str, Field(min_length=1, max_length=300)]


class _Voice(Voice):
    model_config = ConfigDict(extra="forbid")


class PersonaFile(Section):
    """A persona as it is written in YAML. The limits keep the prompt short: a small model reads all of it."""

    name: str = Field(min_length=1, max_length=40)
    language: str = Field(default="en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")
    backstory: str = Field(default="", max_length=1200)
    rules: list[Annotated[str, Field(min_length=1, max_length=160)]] = Field(default=[], max_length=10)
    voice: _Voice = _Voice()
    lines: dict[str, Annotated[list[_Line], Field(min_length=1, max_length=50)]] = {}


@dataclass(frozen=True)
class Version:
    """One saved version of an edited persona."""

    number: int
    at_ms: int
    """Unix time in ms."""
    persona: Persona


class Personas:
    """Which persona a device has."""

    def __init__(
        self, database: Database, files: Mapping[str, Persona], default: str, clock: Callable[[], int]
    ) -> None:
        self._database, self._files, self._default, self._clock = database, files, default, clock

    async def of(self, device: str) -> Persona:
        """The persona of a device: its own, the one chosen for it, or the default."""
        rows = await self._database.fetch("SELECT persona FROM devices WHERE id = ?", device)
        chosen = (rows[0]["persona"] if rows else None) or self._default
        if chosen == OWN and (versions := await self.versions(device)):
            return versions[-1].persona
        if chosen not in self._files:
            _LOGGER.warning("persona %s of %s has no file any more: %s speaks instead", chosen, device, self._default)
        return self._files.get(chosen, self._files[self._default])

    async def check(self, device: str, persona: str) -> None:
        """Make sure that a device can have a persona.

        Raises:
            SettingsError: there is no such persona; names those there are.
        """
        known = [*await self.names(), *([OWN] if await self.versions(device) else [])]
        if persona not in known:
            raise SettingsError(f"no persona {persona!r}; there are {', '.join(known)}")

    async def save(self, device: str, persona: Persona) -> bool:
        """Give a device a persona of its own, with the id ``own``; earlier versions are kept.

        Returns:
            Whether there is such a device.
        """
        body = persona.model_copy(update={"id": OWN}).model_dump_json()
        async with self._database.write():
            if not await self._database.execute("UPDATE devices SET persona = ? WHERE id = ?", OWN, device):
                return False
            await self._database.execute(
                """INSERT INTO personas (device, version, persona, at_ms)
                SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3 FROM personas WHERE device = ?1""",
                device, body, self._clock(),
            )  # fmt: skip
        return True

    async def names(self) -> tuple[str, ...]:
        """Ids of the personas of config/, in order."""
        return tuple(sorted(self._files))

    async def versions(self, device: str) -> list[Version]:
        """What was saved for a device, oldest first. To return to one, save it again."""
        rows = await self._database.fetch("SELECT * FROM personas WHERE device = ? ORDER BY version", device)
        return [Version(row["version"], row["at_ms"], _persona(row)) for row in rows]

    async def list(self) -> list[Persona]:
        """The personas of config/, by id."""
        return [self._files[persona] for persona in await self.names()]


def read_personas(folder: Path, default: str) -> dict[str, Persona]:
    """The personas of a folder by id: one YAML file each, named for its id. Reads files.

    Raises:
        SettingsError: a file cannot be used (names file and key), or ``default`` is not among them.
    """
    personas = {path.stem: read_persona(path) for path in sorted(folder.glob("*.yaml"))}
    if default not in personas:
        known = ", ".join(personas) or "none"
        raise SettingsError(f"persona: no file {folder / default}.yaml for the default persona; there are {known}")
    return personas


def read_persona(path: Path, persona: str | None = None) -> Persona:
    """The persona in one YAML file.

    Args:
        path: the file.
        persona: its id; the file's name if not given.

    Raises:
        SettingsError: names the file and the key.
    """
    if persona is None:
        persona = path.stem
        if persona == OWN or not _ID.fullmatch(persona):
            raise SettingsError(f"{path}: {persona!r} cannot be the id of a persona (a-z, 0-9, _ and -, not {OWN!r})")
    file = validate(PersonaFile, read_yaml(path), str(path))
    _check_lines(file, path)
    voice = file.voice.model_dump()
    if "language" not in file.voice.model_fields_set:
        voice["language"] = file.language
    return Persona(id=persona, voice=Voice(**voice), **file.model_dump(exclude={"voice"}))


def _check_lines(file: PersonaFile, path: Path) -> None:
    for occasion, lines in file.lines.items():
        if occasion not in OCCASIONS:
            raise SettingsError(f"{path}: lines.{occasion}: no such occasion; there are {', '.join(OCCASIONS)}")
        given = {"toy", "name", *OCCASIONS[occasion]}
        for found in _PLACEHOLDER.findall(" ".join(lines)):
            if found not in given:
                raise SettingsError(f"{path}: lines.{occasion}: no placeholder {{{found}}} here")


def _persona(row: aiosqlite.Row) -> Persona:
    try:
        return Persona.model_validate_json(row["persona"])
    except ValidationError:
        raise StoreError(f"persona of {row['device']}, version {row['version']}: cannot be read") from None
