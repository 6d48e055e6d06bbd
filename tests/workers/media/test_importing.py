"""A person's own folder is taken in: what can be used is used, the rest is named."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.workers.media.conftest import Samples
from workers.media import importing
from workers.media.catalogue import Catalogue
from workers.media.library import Library
from workers.media.settings import LibrarySettings
from workers.media.tools.library import app

Write = Callable[..., Path]
RUN = CliRunner()


@pytest.fixture
def folder(tmp_path: Path, melody: Samples, write_audio: Write) -> Path:
    """A folder as people have them."""
    at = tmp_path / "Own Sounds"
    write_audio(at / "EN/Music/01 - moon_song.wav", melody, "pcm_s16le")
    write_audio(at / "EN/Music/02.mp3", melody[10_000:], "libmp3lame", title="Sun Song", artist="Aunt Ida", album="Sky")
    write_audio(at / "Stories/de/Der Bär.m4a", melody[20_000:], "aac")
    write_audio(at / "Stories/de/Der Fuchs.ogg", melody[30_000:], "libopus")
    write_audio(at / "river.flac", melody[40_000:], "flac")
    write_audio(at / "copy/river again.flac", melody[40_000:], "flac", title="Another name")
    (at / "Stories/en").mkdir()
    (at / "Stories/en/hat.txt").write_text("The Hat\n\nThere was a hat. It was red.\n", encoding="utf-8")
    (at / "cover.jpg").write_bytes(b"\xff\xd8\xff")
    return at


@pytest.fixture
def broken(folder: Path, tmp_path: Path, melody: Samples, write_audio: Write) -> dict[str, str]:
    """Files in the folder that cannot be used, and what is said of each."""
    (folder / "empty.mp3").touch()
    (folder / "noise.ogg").write_bytes(np.random.default_rng(1).bytes(9000))
    (folder / "list.mp3").write_text("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
    (folder / "zeros.txt").write_bytes(b"\0\1\2")
    (folder / "EN/Music/words.txt").write_text("Sun Song\n\nShine on.\n")
    (folder / "README.md").write_text("About\n\nNot a story.\n")
    (folder / "title only.md").write_text("# Just a title\n")
    write_audio(folder / "click.wav", melody[:4800], "pcm_s16le")
    secret = tmp_path / "secret.txt"
    secret.write_text("Secret\n\nNot for toys.")
    (folder / "link.txt").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    with (folder / "huge.wav").open("wb") as huge:
        huge.truncate(3 * 2**30)
    return {
        "empty.mp3": "empty", "noise.ogg": "", "list.mp3": "", "zeros.txt": "not a text", "click.wav": "shorter",
        "words.txt": "a text among music", "title only.md": "no story", "link.txt": "a link",
        "huge.wav": "larger than 2048 MB",
    }  # fmt: skip


def take_in(folder: Path, catalogue: Catalogue) -> list[importing.Outcome]:
    return [importing.take_in(one, catalogue, lambda _: None) for one in importing.candidates(folder, None, "en")]


def test_a_folder_is_taken_in(folder: Path, tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "library")
    outcomes = take_in(folder, catalogue)
    assert [outcome.reason for outcome in outcomes if outcome.reason] == []
    found = {item.title: (item.kind, item.language, item.duration_ms) for item in catalogue.scan().values()}
    assert found.keys() == {"Moon song", "Sun Song", "Der Bär", "Der Fuchs", "The Hat", "River"}
    assert found["Moon song"] == ("music", "en", 7000)
    assert found["Der Bär"][:2] == ("story", "de")
    assert found["The Hat"] == ("story", "en", 0)
    assert sum(bool(outcome.duplicate) for outcome in outcomes) == 1
    with Library(LibrarySettings(folder=tmp_path / "library")) as library:
        (hit,) = library.search("sun song", limit=1)
        assert (hit.item.author, hit.item.topics) == ("Aunt Ida", ("Sky", "Aunt Ida"))
        assert library.search("aunt ida", limit=1)[0].item == hit.item
        samples, rate, _ = library.read(hit.item, 1000, 1000)
        assert (rate, len(samples)) == (48_000, 48_000)
        assert np.abs(samples).max() > 5000
        hat = library.search("the hat")[0].item
        assert library.sentences(hat, 0, 9) == (["There was a hat.", "It was red."], True)


def test_taking_in_again_adds_nothing(folder: Path, tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "library")
    take_in(folder, catalogue)
    before = {path.name: path.stat().st_mtime_ns for path in catalogue.folder.iterdir()}
    assert all(outcome.duplicate for outcome in take_in(folder, catalogue))
    assert {path.name: path.stat().st_mtime_ns for path in catalogue.folder.iterdir()} == before


def test_what_cannot_be_used_is_named(folder: Path, broken: dict[str, str], tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "library")
    skipped = {o.path.name: o.reason for o in take_in(folder, catalogue) if o.reason}
    assert skipped.keys() == broken.keys()
    for name, reason in broken.items():
        assert reason in skipped[name]
    assert len(catalogue.scan()) == 6
    written = {path.suffix for path in catalogue.folder.iterdir()}
    assert written == {".json", ".opus"}, "nothing half written is left"
    assert all("Secret" not in path.read_text() for path in catalogue.folder.glob("*.json"))


@pytest.fixture
def toyhub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Runs a command on an empty library."""
    monkeypatch.setenv("TOYHUB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> tuple[int, str]:
        result = RUN.invoke(app, words)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


def test_commands_from_adding_to_removing(
    folder: Path, broken: dict[str, str], toyhub: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    with Library(LibrarySettings(folder=tmp_path / "data/library", qdrant_path=tmp_path / "data/qdrant")) as worker:
        code, said = toyhub("add", str(folder))
        assert (code, "6 added, 1 already there, 9 skipped" in said) == (0, True), said
        for name in broken:
            assert re.search(rf"skipped .*{re.escape(name)}: ", said)
        assert worker.refresh(), "while the worker holds the index"
        assert worker.search("der fuchs")

        code, said = toyhub("list", "--kind", "story")
        assert code == 0
        assert ("Der Bär" in said, "Moon song" in said) == (True, False)

        code, said = toyhub("search", "the moom song")
        assert (code, "moon-song-" in said) == (0, True)
        assert toyhub("search", "xylophone quartet")[0] == 1

        code, said = toyhub("search", "moon song", "--limit", "1")
        (id_,) = re.findall(r"moon-song-[0-9a-f]{8}", said)
        assert toyhub("remove", id_)[0] == 0
        assert worker.refresh()
        assert worker.search("moon song") == []
        assert not list((tmp_path / "data/library").glob(f"{id_}*"))


def test_a_folder_with_nothing_in_it_is_a_failure(toyhub: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    code, said = toyhub("add", str(tmp_path / "nothing"))
    assert (code, "0 added" in said) == (1, True)
