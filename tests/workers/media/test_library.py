"""The library as the media stage uses it."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hub.errors import SettingsError, StageError
from hub.messages.titles import Titles
from hub.settings import Settings
from tests.workers.media.conftest import CONFIG, Samples
from workers.media import sound
from workers.media.catalogue import Catalogue
from workers.media.errors import MediaNotFound, MediaUnreadable
from workers.media.items import Item
from workers.media.library import Library
from workers.media.settings import LibrarySettings

Make = Callable[..., Item]


def test_takes_in_what_other_processes_add_and_remove(own: LibrarySettings, item: Make) -> None:
    other = Catalogue(own.folder)
    with Library(own) as library:
        assert not library.refresh()
        other.put(item("The Dragon"))
        assert library.search("dragon") == [], "not yet"
        assert library.refresh()
        assert [hit.item.title for hit in library.search("dragon")] == ["The Dragon"]
        assert not library.refresh()
        other.put(item("The Green Dragon", id_="the-dragon", topics=("soup",)))
        assert library.refresh()
        assert [hit.item.title for hit in library.search("soup")] == ["The Green Dragon"]
        other.remove("the-dragon")
        assert library.refresh()
        assert library.search("dragon") == []
        with pytest.raises(MediaNotFound):
            library.get("the-dragon")


def test_titles_have_a_version_that_survives_a_restart(own: LibrarySettings, item: Make) -> None:
    Catalogue(own.folder).put(item("The Dragon", also=("Ember",), topics=("fire",)))
    with Library(own) as library:
        version = library.version
        (title,) = library.titles()
        assert (title.id, title.title, title.also, title.topics) == ("the-dragon", "The Dragon", ["Ember"], ["fire"])
        message = Titles(version=library.version, titles=library.titles())
        assert Titles.decode(*message.encode()[:2]) == message
    with Library(own) as library:
        assert library.version == version
        Catalogue(own.folder).put(item("The Dragon", also=("Ember",), topics=("fire",), author="Me"))
        assert library.refresh()
        assert library.version == version, "an author is no title"
        Catalogue(own.folder).put(item("The Boat"))
        library.refresh()
        assert library.version != version


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"id": "bad"}', "\x00", '{"id": "../../etc", "title": "x"}'],
)
def test_a_bad_sidecar_is_skipped_and_named(
    own: LibrarySettings, item: Make, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    Catalogue(own.folder).put(item("The Dragon"))
    (own.folder / "bad.json").write_text(text)
    (own.folder / "folder.json").mkdir()
    with Library(own) as library:
        library.refresh()
        assert [one.id for one in library.items()] == ["the-dragon"]
    assert caplog.text.count("bad.json") == 1


def test_a_sidecar_cannot_point_out_of_the_folder(own: LibrarySettings, item: Make, tmp_path: Path) -> None:
    secret = tmp_path / "secret.opus"
    secret.write_text("secret")
    Catalogue(own.folder).put(item("Good"))
    good = (own.folder / "good.json").read_text()
    for name in ("../secret.opus", str(secret), "..", "a/b.opus"):
        (own.folder / "evil.json").write_text(
            good.replace('"good"', '"evil"', 1).replace("{", f'{{"audio": "{name}",', 1)
        )
        with Library(own) as library:
            assert [one.id for one in library.items()] == ["good"]


def test_a_file_that_is_gone_or_damaged_has_a_code(own: LibrarySettings, item: Make) -> None:
    Catalogue(own.folder).put(item("Song", kind="music", audio="song.opus", sentences=()))
    Catalogue(own.folder).put(item("Story"))
    with Library(own) as library:
        song, story = library.get("song"), library.get("story")
        with pytest.raises(MediaNotFound) as gone:
            library.read(song, 0, 1000)
        (own.folder / "song.opus").write_bytes(b"OggS rubbish")
        with pytest.raises(MediaUnreadable) as damaged:
            library.read(song, 0, 1000)
        with pytest.raises(MediaNotFound):
            library.read(story, 0, 1000)
        with pytest.raises(MediaNotFound):
            library.sentences(song, 0, 1)
    assert (gone.value.code, damaged.value.code) == ("media-not-found", "media-unreadable")
    assert issubclass(MediaNotFound, StageError)


def test_a_recording_is_streamed_and_resumed(own: LibrarySettings, item: Make, melody: Samples) -> None:
    catalogue = Catalogue(own.folder)
    with catalogue.part() as part:
        sound.write(part, [melody], 64_000)
        catalogue.put(item("Song", kind="music", audio="song.opus", sentences=()), part)
    assert not list(own.folder.glob(".*"))
    with Library(own) as library:
        song = library.get("song")
        whole, _, ended = library.read(song, 0, 10_000)
        assert ended
        first, _, ended = library.read(song, 0, 2500)
        assert not ended
        rest, rate, ended = library.read(song, 2500, 10_000)
        assert ended
    assert rate == 48_000
    assert np.abs(np.concatenate([first, rest]).astype(int) - whole).max() <= 16


def test_starter_is_added_once_and_what_was_removed_stays_away(starter_files: Path, tmp_path: Path) -> None:
    settings = LibrarySettings(folder=tmp_path / "library", starter_folder=CONFIG)
    settings.folder.mkdir()
    for path in starter_files.iterdir():
        (settings.folder / path.name).write_bytes(path.read_bytes())
    with Library(settings) as library:
        count = len(library.items())
        assert count >= 14
        assert library.install_starter() == 0
        Catalogue(settings.folder).remove("starter-ode-to-joy")
        (settings.folder / "starter-london-bridge.opus").unlink()
        assert library.refresh()
        assert library.install_starter() == 1, "the missing sound is rendered again, the removed piece is not"
        assert len(library.items()) == count - 1
    without = settings.model_copy(update={"starter": False})
    with Library(without) as library:
        assert library.items() == []
        assert library.install_starter() == 0


def test_a_bad_starter_file_does_not_stop_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tunes = tmp_path / "config" / "tunes"
    tunes.mkdir(parents=True)
    (tunes / "bad.yaml").write_text("title: Bad\nmelody: H5\n")
    good = "title: Good\norigin: here\ntempo: 120\nbeats: 2\nmelody: C5 D5\nchords: C\nrepeat: 1\n"
    (tunes / "good.yaml").write_text(good)
    with Library(LibrarySettings(folder=tmp_path / "library", starter_folder=tmp_path / "config")) as library:
        assert library.install_starter() == 1
        assert [one.id for one in library.items("music", "de")] == ["starter-good"]
        assert "bad.yaml" in caplog.text
        (tunes / "good.yaml").write_text(good.replace("D5", "E5"))
        assert library.install_starter() == 1, "what was changed is rendered anew"


def test_several_threads_may_use_it(own: LibrarySettings, item: Make) -> None:
    catalogue, failures = Catalogue(own.folder), []
    with Library(own) as library:

        def work(number: int) -> None:
            try:
                for turn in range(5):
                    catalogue.put(item(f"Story {number} {turn}"))
                    library.refresh()
                    library.search(f"story {number} {turn}")
            except Exception as error:  # noqa: BLE001 -- a thread's failure must reach the test
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        library.refresh()
        assert len(library.items()) == 20
    assert failures == []


def test_settings_fill_in_places_and_reject_what_does_not_fit(tmp_path: Path) -> None:
    ours = LibrarySettings.of(Settings(data_dir=tmp_path))
    assert (ours.folder, ours.qdrant_path) == (tmp_path / "library", tmp_path / "qdrant")
    server = LibrarySettings.of(Settings(library={"qdrant_url": "http://qdrant:6333", "qdrant_api_key": 12345}))
    assert server.qdrant_path is None
    assert "12345" not in repr(server)
    with pytest.raises(SettingsError, match="exclude"):
        LibrarySettings.of(Settings(library={"qdrant_url": "http://qdrant:6333", "qdrant_path": "here"}))
    with pytest.raises(SettingsError, match=r"qdrnt_path"):
        LibrarySettings.of(Settings(library={"qdrnt_path": "here"}))
