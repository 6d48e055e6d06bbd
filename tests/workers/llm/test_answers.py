from typing import Any

import pytest
import yaml

from hub.lines import load_lines
from hub.messages import ChatMessage, Fact, Place
from hub.settings import config_dir
from tests.workers.llm.builders import BEAR, SONG, STORY, prompt, short
from workers.llm.answers import ANSWERS, answer, respond
from workers.llm.intents import Intent, Intents

LINES = load_lines("en")
FACTS = [Fact(id=1, text="my dog is called Rex"), Fact(id=2, text="I like apples.")]
MANY = [Fact(id=n, text=f"I have {n} marbles") for n in range(9)]
AFTERNOON = "2026-03-02T15:40:00+01:00"
TOWEL = "What gets wetter the more it dries?"


@pytest.fixture(scope="module")
def intents() -> Intents:
    return Intents.load(config_dir() / "intents", "en")


def answered(name: str, slots: dict[str, str | int] | None = None, **fields: Any) -> list[Any]:
    return short(answer(Intent(name, slots or {}), prompt(**fields), LINES))


def names_in_config() -> set[str]:
    files = (config_dir() / "intents" / "en").glob("*.yaml")
    return {name for file in files for name in yaml.safe_load(file.read_text()).get("intents") or {}}


def test_every_intent_has_an_answer() -> None:
    assert names_in_config() - {"chat"} == ANSWERS.keys()


@pytest.mark.parametrize("playing", [None, SONG, STORY])
@pytest.mark.parametrize("name", ANSWERS)
def test_no_answer_is_silent_or_badly_numbered(name: str, playing: Place | None) -> None:
    slots: dict[str, str | int] = {
        "title": "x",
        "level": 30,
        "to": 12,
        "name": "Max",
        "fact": "x",
        "topic": "x",
        "what": "x",
    }
    assert answered(name, slots, playing=playing, was_playing=playing is not None)


HANDED_ON: list[tuple[str, dict[str, str | int], dict[str, Any], tuple[str, dict[str, str | int]]]] = [
    ("play", {"title": "humpty dumpty"}, {}, ("play", {"title": "humpty dumpty"})),
    ("play_kind", {"kind": "song"}, {}, ("play", {"kind": "song"})),
    ("play_kind", {}, {}, ("play", {"kind": "anything"})),
    ("story", {}, {}, ("story", {})),
    ("story", {"topic": "a dragon"}, {}, ("story", {"topic": "a dragon"})),
    ("story", {"title": "the three bears"}, {}, ("story", {"title": "the three bears"})),
    ("resume", {}, {"playing": SONG}, ("play", {"item": "twinkle", "position": 9000})),
    ("resume", {}, {"playing": STORY}, ("story", {"item": "three-bears", "position": 7})),
    ("again", {}, {"playing": STORY}, ("story", {"item": "three-bears", "position": 0})),
    ("next", {}, {"playing": SONG}, ("play", {"after": "twinkle", "kind": "music"})),
    ("next", {}, {}, ("play", {"kind": "anything"})),
]


@pytest.mark.parametrize(("name", "slots", "fields", "request_"), HANDED_ON)
def test_what_media_goes_on_with_is_all_there_is(
    name: str, slots: dict[str, str | int], fields: dict[str, Any], request_: tuple[str, dict[str, str | int]]
) -> None:
    assert answered(name, slots, **fields) == [request_]


def test_nothing_to_go_on_with() -> None:
    nothing = ["There is nothing to go on with.", "You can say: play some music."]
    assert answered("resume") == answered("again") == nothing


def test_again_is_about_what_was_heard_last() -> None:
    joke = ["A stick!", "Ha."]
    song = [("play", {"item": "twinkle", "position": 0})]
    assert answered("again", last_reply="A stick! Ha.") == joke
    assert answered("again", last_reply="A stick! Ha.", playing=SONG) == joke
    assert answered("again", last_reply="A stick! Ha.", playing=SONG, was_playing=True) == song
    assert answered("again", last_reply="Here is Twinkle.", playing=SONG) == song


def test_volume() -> None:
    assert answered("louder", turn=1)[0] == ("louder", {})
    assert answered("volume", {"level": 250})[0] == ("volume", {"level": 100})
    assert isinstance(answered("quieter")[1], str)


def test_music_goes_on_after_a_change_of_volume_without_a_word() -> None:
    assert answered("louder", playing=SONG, was_playing=True) == [
        ("louder", {}),
        ("play", {"item": "twinkle", "position": 9000, "quiet": 1}),
    ]


def test_a_story_goes_on_after_a_question_in_passing() -> None:
    got = answered("time", playing=STORY, was_playing=True, local_time=AFTERNOON)
    resume = ("story", {"item": "three-bears", "position": 7, "quiet": 1})
    assert got == ["It is twenty to four in the afternoon.", resume]


@pytest.mark.parametrize("name", ["pause", "stop", "goodbye", "joke", "riddle"])
def test_what_ends_the_music(name: str) -> None:
    got = answered(name, playing=SONG, was_playing=True)
    assert not any(part[0] == "play" for part in got if isinstance(part, tuple))


def test_stop_says_a_word_first() -> None:
    assert answered("stop") in ([word, ("stop", {})] for word in ("Okay.", "All right."))


def test_the_clock() -> None:
    assert answered("day", local_time=AFTERNOON) == ["Today is Monday, the second of March."]
    assert answered("time") == answered("day") == ["I have no clock right now.", "A grown-up can tell you."]


def test_counting() -> None:
    assert answered("count", {"to": 12})[:3] == [
        "One, two, three, four, five.", "Six, seven, eight, nine, ten.", "Eleven, twelve.",
    ]  # fmt: skip
    assert len(answered("count", {"to": 1_000_000})) <= 22


def test_the_name() -> None:
    assert answered("my_name", {"name": "anna lena"})[0] == ("my_name", {"name": "Anna Lena"})
    assert answered("remember", {"fact": "my name is max"})[0] == ("my_name", {"name": "Max"})
    for odd in ("not important", "12", "x and i am five years old"):
        assert not any(isinstance(part, tuple) for part in answered("my_name", {"name": odd}))


def test_a_fact_is_kept_in_the_childs_words_and_said_back_turned_round() -> None:
    request_, said = answered("remember", {"fact": "my dog is called Rex."})
    assert request_ == ("remember", {"fact": "my dog is called Rex"})
    assert said.endswith(": your dog is called Rex.")


def test_endless_talk_is_no_fact() -> None:
    assert not any(isinstance(part, tuple) for part in answered("remember", {"fact": "blah " * 100}))


def test_what_the_toy_knows() -> None:
    got = " ".join(answered("know_me", child="Mia", memories=FACTS))
    assert got.index("Mia") < got.index("you like apples") < got.index("your dog is called Rex")
    assert "You can say: remember" in " ".join(answered("know_me"))
    assert len(answered("know_me", memories=MANY)) == 6


def test_what_the_toy_knows_about_something() -> None:
    assert [part[-22:] for part in answered("know", {"topic": "my dogs"}, memories=FACTS)] == [
        "your dog is called Rex."[-22:]
    ]
    assert "your cat" in answered("know", {"topic": "my cat"}, memories=FACTS)[0]
    assert "Mia" in answered("know", {"topic": "my name"}, child="Mia")[0]


def test_forgetting_names_what_goes() -> None:
    assert answered("forget", {"what": "my dog"}, memories=FACTS) == [
        "I am forgetting this now: your dog is called Rex.", ("forget", {"what": "my dog is called Rex", "id": 1}),
    ]  # fmt: skip
    assert answered("forget", {"what": "my cat"}, memories=FACTS) == ["I did not know anything about your cat anyway."]
    assert answered("forget", {"what": "my name"}, child="Mia")[-1] == ("forget", {"what": "my name"})


def test_forgetting_everything_is_announced_first_so_that_it_can_be_interrupted() -> None:
    *said, request_ = answered("forget_everything", memories=FACTS)
    assert request_ == ("forget", {"what": "all"})
    assert "everything" in " ".join(said)


def test_jokes_do_not_come_again_while_they_are_remembered() -> None:
    chat: list[ChatMessage] = []
    told = set()
    for turn in range(len(LINES.lines["joke"])):
        joke = " ".join(answered("joke", turn=turn, chat=chat))
        chat += [ChatMessage(role="user", content="a joke"), ChatMessage(role="assistant", content=joke)]
        told.add(joke)
    assert len(told) == len(LINES.lines["joke"])


def test_the_same_message_gets_the_same_answer() -> None:
    for name in ("joke", "riddle", "hello"):
        assert answered(name) == answered(name)
    assert len({tuple(answered("joke", turn=turn)) for turn in range(40)}) > 10


def test_every_riddle_is_open_after_it_was_asked_and_after_a_wrong_guess(intents: Intents) -> None:
    for turn in range(100):
        asked = " ".join(answered("riddle", turn=turn))
        reply = respond(prompt("a purple cucumber", last_reply=asked), intents, LINES)
        assert reply is not None
        again = " ".join(short(reply))  # type: ignore[arg-type]
        assert LINES.riddle_in(asked) == LINES.riddle_in(again) is not None


def guessed(text: str, intents: Intents, **fields: Any) -> list[Any] | None:
    reply = respond(prompt(text, last_reply=f"Here is a riddle. {TOWEL}", **fields), intents, LINES)
    return None if reply is None else short(reply)


@pytest.mark.parametrize("text", ["a towel", "Towel!", "is it the towl", "I think it's a towel", "um a wet towel"])
def test_right(text: str, intents: Intents) -> None:
    assert "It is a towel." in (guessed(text, intents) or [])
    assert "It is a towel." in (guessed(text, intents, source="open", confidence=0.2) or [])


@pytest.mark.parametrize("text", ["a tower", "a dog", "I don't know"])
def test_wrong(text: str, intents: Intents) -> None:
    assert (guessed(text, intents) or [""])[-1] == TOWEL


def test_a_guess_that_may_be_misheard_is_not_called_wrong(intents: Intents) -> None:
    got = guessed("a dog", intents, source="open", confidence=0.2) or []
    assert got[-1] == TOWEL
    assert any(word in " ".join(got) for word in ("not sure", "slow ears"))


def test_a_command_is_no_guess_and_talk_is_none_either(intents: Intents) -> None:
    assert guessed("play some music", intents) == [("play", {"kind": "music"})]
    assert guessed("today we went to the zoo and saw a lion", intents) is None
    assert "It is a towel." in (guessed("I give up", intents) or [])


def test_number_riddle(intents: Intents) -> None:
    reply = respond(prompt("12", last_reply="How many months have twenty-eight days?"), intents, LINES)
    assert "It is all twelve of them." in short(reply or [])


@pytest.mark.parametrize("riddle", LINES.riddles, ids=lambda r: r.answer)
def test_each_answer_of_a_riddle_is_right(riddle: Any, intents: Intents) -> None:
    for text in (riddle.answer, *riddle.accept):
        reply = respond(prompt(text, last_reply=riddle.question), intents, LINES)
        assert any(riddle.answer in part for part in short(reply or []))


def test_no_riddle_was_asked() -> None:
    assert answered("riddle_answer")[0] == "I have not asked you a riddle yet."


@pytest.mark.parametrize("fields", [{"source": "open"}, {"confidence": 0.3, "source": "model"}])
def test_a_text_that_may_be_wrong_triggers_nothing(fields: dict[str, Any], intents: Intents) -> None:
    for text in ("play humpty dumpty", "forget everything", "louder", "my name is max"):
        assert respond(prompt(text, **fields), intents, LINES) is None


def test_no_words(intents: Intents) -> None:
    got = short(respond(prompt(" … "), intents, LINES) or [])
    assert len(got) == 2
    with_music = short(respond(prompt("", was_playing=True, playing=SONG), intents, LINES) or [])
    assert with_music[-1] == ("play", {"item": "twinkle", "position": 9000, "quiet": 1})


def test_the_persona_speaks_with_its_own_lines() -> None:
    pirate = BEAR.model_copy(update={"lines": {"hello": ["Ahoy {name}!", "Ahoy from {toy}!"]}})
    assert answered("hello", persona=pirate) == ["Ahoy from Bruno!"]
    assert {answered("hello", persona=pirate, child="Mia", turn=turn)[0] for turn in range(20)} == {
        "Ahoy Mia!", "Ahoy from Bruno!",
    }  # fmt: skip
    assert "Bruno" in " ".join(answered("who_are_you", persona=pirate))
