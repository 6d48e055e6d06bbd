"""The media library: finds music and stories by what was said, and hands out their sound or their sentences.

Blocking, without MQTT; the media stage calls it in threads, several at once if it likes. The folder of sidecars
(catalogue.py) is the truth, the Qdrant collection (index.py) only finds things in it.
"""

import logging
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hub.messages.titles import Title
from workers.media import sound, starter
from workers.media.catalogue import Catalogue
from workers.media.errors import MediaNotFound
from workers.media.index import Index
from workers.media.items import Hit, Item, Kind, digest
from workers.media.settings import LibrarySettings

_LOGGER = logging.getLogger(__name__)

_SLICE = 64
"""Items indexed while nobody can search: a fraction of a second, even on a memory card."""


class Library:
    """The library, open between ``with`` and its end."""

    def __init__(self, settings: LibrarySettings) -> None:
        self._settings = settings
        self._catalogue = Catalogue(settings.folder, starter=settings.starter)
        key = settings.qdrant_api_key
        self._index = Index(
            settings.collection, settings.qdrant_path, settings.qdrant_url, key.get_secret_value() if key else None
        )
        self._lock = threading.RLock()
        self._items: dict[str, Item] = {}
        self._indexed = True
        self._version = digest("")

    def __enter__(self) -> Self:
        """Open the index. If much is new in the folder, :meth:`refresh` finishes what begins here.

        Raises:
            IndexUnavailable: the Qdrant server does not answer.
        """
        self._index.__enter__()
        self._catalogue.tidy()
        self._take_in(self._catalogue.scan())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._index.__exit__(kind, error, trace)

    @property
    def version(self) -> str:
        """Changes whenever :meth:`titles` does, and only then; the same after a restart."""
        return self._version

    def refresh(self) -> bool:
        """Take in what other processes added to the folder or removed; cheap when that is nothing.

        Whoever searches meanwhile waits for a slice at most, and finds what is indexed so far.

        Returns:
            Whether anything changed.

        Raises:
            IndexUnavailable: the Qdrant server does not answer.
        """
        with self._lock:
            items = self._catalogue.scan()
            if items == self._items and self._indexed:
                return False
            self._take_in(items)
        while not self._indexed:
            with self._lock:
                self._indexed = self._index.sync(self._items, _SLICE)
        return True

    def install_starter(self) -> int:
        """Add what is missing of the starter library: seconds on the first run, milliseconds later.

        Call it when the stage is ready already: each piece can be found as soon as it is there.

        Returns:
            How many pieces were added or replaced.
        """
        if not self._settings.starter or self._settings.starter_folder is None:
            return 0
        added = 0
        # Its own catalogue: this runs beside refresh() in another thread, and a catalogue remembers what it has read.
        for item in starter.install(self._settings.starter_folder, Catalogue(self._settings.folder)):
            _LOGGER.info("library: added %s", item.id)
            self.refresh()
            added += 1
        return added

    def search(self, text: str, kind: Kind | None = None, language: str | None = None, limit: int = 3) -> list[Hit]:
        """What sounds most like ``text``, best first; nothing when nothing does.

        Raises:
            IndexUnavailable: the Qdrant server does not answer.
        """
        with self._lock:
            found = self._index.search(text, kind, language, limit, self._settings.threshold)
            return [Hit(self._items[id_], score) for id_, score in found if id_ in self._items]

    def items(self, kind: Kind | None = None, language: str | None = None) -> list[Item]:
        """Everything of this kind and language, in a fixed order: for "play some music" and "next"."""
        return [item for item in self._items.values() if item.fits(kind, language)]

    def get(self, id_: str) -> Item:
        """The item with this id.

        Raises:
            MediaNotFound: there is none (any more).
        """
        item = self._items.get(id_)
        if item is None:
            raise MediaNotFound(f"no item {id_!r} in the library")
        return item

    def read(self, item: Item, position_ms: int, length_ms: int) -> tuple[NDArray[np.int16], int, bool]:
        """Decode a part of an item's recording; parts asked for one after the other join without a gap.

        Returns:
            The samples, shape (n,), mono; their rate in Hz; whether the recording ends with them.

        Raises:
            MediaNotFound: it has no recording, or the file is gone.
            MediaUnreadable: the file is damaged.
        """
        return sound.read(self._catalogue.audio(item), position_ms, length_ms)

    def sentences(self, item: Item, start: int, count: int) -> tuple[list[str], bool]:
        """A part of a story that is to be spoken.

        Returns:
            The sentences from index ``start``, fewer than ``count`` at the end; whether the story ends with them.

        Raises:
            MediaNotFound: it has no sentences.
        """
        if not item.sentences:
            raise MediaNotFound(f"{item.id}: no story to be spoken")
        return list(item.sentences[start : start + count]), start + count >= len(item.sentences)

    def titles(self) -> list[Title]:
        """All titles, for the grammar of speech recognition."""
        return _titles(self._items)

    def _take_in(self, items: dict[str, Item]) -> None:
        self._items, self._indexed = items, False  # if the server does not answer, the next refresh() tries again
        self._version = digest(*(title.model_dump_json() for title in _titles(items)))
        self._indexed = self._index.sync(items, _SLICE)


def _titles(items: Mapping[str, Item]) -> list[Title]:
    return [
        Title(id=i.id, title=i.title, also=list(i.also), kind=i.kind, language=i.language, topics=list(i.topics))
        for i in items.values()
    ]
