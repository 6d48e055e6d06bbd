"""The starter stories: short sentences for a voice that answers fast, and words for children."""

import re
from pathlib import Path

import pytest

from tests.workers.media.conftest import CONFIG
from workers.media.items import Item
from workers.media.library import Library

PATHS = sorted((CONFIG / "stories").glob("*/*.yaml"))
# No fear without comfort, and nothing to buy.
NEVER = "kill dead die died blood gun knife hate stupid ugly monster witch devil buy money alone hell".split()


@pytest.fixture(params=PATHS, ids=[path.stem for path in PATHS])
def story(request: pytest.FixtureRequest, starter_library: Library) -> Item:
    path: Path = request.param
    return starter_library.get(f"starter-{path.stem}")


def test_a_story_is_spoken_in_two_to_four_minutes(story: Item) -> None:
    spoken = " ".join(story.sentences).split()
    assert 250 <= len(spoken) <= 450
    assert story.spoken
    assert story.kind == "story"


def test_its_sentences_are_short(story: Item) -> None:
    assert len(story.sentences) >= 20
    assert max(len(sentence) for sentence in story.sentences) <= 220
    assert all(sentence[-1] in '.!?"' for sentence in story.sentences)


def test_its_words_are_for_children(story: Item) -> None:
    said = re.findall(r"[a-z']+", " ".join(story.sentences).lower())
    assert not set(said) & set(NEVER)
    assert max(len(word) for word in said) <= 13
    assert sum(len(word) for word in said) / len(said) < 4.6


def test_its_sentences_are_its_own(story: Item, starter_library: Library) -> None:
    others = {s for other in starter_library.items("story") if other.id != story.id for s in other.sentences}
    assert not {s for s in story.sentences if len(s) > 30} & others


def test_it_says_who_wrote_it_and_for_whom(story: Item) -> None:
    assert story.author
    assert story.licence == "Apache-2.0"
    assert re.fullmatch(r"\d-\d", story.ages)
    assert len(story.topics) >= 4


def test_it_is_told_in_parts_and_resumed(story: Item, starter_library: Library) -> None:
    told: list[str] = []
    ended = False
    while not ended:
        part, ended = starter_library.sentences(story, len(told), 4)
        told += part
    assert told == list(story.sentences)
    assert starter_library.sentences(story, 999, 4) == ([], True)


def test_what_children_ask_for_is_there() -> None:
    topics = {topic for path in PATHS for topic in path.stem.split("-")}
    assert {"dragon", "whale", "bear", "rocket", "cat", "star"} <= topics
