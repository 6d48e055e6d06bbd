from hub.messages import Place
from hub.store import Stopped, Store
from hub.store.history import CLIP
from tests.hub.store.conftest import Clock


async def _add(store: Store, turn: int, said: str = "hello", heard: str = "hi there", device: str = "bear") -> bool:
    return await store.history.add(device, turn, said=said, heard=heard, outcome="answered")


async def _turns(store: Store, device: str = "bear", limit: int = 99) -> list[int]:
    return [turn.turn for turn in await store.history.recent(device, limit)]


async def test_turns_come_back_oldest_first(store: Store, clock: Clock) -> None:
    for turn in (5, 6, 7):
        assert await _add(store, turn)
    recent = await store.history.recent("bear", 2)
    assert [(t.turn, t.said, t.heard, t.outcome, t.at_ms) for t in recent] == [
        (6, "hello", "hi there", "answered", clock.ms - 1), (7, "hello", "hi there", "answered", clock.ms),
    ]  # fmt: skip
    assert await _turns(store, "fox") == []


async def test_a_turn_that_arrives_twice_is_kept_once(store: Store) -> None:
    assert await _add(store, 5, heard="first")
    assert not await _add(store, 5, heard="second")
    assert await _add(store, 5, device="fox")
    assert [turn.heard for turn in await store.history.recent("bear", 9)] == ["first"]


async def test_turns_without_content_are_marks_only(store: Store) -> None:
    await _add(store, 1)
    await _add(store, 2, said="pause", heard="")
    await _add(store, 3, said="", heard="Dinner is ready")
    await _add(store, 4)
    recent = await store.history.recent("bear", 9)
    assert [(turn.turn, turn.number) for turn in recent] == [(1, 1), (4, 2)]
    assert not await _add(store, 2)


async def test_what_was_heard_last(store: Store) -> None:
    assert await store.history.last_heard("bear") == ""
    await _add(store, 1, heard="one")
    await _add(store, 2, said="", heard="Dinner is ready")
    await _add(store, 3, heard="")
    assert await store.history.last_heard("bear") == "Dinner is ready"


async def test_numbers_go_on_when_turns_are_trimmed(store: Store) -> None:
    for turn in range(10):
        await _add(store, turn, said="a" * 10, heard="b" * 5000)
        await store.history.trim("bear", 3)
    recent = await store.history.recent("bear", 9)
    assert [(turn.turn, turn.number, turn.through) for turn in recent] == [
        (turn, turn + 1, (turn + 1) * (10 + CLIP)) for turn in (7, 8, 9)
    ]


async def test_trimming_is_for_each_device(store: Store) -> None:
    for turn in range(5):
        await _add(store, turn)
        await _add(store, turn, device="fox")
    await store.history.trim("bear", 2)
    assert await _turns(store) == [3, 4]
    assert await _turns(store, "fox") == [0, 1, 2, 3, 4]


async def test_turns_about_something_are_emptied(store: Store) -> None:
    await _add(store, 1, said="my dog is called max", heard="I will remember.")
    await _add(store, 2, said="tell me a joke", heard="What do dogs eat?")
    await _add(store, 3, said="do you like max", heard="Your dog? Yes!")
    await _add(store, 3, said="my dog is called max", heard="Yes!", device="fox")
    await store.history.forget("bear", ["my dog is called max", "my name"])
    assert await _turns(store) == [2]
    assert await _turns(store, "fox") == [3]
    assert not await _add(store, 1)
    await store.history.forget("bear", ["dog"])
    assert await _turns(store) == []


async def test_forgetting_everything_still_knows_which_turns_there_were(store: Store) -> None:
    await _add(store, 1)
    await _add(store, 1, device="fox")
    await store.history.forget_everything("bear")
    assert await _turns(store) == []
    assert await store.history.last_heard("bear") == ""
    assert not await _add(store, 1)
    await _add(store, 2)
    assert [turn.number for turn in await store.history.recent("bear", 9)] == [2]
    assert await _turns(store, "fox") == [1]


async def test_the_last_place_is_kept_for_each_device(store: Store, clock: Clock) -> None:
    story = Place(item="s", title="The Fox", kind="story", position=4)
    song = Place(item="m", title="Twinkle", kind="music", position=61_000)
    assert await store.playing.last("bear") is None
    await store.playing.stopped("bear", story, ended=False)
    await store.playing.stopped("fox", story, ended=False)
    await store.playing.stopped("bear", song, ended=True)
    assert await store.playing.last("bear") == Stopped(song, ended=True, at_ms=clock.ms)
    await store.playing.forget("bear")
    assert await store.playing.last("bear") is None
    assert await store.playing.last("fox") is not None
