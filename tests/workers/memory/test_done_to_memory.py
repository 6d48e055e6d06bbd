from typing import Any

import pytest

from hub.messages import Action, Done, Place
from hub.store import Store
from tests.workers.memory.conftest import Clock
from workers.memory.done_to_memory import STAGE, handle
from workers.memory.engine import Engine

FOX = Place(item="fox", title="The Fox", kind="story", position=4)


def _done(turn: int = 1, **fields: Any) -> Done:
    return Done(**{"device": "bear", "turn": turn, "outcome": "answered", "said": "hello", "heard": "Hi!", **fields})


def _action(name: str, /, **slots: str | int) -> dict[str, Any]:
    return {"said": f"do {name}", "actions": [Action(name=name, slots=slots)]}


async def _tell(engine: Engine, *dones: Done) -> None:
    for done in dones:
        assert [message async for message in handle(done, engine)] == []


async def _history(store: Store) -> list[tuple[str, str]]:
    return [(turn.said, turn.heard) for turn in await store.history.recent("bear", 99)]


async def _facts(store: Store) -> list[str]:
    return [fact.text for fact in await store.memories.facts("bear")]


def test_a_cancelled_turn_is_remembered_all_the_same() -> None:
    assert not STAGE.cancellable


async def test_what_was_said_and_heard_is_kept(engine: Engine, store: Store) -> None:
    await _tell(engine, _done(1), _done(2, outcome="interrupted", said="a story", heard="Once upon"))
    assert await _history(store) == [("hello", "Hi!"), ("a story", "Once upon")]


@pytest.mark.parametrize("outcome", ["failed", "nothing-said"])
async def test_a_turn_that_came_to_nothing_leaves_no_history(engine: Engine, store: Store, outcome: str) -> None:
    await _tell(engine, _done(1, outcome=outcome), _done(2, outcome=outcome, actions=[Action(name="louder")]))
    assert await _history(store) == []
    assert await store.history.last_heard("bear") == ""


async def test_a_device_that_never_said_hello_is_remembered_too(engine: Engine, store: Store) -> None:
    await _tell(engine, _done())
    device = await store.devices.get("bear")
    assert device
    assert (device.approved, device.last_seen_ms) == (False, None)


async def test_facts_and_the_name(engine: Engine, store: Store) -> None:
    await _tell(
        engine,
        _done(1, **_action("remember", fact="my dog is called max")),
        _done(2, outcome="interrupted", heard="", **_action("my_name", name="Mia")),
        _done(3, outcome="failed", **_action("remember", fact="i like apples")),
        _done(4, **_action("remember")),
        _done(5, **_action("play", title="twinkle")),
    )
    assert await _facts(store) == ["my dog is called max", "i like apples"]
    assert await store.memories.child("bear") == "Mia"


async def test_a_turn_that_arrives_again_does_nothing(engine: Engine, store: Store) -> None:
    remember = _done(2, **_action("remember", fact="i like apples"))
    forget = _done(3, **_action("forget", what="apples"))
    await _tell(engine, _done(1), remember, _done(1), remember)
    assert await _history(store) == [("hello", "Hi!"), ("do remember", "Hi!")]
    await _tell(engine, forget, remember)
    assert await _facts(store) == []
    await _tell(engine, _done(4, **_action("remember", fact="i like apples")), forget)
    assert await _facts(store) == ["i like apples"]


async def test_what_is_forgotten_is_forgotten_in_the_history_too(engine: Engine, store: Store) -> None:
    await _tell(
        engine,
        _done(1, **{**_action("remember", fact="my dog is called max"), "said": "remember my dog is called max"}),
        _done(2, said="tell me a joke", heard="No."),
        _done(3, said="what is my dog called", heard="Your dog is called Max."),
    )
    fact = (await store.memories.facts("bear"))[0]
    await _tell(engine, _done(4, said="forget my dog", heard="I forget: your dog is called max.",
                              actions=[Action(name="forget", slots={"what": fact.text, "id": fact.id})]))  # fmt: skip
    assert await _facts(store) == []
    assert await _history(store) == [("tell me a joke", "No.")]
    assert await store.history.last_heard("bear") == "No."


async def test_forgetting_by_words_and_by_name(engine: Engine, store: Store) -> None:
    await _tell(
        engine,
        _done(1, **_action("my_name", name="Mia")),
        _done(2, **_action("remember", fact="my cat is called tom")),
        _done(3, said="who am i", heard="You are Mia."),
        _done(4, said="who is tom", heard="Your cat."),
        _done(5, **_action("forget", what="my name")),
        _done(6, **_action("forget", what="my cat")),
    )
    assert await _facts(store) == []
    assert await store.memories.child("bear") == ""
    assert "Mia" not in str(await _history(store))
    assert "tom" not in str(await _history(store))


@pytest.mark.parametrize("slots", [{"all": 1}, {"what": "all"}, {"what": "everything"}])
async def test_forgetting_everything(engine: Engine, store: Store, slots: dict[str, str | int]) -> None:
    await _tell(
        engine,
        _done(1, place=FOX, **_action("my_name", name="Mia")),
        _done(2, **_action("remember", fact="i like apples")),
        _done(3, **_action("forget", **slots)),
    )
    known = await engine.known("bear", "apples")
    assert (known.child, known.facts, known.recalled, known.history, known.last_reply) == ("", [], [], [], "")
    assert known.playing is None


async def test_the_place_is_kept(engine: Engine, store: Store) -> None:
    await _tell(engine, _done(1, outcome="interrupted", heard="", place=FOX), _done(2))
    stopped = await store.playing.last("bear")
    assert stopped
    assert (stopped.place, stopped.ended) == (FOX, False)
    await _tell(engine, _done(3, place=FOX, place_ended=True))
    stopped = await store.playing.last("bear")
    assert stopped
    assert stopped.ended


@pytest.mark.parametrize(
    ("ended", "waited_s", "expected"), [(False, 0, True), (False, 59, True), (False, 61, False), (True, 1, False)]
)
async def test_whether_it_was_playing(
    engine: Engine, clock: Clock, ended: bool, waited_s: float, expected: bool
) -> None:
    assert not (await engine.known("bear", "")).was_playing
    await _tell(engine, _done(1, place=FOX, place_ended=ended))
    clock.wait(waited_s)
    known = await engine.known("bear", "")
    assert (known.was_playing, known.playing) == (expected, FOX)


async def test_only_so_much_is_kept(engine: Engine, store: Store) -> None:
    for turn in range(20):
        await _tell(engine, _done(turn, **_action("remember", fact=f"fact {turn}")))
    assert len(await _facts(store)) == 4
    assert len(await _history(store)) == 6  # twice the turns of a prompt, more than keep_turns


async def test_all_of_a_turn_or_nothing(engine: Engine, store: Store) -> None:
    await store._database.execute("DROP TABLE playing")
    with pytest.raises(Exception, match="SQLITE_ERROR"):
        await _tell(engine, _done(1, place=FOX, **_action("remember", fact="i like apples")))
    assert (await _history(store), await _facts(store)) == ([], [])


async def test_what_was_stopped_before_something_else_was_said_does_not_go_on_by_itself(engine: Engine) -> None:
    await _tell(engine, _done(1, outcome="interrupted", place=FOX))
    assert (await engine.known("bear", "")).was_playing
    await _tell(engine, _done(2, outcome="interrupted", said="", heard=""))
    assert (await engine.known("bear", "")).was_playing, "a press that came to nothing changes nothing"
    await _tell(engine, _done(3, said="stop", actions=[Action(name="stop")]))
    known = await engine.known("bear", "")
    assert (known.was_playing, known.playing) == (False, FOX)
