"""The Qdrant collection is an index: whatever happens to it, it is made again from the items."""

import json
import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workers.media import titles
from workers.media.errors import IndexUnavailable
from workers.media.index import Index
from workers.media.items import Item

Make = Callable[..., Item]
SERVER = os.environ.get("QDRANT_URL")


@pytest.fixture(params=["memory", "embedded", "server"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    if request.param == "server" and SERVER is None:
        pytest.skip("QDRANT_URL names no Qdrant server")
    path = tmp_path / "qdrant" if request.param == "embedded" else None
    url = SERVER if request.param == "server" else None
    name = f"toyhub-test-{uuid.uuid4().hex}"
    with Index(name, path, url, os.environ.get("QDRANT_API_KEY") if url else None) as index:
        yield index
        index._client.delete_collection(name)


def ids(index: Index, text: str, **narrow: str) -> list[str]:
    found = index.search(text, narrow.get("kind"), narrow.get("language"), 5, 0.38)  # type: ignore[arg-type]
    return [id_ for id_, _ in found]


def by_id(*items: Item) -> dict[str, Item]:
    return {item.id: item for item in items}


def sync(index: Index, *items: Item) -> None:
    while not index.sync(by_id(*items), 2):
        pass


def test_follows_the_items(index: Index, item: Make) -> None:
    dragon, boat = item("The Dragon"), item("The Boat", topics=("river",))
    sync(index, dragon, boat)
    assert ids(index, "a dragon") == ["the-dragon"]
    assert ids(index, "the river") == ["the-boat"]

    sync(index, item("The Little Train", id_="the-boat"))
    assert ids(index, "a dragon") == []
    assert ids(index, "the river") == [], "the phrases of the old version are gone"
    assert ids(index, "little train") == ["the-boat"]

    sync(index)
    assert ids(index, "little train") == []


def test_many_items_are_taken_in_by_slices(index: Index, item: Make) -> None:
    items = by_id(
        *(item(f"Number {number} Story", topics=(name,)) for number, name in enumerate(("sun", "frog", "key")))
    )
    assert not index.sync(items, 2)
    assert (ids(index, "frog"), ids(index, "key")) == (["number-1-story"], [])
    assert index.sync(items, 2)
    assert ids(index, "key") == ["number-2-story"]


def test_an_item_without_words_is_no_harm(index: Index, item: Make) -> None:
    sync(index, item("?!", id_="odd"), item("The Dragon"))
    assert ids(index, "dragon") == ["the-dragon"]
    sync(index)


def test_narrows_by_kind_and_language(index: Index, item: Make) -> None:
    sync(index, item("Moon", id_="en"), item("Moon", id_="de", language="de", kind="music"))
    assert sorted(ids(index, "moon")) == ["de", "en"]
    assert ids(index, "moon", kind="music") == ["de"]
    assert ids(index, "moon", language="en-US") == ["en"]
    assert ids(index, "moon", language="fr") == []


def test_finds_each_item_once_however_many_phrases_match(index: Index, item: Make) -> None:
    also = tuple(f"The Dragon Story Number {number}" for number in range(9))
    sync(index, item("The Dragon Story", also=also), item("Dragon Song"))
    assert ids(index, "the dragon story") == ["the-dragon-story", "dragon-song"]


def test_remembers_what_it_holds(tmp_path: Path, item: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    dragon = item("The Dragon")
    with Index("c", tmp_path, None, None) as index:
        sync(index, dragon)
    with Index("c", tmp_path, None, None) as index:
        monkeypatch.setattr(titles, "vector", None)  # nothing is made anew
        sync(index, dragon)
    monkeypatch.undo()
    with Index("c", tmp_path, None, None) as index:
        assert ids(index, "dragon") == ["the-dragon"]


def test_new_vectors_replace_the_old_ones(tmp_path: Path, item: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, Index("c", tmp_path, None, None) as index:
        patch.setattr(titles, "VERSION", "0")
        patch.setattr(titles, "vector", lambda _text, old=titles.vector: old("something else"))
        sync(index, item("The Dragon"))
    with Index("c", tmp_path, None, None) as index:
        sync(index, item("The Dragon"))
        assert ids(index, "dragon") == ["the-dragon"]
        assert ids(index, "something else") == []


def test_a_collection_of_another_size_is_made_anew(tmp_path: Path, item: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(titles, "SIZE", 64)
        with Index("c", tmp_path, None, None):
            pass
    with Index("c", tmp_path, None, None) as index:
        sync(index, item("The Dragon"))
        assert ids(index, "dragon") == ["the-dragon"]


def _no_json(path: Path) -> None:
    (path / "meta.json").write_text("{ this is no json")


def _other_json(path: Path) -> None:
    (path / "meta.json").write_text(json.dumps({"collections": {"c": {"vectors": "?"}}}))


def _no_database(path: Path) -> None:
    (path / "collection" / "c" / "storage.sqlite").write_bytes(b"this is no database" * 300)


def _no_points(path: Path) -> None:
    with sqlite3.connect(path / "collection" / "c" / "storage.sqlite") as database:
        database.execute("UPDATE points SET point = ?", (b"\x80\x04this is no pickle",))
    database.close()


def _other_class(path: Path) -> None:
    with sqlite3.connect(path / "collection" / "c" / "storage.sqlite") as database:
        database.execute("UPDATE points SET point = ?", (b"cno_such_module\nThing\n.",))
    database.close()


def _cut_short(path: Path) -> None:
    database = path / "collection" / "c" / "storage.sqlite"
    database.write_bytes(database.read_bytes()[:5000])


def _half_gone(path: Path) -> None:
    shutil.rmtree(path / "collection" / "c")


DAMAGE = [_no_json, _other_json, _no_database, _no_points, _other_class, _cut_short, _half_gone]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__.strip("_"))
def test_a_damaged_index_is_made_again(tmp_path: Path, item: Make, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "qdrant"
    items = by_id(*(item(f"The {name}") for name in ("Dragon", "Boat", "Rocket")))
    with Index("c", path, None, None) as index:
        sync(index, *items.values())
    (path / "a-persons-file.txt").write_text("keep me")
    damage(path)
    with Index("c", path, None, None) as index:
        sync(index, *items.values())
        assert ids(index, "dragon") == ["the-dragon"]
    with Index("c", path, None, None) as index:
        assert ids(index, "rocket") == ["the-rocket"], "and it is on the disk again"
    assert (path / "a-persons-file.txt").read_text() == "keep me"


# Qdrant leaves the lock file open that it could not lock.
@pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <_io.FileIO name='.*\.lock':pytest.PytestUnraisableExceptionWarning"
)
def test_a_second_process_keeps_its_own_index(tmp_path: Path, item: Make, caplog: pytest.LogCaptureFixture) -> None:
    with Index("c", tmp_path, None, None) as first, Index("c", tmp_path, None, None) as second:
        assert "another process" in caplog.text
        for index in (first, second):
            sync(index, item("The Dragon"))
            assert ids(index, "dragon") == ["the-dragon"]


def test_a_disk_that_cannot_be_written_is_no_reason_to_fall_silent(
    tmp_path: Path, item: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Index("c", tmp_path, None, None) as index:
        sync(index, item("The Boat"))

        def full(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(index._client, "upsert", full)
        sync(index, item("The Boat"), item("The Dragon"))
        assert ids(index, "dragon") == ["the-dragon"]
        assert ids(index, "boat") == ["the-boat"]


def test_a_folder_that_cannot_be_made_is_no_reason_either(tmp_path: Path, item: Make) -> None:
    (tmp_path / "file").write_text("not a folder")
    with Index("c", tmp_path / "file", None, None) as index:
        sync(index, item("The Dragon"))
        assert ids(index, "dragon") == ["the-dragon"]


def test_no_server_is_a_failure_with_a_code() -> None:
    with pytest.raises(IndexUnavailable) as failure, Index("c", None, "http://127.0.0.1:9", None):
        pass
    assert failure.value.code == "media-index-unavailable"
