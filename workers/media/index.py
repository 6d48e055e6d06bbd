"""The Qdrant collection by which items are found: an index of the sidecars that can be rebuilt at any time.

One point for each phrase (title, other title, topic) of each item. Embedded Qdrant is for one process only; when
another one holds the folder, this process keeps the same index in its own memory. A damaged folder is emptied.
"""

import json
import logging
import pickle
import shutil
import sqlite3
import uuid
from collections.abc import Mapping
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
_CROWD = 12
"""Phrases fetched for each item wanted: the phrases of one item often come one after the other."""
# What reading a damaged, half-written or foreign folder was seen to raise or may raise: it is JSON, SQLite and pickle.
_DAMAGED = (
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, ImportError, EOFError, AssertionError,
    sqlite3.Error, pickle.UnpicklingError,
)  # fmt: skip


class Index:
    """Finds items by what was said. Not safe for several threads at once: the library holds a lock."""

    def __init__(self, collection: str, path: Path | None, url: str | None, api_key: str | None) -> None:
        self._collection, self._path, self._url, self._api_key = collection, path, url, api_key
        self._indexed: dict[str, tuple[str, list[str]]] = {}

    def __enter__(self) -> Self:
        """Open the collection.

        Raises:
            IndexUnavailable: the server does not answer.
        """
        if self._url is not None:
            self._client = QdrantClient(
                url=self._url, api_key=self._api_key, timeout=_TIMEOUT_S, check_compatibility=False
            )
            self._guarded_prepare()
        else:
            self._client = self._open_embedded()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def sync(self, items: Mapping[str, Item]) -> None:
        """Make the collection hold exactly these items: adds, replaces and removes points.

        Raises:
            IndexUnavailable: the server does not answer.
        """
        wanted = {id_: _etag(item) for id_, item in items.items()}
        known = {id_: etag for id_, (etag, _) in self._indexed.items()}
        changed = [items[id_] for id_, etag in wanted.items() if known.get(id_) != etag]
        gone = [id_ for id_ in known if known[id_] != wanted.get(id_)]
        try:
            self._replace(changed, gone)
        except (ApiException, httpx.HTTPError) as error:
            raise IndexUnavailable(f"Qdrant: {type(error).__name__}") from error
        except (sqlite3.Error, OSError) as error:
            # A full or read-only disk must not silence the toys: the index fits in memory.
            _LOGGER.warning("the media index cannot be written (%s); keeping it in memory", error)
            self._client.close()
            self._client = self._in_memory()
            self._replace(list(items.values()), [])

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
                self._collection, query=vector.tolist(), query_filter=_filter(kind, language), with_payload=["item"],
                limit=limit * _CROWD, score_threshold=threshold,
            ).points  # fmt: skip
        except (ApiException, httpx.HTTPError) as error:
            raise IndexUnavailable(f"Qdrant: {type(error).__name__}") from error
        best: dict[str, float] = {}
        for point in found:
            best.setdefault((point.payload or {})["item"], min(point.score, 1.0))
        return list(best.items())[:limit]

    def _open_embedded(self) -> QdrantClient:
        path = self._path
        if path is None:
            return self._in_memory()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for attempt in ("as it is", "emptied"):
            try:
                self._client = QdrantClient(path=str(path))
                self._prepare()
            except RuntimeError:
                _LOGGER.warning("another process holds %s; this one keeps its media index in memory", path)
                return self._in_memory()
            except _DAMAGED as error:
                _LOGGER.warning("media index in %s opened %s: %s; rebuilding it", path, attempt, type(error).__name__)
                _empty(path)
            else:
                return self._client
        return self._in_memory()

    def _in_memory(self) -> QdrantClient:
        self._client = QdrantClient(":memory:")
        self._prepare()
        return self._client

    def _guarded_prepare(self) -> None:
        try:
            self._prepare()
        except (ApiException, httpx.HTTPError) as error:
            raise IndexUnavailable(f"Qdrant at {self._url}: {type(error).__name__}") from error

    def _prepare(self) -> None:
        """See that the collection is there in the right shape, and read what it holds."""
        self._indexed = {}
        if self._client.collection_exists(self._collection):
            vectors = self._client.get_collection(self._collection).config.params.vectors
            if isinstance(vectors, models.VectorParams) and vectors.size == titles.SIZE:
                self._read_indexed()
                return
            self._client.delete_collection(self._collection)
        shape = models.VectorParams(size=titles.SIZE, distance=models.Distance.COSINE)
        self._client.create_collection(self._collection, vectors_config=shape)
        if self._url is not None:  # embedded Qdrant has no payload indexes
            for field in ("kind", "language"):
                self._client.create_payload_index(self._collection, field, models.PayloadSchemaType.KEYWORD)

    def _read_indexed(self) -> None:
        offset = None
        while True:
            records, offset = self._client.scroll(
                self._collection, limit=_BATCH, offset=offset, with_payload=["item", "etag"]
            )
            for record in records:
                payload = record.payload or {}
                etag, points = self._indexed.setdefault(payload["item"], (payload["etag"], []))
                points.append(str(record.id))
                if etag != payload["etag"]:  # a crash came between the new points and the removal of the old ones
                    self._indexed[payload["item"]] = ("mixed", points)
            if offset is None:
                return

    def _replace(self, changed: list[Item], gone: list[str]) -> None:
        new = {item.id: _points(item) for item in changed}
        points = [point for of_item in new.values() for point in of_item]
        for start in range(0, len(points), _BATCH):
            self._client.upsert(self._collection, points[start : start + _BATCH])
        kept = {point.id for point in points}
        stale = [point for id_ in gone for point in self._indexed[id_][1] if point not in kept]
        if stale:
            self._client.delete(self._collection, models.PointIdsList(points=list(stale)))
        for id_ in gone:
            del self._indexed[id_]
        for item in changed:
            self._indexed[item.id] = (_etag(item), [str(point.id) for point in new[item.id]])


def _points(item: Item) -> list[models.PointStruct]:
    payload = {"item": item.id, "etag": _etag(item), "kind": item.kind, "language": item.language}
    return [
        models.PointStruct(
            id=str(uuid.uuid5(_NAMESPACE, f"{item.id}\n{phrase}")),
            vector=titles.vector(phrase).tolist(),
            payload=payload,
        )
        for phrase in item.phrases
        if titles.words(phrase)
    ]


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
    (path / "meta.json").unlink(missing_ok=True)
