"""What names of files and folders and the text of a story say."""

import re

import pytest

from workers.media import naming
from workers.media.naming import Place


@pytest.mark.parametrize(
    ("folders", "place"),
    [
        (("Toys", "en", "music"), Place("music", "en")),
        (("STORIES", "De"), Place("story", "de")),
        (("Märchen", "Deutsch", "CD 1"), Place("story", "de")),
        (("pt-BR", "Songs"), Place("music", "pt")),
        (("music", "stories"), Place("story", "en")),
        (("cd", "ep", "dj"), Place("music", "en")),
    ],
)
def test_folders_say_kind_and_language(folders: tuple[str, ...], place: Place) -> None:
    assert naming.place(folders, "music", "en") == place


@pytest.mark.parametrize(
    ("stem", "title"),
    [
        ("01 - The Dragon", "The Dragon"),
        ("03_the_old_bear", "The old bear"),
        ("1-07. Moon Song", "Moon Song"),
        ("CD1 - 04 - Rain", "Rain"),
        ("Track 05 - Rain", "Rain"),
        ("3 Little Pigs", "3 Little Pigs"),
        ("99 Luftballons", "99 Luftballons"),
        ("007", "007"),
        ("___", "Untitled"),
        ("a\x07b\nc", "A b c"),
        ("Straße", "Straße"),
    ],
)
def test_a_file_name_becomes_a_title(stem: str, title: str) -> None:
    assert naming.from_file(stem) == title


@pytest.mark.parametrize(
    "title", ["../../etc/passwd", "Der Bär", "日本語", "x" * 500, "", "starter-ode-to-joy", "a.b/c\\d"]
)
def test_an_id_is_always_a_safe_file_name(title: str) -> None:
    id_ = naming.item_id(title, "0123456789abcdef")
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,79}", id_)
    assert not id_.startswith("starter")
    assert id_.endswith("-01234567")


def test_a_story_is_title_and_sentences() -> None:
    said = 'There was a bear! "Hello," said [he](http://x). "Hm?" Then he\nslept…'
    text = f"# The *Old* Bear\n\nOnce upon a time.\n{said}\n\n---\n\nEnd"
    title, sentences = naming.story(text)
    assert title == "The Old Bear"
    assert sentences == [
        "Once upon a time.", "There was a bear!", '"Hello," said he.', '"Hm?"', "Then he slept…", "End",
    ]  # fmt: skip


def test_long_sentences_are_cut_between_clauses() -> None:
    parts = naming.sentences("And then he went on, " * 30 + "x" * 500 + ".")
    assert max(map(len, parts)) <= 220
    assert parts[0].endswith(",")
    assert "".join(parts).replace(" ", "") == ("Andthenhewenton," * 30 + "x" * 500 + ".")
