"""The folder of the library: ``<id>.json`` says what an item is, ``<id>.opus`` beside it is its sound.

Any process may add and remove files at any time; each file appears whole or not at all.
"""

import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from workers.media.errors import MediaNotFound
from workers.media.items import Item

_LOGGER = logging.getLogger(__name__)

_LARGEST_SIDECAR = 4 * 2**20
_ABANDONED_S = 24 * 3600


class Catalogue:
    """Reads and writes sidecars; ``starter`` says whether the starter library is part of it."""

    def __init__(self, folder: Path, *, starter: bool = True) -> None:
        self.folder, self._starter = folder, starter
        self._seen: dict[str, tuple[tuple[int, int], Item | None]] = {}

    def scan(self) -> dict[str, Item]:
        """All items by id; only sidecars changed since the last scan are read again.

        Bad ones are logged, once, and skipped.
        """
        if not self.folder.is_dir():
            return {}
        seen: dict[str, tuple[tuple[int, int], Item | None]] = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if (
                    not entry.name.endswith(".json")
                    or entry.name.startswith(".")
                    or not entry.is_file(follow_symlinks=False)
                ):
                    continue
                try:
                    stat = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                state = (stat.st_mtime_ns, stat.st_size)
                known = self._seen.get(entry.name)
                seen[entry.name] = (
                    known if known and known[0] == state else (state, _read(Path(entry.path), stat.st_size))
                )
        self._seen = dict(sorted(seen.items()))
        return {item.id: item for _, item in self._seen.values() if item and (self._starter or not item.starter)}

    def audio(self, item: Item) -> Path:
        """Where the sound of an item lies.

        Raises:
            MediaNotFound: it has none, or the file is gone.
        """
        path = self.folder / item.audio
        if not item.audio or not path.is_file():
            raise MediaNotFound(f"{item.id}: no recording")
        return path

    @contextmanager
    def part(self) -> Iterator[Path]:
        """A path for a file that is being written; what is left there afterwards is removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f".{uuid.uuid4().hex}.part"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def put(self, item: Item, audio: Path | None = None) -> None:
        """Add or replace an item; ``audio`` (from :meth:`part`) is moved into place first."""
        if audio is not None:
            audio.replace(self.folder / item.audio)
        with self.part() as part:
            part.write_text(item.model_dump_json(indent=1, exclude_defaults=True), encoding="utf-8")
            part.replace(self.folder / f"{item.id}.json")

    def remove(self, id_: str) -> None:
        """Remove an item and its sound. A starter item leaves a mark, so that it does not come back.

        Raises:
            MediaNotFound: there is none with this id.
        """
        item = self.scan().get(id_)
        if item is None:
            raise MediaNotFound(f"no item {id_!r} in the library")
        if item.starter:
            self._mark(id_).touch()
        (self.folder / f"{id_}.json").unlink(missing_ok=True)
        if item.audio:
            (self.folder / item.audio).unlink(missing_ok=True)

    def is_removed(self, id_: str) -> bool:
        """Whether a person removed this starter item."""
        return self._mark(id_).exists()

    def tidy(self) -> None:
        """Remove what imports that were killed left behind a day ago."""
        for path in self.folder.glob(".*.part"):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink(missing_ok=True)

    def _mark(self, id_: str) -> Path:
        return self.folder / f"{id_}.removed"


def _read(path: Path, size: int) -> Item | None:
    try:
        if size > _LARGEST_SIDECAR:
            raise ValueError(f"larger than {_LARGEST_SIDECAR} bytes")  # noqa: TRY301 -- one place that says why
        item = Item.model_validate_json(path.read_bytes())
        if item.id != path.stem:
            raise ValueError("its id is not its file name")  # noqa: TRY301 -- as above
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, e["loc"])) or e["type"] for e in error.errors(include_url=False))
        _LOGGER.warning("library: skipped %s: bad %s", path.name, fields)
    except (OSError, ValueError) as error:
        _LOGGER.warning("library: skipped %s: %s", path.name, error)
    else:
        return item
    return None
