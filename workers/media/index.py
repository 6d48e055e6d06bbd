"""The Qdrant collection by which items are found: an index of the sidecars that can be rebuilt at any time.

One point for each item, with a vector for each phrase (title, other title, topic); the best of them counts. Embedded
Qdrant is for one process only: when another one holds the folder, this process keeps the same index in its own memory.
A damaged folder is emptied.
"""

import json
import logging
import pickle
import shutil
import sqlite3
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException

from workers.media import titles
from workers.media.errors import IndexUnavailable
from workers.media.items import ANY_LANGUAGE, Item, Kind, digest, primary

_LOGGER = logging.getLogger(__name__)

_NAMESPACE = uuid.UUID("6f1f3f0e-57a5-4b5c-9c0e-4d6c1f6f7a10")
_BATCH = 256
_TIMEOUT_S = 5
# What reading a damaged, half-written or foreign folder was seen to raise or may raise: it is JSON, SQLite and pickle.
_DAMAGED = (
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, ImportError, EOFError, AssertionError,
    sqlite3.Error, pickle.UnpicklingError,
)  # fmt: skip


class Index:
    """Finds items by what was said. Not safe for several threads at once: the library holds a lock."""

    def __init__(self, collection: str, path: Path | None, url: str | None, api_key: str | None) -> None:
        self._collection, self._path, self._url, self._api_key = collection, path, url, api_key
        self._indexed: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Open the collection.

        Raises:
            IndexUnavailable: the server does not answer.
        """
        if self._url is not None:
            self._client = QdrantClient(
                url=self._url, api_key=self._api_key, timeout=_TIMEOUT_S, check_compatibility=False
            )
            try:
                self._prepare(self._client)
            except (ApiException, httpx.HTTPError) as error:
                self._client.close()
                raise IndexUnavailable(f"Qdrant at {self._url}: {type(error).__name__}") from error
        else:
            self._client = self._open_embedded()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def sync(self, items: Mapping[str, Item], at_most: int) -> bool:
        """Make the collection hold exactly these items.

        Embedded Qdrant needs some milliseconds of disk for each: that is why it is done in slices.

        Args:
            items: by id.
            at_most: how many items to add or replace in this slice.

        Returns:
            Whether the collection now holds them all.

        Raises:
            IndexUnavailable: the server does not answer.
        """
        changed = [item for id_, item in items.items() if self._indexed.get(id_) != _etag(item)]
        gone = [id_ for id_ in self._indexed if id_ not in items]
        try:
            self._replace(changed[:at_most], gone)
        except (ApiException, httpx.HTTPError) as error:
            raise IndexUnavailable(f"Qdrant: {type(error).__name__}") from error
        except (sqlite3.Error, OSError) as error:
            # A full or read-only disk must not silence the toys: the index fits in memory.
            _LOGGER.warning("the media index cannot be written (%s); keeping it in memory", error)
            self._client.close()
            self._client = self._in_memory()
            return False
        return len(changed) <= at_most

    def search(
        self, text: str, kind: Kind | None, language: str | None, limit: int, threshold: float
    ) -> list[tuple[str, float]]:
        """Ids of the items that sound most like ``text`` with their scores, best first.

        Raises:
            IndexUnavailable: the server does not answer.
        """
        vector = titles.vector(text)
        if not vector.any():
            return []
        try:
            found = self._client.query_points(
                self._collection, query=[vector.tolist()], query_filter=_filter(kind, language), with_payload=["item"],
                limit=limit, score_threshold=threshold,
            ).points  # fmt: skip
        except (ApiException, httpx.HTTPError) as error:
            raise IndexUnavailable(f"Qdrant: {type(error).__name__}") from error
        return [((point.payload or {})["item"], min(point.score, 1.0)) for point in found]

    def _open_embedded(self) -> QdrantClient:
        if self._path is None:
            return self._in_memory()
        for attempt in ("as it is", "emptied"):
            try:
                self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
                client = QdrantClient(path=str(self._path))
            except RuntimeError:
                _LOGGER.warning("another process holds %s; this one keeps its media index in memory", self._path)
                break
            except _DAMAGED as error:
                _LOGGER.warning("media index %s, opened %s: %s", self._path, attempt, type(error).__name__)
                _empty(self._path)
                continue
            try:
                self._prepare(client)
            except _DAMAGED as error:
                _LOGGER.warning("media index %s, read %s: %s", self._path, attempt, type(error).__name__)
                client.close()
                _empty(self._path)
            else:
                return client
        return self._in_memory()

    def _in_memory(self) -> QdrantClient:
        client = QdrantClient(":memory:")
        self._prepare(client)
        return client

    def _prepare(self, client: QdrantClient) -> None:
        """See that the collection is there in the right shape, and read what it holds."""
        self._indexed = {}
        best_phrase = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
        shape = models.VectorParams(size=titles.SIZE, distance=models.Distance.COSINE, multivector_config=best_phrase)
        if client.collection_exists(self._collection):
            there = client.get_collection(self._collection).config.params.vectors
            if isinstance(there, models.VectorParams) and (there.size, there.multivector_config) == (
                shape.size, best_phrase,
            ):  # fmt: skip
                self._read_indexed(client)
                return
            client.delete_collection(self._collection)
        client.create_collection(self._collection, vectors_config=shape)
        if self._url is not None:  # embedded Qdrant has no payload indexes
            for field in ("kind", "language"):
                client.create_payload_index(self._collection, field, models.PayloadSchemaType.KEYWORD)

    def _read_indexed(self, client: QdrantClient) -> None:
        offset = None
        while True:
            records, offset = client.scroll(
                self._collection, limit=_BATCH, offset=offset, with_payload=["item", "etag"]
            )
            for record in records:
                payload = record.payload or {}
                self._indexed[payload["item"]] = payload["etag"]
            if offset is None:
                return

    def _replace(self, changed: list[Item], gone: list[str]) -> None:
        points = [_point(item) for item in changed if any(titles.words(phrase) for phrase in item.phrases)]
        if points:
            self._client.upsert(self._collection, points)
        if gone:
            self._client.delete(self._collection, models.PointIdsList(points=[_point_id(id_) for id_ in gone]))
        for id_ in gone:
            del self._indexed[id_]
        self._indexed.update((item.id, _etag(item)) for item in changed)


def _point(item: Item) -> models.PointStruct:
    vectors = [titles.vector(phrase).tolist() for phrase in item.phrases if titles.words(phrase)]
    payload = {"item": item.id, "etag": _etag(item), "kind": item.kind, "language": item.language}
    return models.PointStruct(id=_point_id(item.id), vector=vectors, payload=payload)


def _point_id(id_: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, id_))


def _etag(item: Item) -> str:
    return digest(titles.VERSION, item.kind, item.language, json.dumps(item.phrases))


def _filter(kind: Kind | None, language: str | None) -> models.Filter | None:
    must: list[models.Condition] = []
    if kind is not None:
        must.append(models.FieldCondition(key="kind", match=models.MatchValue(value=kind)))
    if language is not None:
        either = models.MatchAny(any=[primary(language), ANY_LANGUAGE])
        must.append(models.FieldCondition(key="language", match=either))
    return models.Filter(must=must) if must else None


def _empty(path: Path) -> None:
    """Remove what Qdrant keeps in ``path`` and nothing else: a wrong setting must not cost a person's files."""
    shutil.rmtree(path / "collection", ignore_errors=True)
    with suppress(OSError):
        (path / "meta.json").unlink()
