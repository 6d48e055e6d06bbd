"""What a text means: as typed by a person, written by a speech model, or heard by the grammar."""

from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.settings import config_dir
from workers.llm.intents import Intent, Intents


@pytest.fixture(scope="module")
def intents() -> Intents:
    return Intents.load(config_dir() / "intents", "en")


MEANT: list[tuple[str, str, dict[str, str | int]]] = [
    ("Play some music.", "play_kind", {"kind": "music"}),
    ("play something", "play_kind", {"kind": "anything"}),
    ("Could you sing me a song, please?", "play_kind", {"kind": "song"}),
    ("Play Humpty Dumpty, please!", "play", {"title": "Humpty Dumpty"}),
    ("play it again", "again", {}),
    ("play that song again", "again", {}),
    ("PAUSE", "pause", {}),
    ("go on", "resume", {}),
    ("stop the music", "stop", {}),
    ("next song", "next", {}),
    ("a bit louder please", "louder", {}),
    ("turn it down", "quieter", {}),
    ("volume 5", "volume", {"level": 50}),
    ("volume five", "volume", {"level": 50}),
    ("volume 0", "volume", {"level": 0}),
    ("volume ten", "volume", {"level": 100}),
    ("set the volume to 10%", "volume", {"level": 10}),
    ("set the volume to ten percent", "volume", {"level": 10}),
    ("volume 11", "volume", {"level": 11}),
    ("volume thirty five", "volume", {"level": 35}),
    ("full volume", "volume", {"level": 100}),
    ("Tell me a story", "story", {}),
    ("tell me a story about a brave little dragon", "story", {"topic": "a brave little dragon"}),
    ("Read me the story of The Three Bears", "story", {"title": "The Three Bears"}),
    ("read me Cinderella", "story", {"title": "Cinderella"}),
    ("do you know a joke?", "joke", {}),
    ("ask me a riddle", "riddle", {}),
    ("I give up!", "riddle_answer", {}),
    ("count to 20", "count", {"to": 20}),
    ("count to twenty-five", "count", {"to": 25}),
    ("What’s the time?", "time", {}),
    ("what day is it today", "day", {}),
    ("What is your name?", "who_are_you", {}),
    ("help", "what_can_you_do", {}),
    ("My name is Anna-Lena.", "my_name", {"name": "Anna-Lena"}),
    ("hi, i'm max", "my_name", {"name": "max"}),
    ("my name is Please", "my_name", {"name": "Please"}),
    ("Remember that my dog is called Rex", "remember", {"fact": "my dog is called Rex"}),
    ("remember my favorite color is red", "remember", {"fact": "my favorite color is red"}),
    ("What do you know about me?", "know_me", {}),
    ("what's my name", "know_me", {}),
    ("what do you know about my dog", "know", {"topic": "my dog"}),
    ("do you know what my favourite food is", "know", {"topic": "my favourite food"}),
    ("forget my birthday", "forget", {"what": "my birthday"}),
    ("forget everything", "forget_everything", {}),
    ("forget everything about me", "forget_everything", {}),
    ("Good night!", "goodbye", {}),
    ("say that again please", "repeat", {}),
    ("what did you say?", "repeat", {}),
    ("hello", "hello", {}),
    ("thank you", "thanks", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name", "slots"), MEANT, ids=lambda value: value if isinstance(value, str) else "")
def test_what_a_text_means(text: str, name: str, slots: dict[str, str | int], intents: Intents) -> None:
    assert intents.match(text) == Intent(name, slots)


TALK = [
    "", " ", "please", "...", "I had pasta for lunch", "my brother plays football", "the stop sign is red",
    "play with me", "can you play with me?", "let's play hide and seek", "I'm hungry", "hi i'm hungry", "forget it",
    "do you remember when we went to the zoo", "i want my mummy", "can i have a biscuit", "where is my dog",
    "i'm max", "why is the sky blue", "the music was really loud", "volume 101", "count to 1000",
]  # fmt: skip


@pytest.mark.parametrize("text", TALK)
def test_talk_is_no_command(text: str, intents: Intents) -> None:
    assert intents.match(text) is None


def test_every_intent_is_meant_by_some_text_above(intents: Intents) -> None:
    assert {name for _, name, _ in MEANT} == set(intents.names) - {"chat"}


BROKEN = {
    "not a mapping": ("- play", "a.yaml: a mapping"),
    "no sentences": ("intents: {play: {data: [{}]}}", "a.yaml: intents.play"),
    "open bracket": ('intents: {play: {data: [{sentences: ["play (this"]}]}}', "a.yaml: intents.play"),
    "open bracket in a rule": ('expansion_rules: {ask: "(can"}', "a.yaml: expansion_rules.ask"),
    "unknown list": ('intents: {play: {data: [{sentences: ["play {song}"]}]}}', "intents.play: there is no {song}"),
    "unknown rule": ('expansion_rules: {ask: "[<who>] can"}', "a.yaml: expansion_rules.ask: there is no <who>"),
    "odd list": ("lists: {title: {}}", "a.yaml: lists.title"),
    "skip words": ("skip_words: please", "a.yaml: skip_words"),
    "not YAML": ("intents: [", "a.yaml"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_with_its_key(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        Intents.load(tmp_path, "en")
    assert message in str(caught.value)


def test_the_same_name_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / "en" / name).write_text('intents: {stop: {data: [{sentences: ["stop"]}]}}')
    with pytest.raises(SettingsError, match=r"b\.yaml: intents\.stop: is also in a\.yaml"):
        Intents.load(tmp_path, "en")


def test_a_language_without_intents(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="tlh"):
        Intents.load(tmp_path, "tlh")
