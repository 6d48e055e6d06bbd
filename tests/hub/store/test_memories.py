import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as configure
from hypothesis import strategies as st

from hub.store import Store

FACTS = ("my dog is called max", "my cat is called tom", "i like strawberries", "my brother is called ben",
         "grandma lives by the sea", "I am afraid of thunder")  # fmt: skip


@pytest.fixture
async def told(store: Store) -> Store:
    for fact in FACTS:
        await store.memories.add("bear", fact, keep=100)
    return store


async def _texts(store: Store, device: str = "bear") -> list[str]:
    return [fact.text for fact in await store.memories.facts(device)]


async def _recall(store: Store, said: str, limit: int = 4, device: str = "bear") -> list[str]:
    return [fact.text for fact in await store.memories.recall(await store.memories.facts(device), said, limit)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("do you know what my dog is called", "my dog is called max"),
        ("what's my dog's name", "my dog is called max"),
        ("do dogs bark", "my dog is called max"),
        ("can I have a strawberry?", "i like strawberries"),
        ("who lives at the sea", "grandma lives by the sea"),
        ("BEN", "my brother is called ben"),
    ],
)
async def test_recall_finds_what_was_said_is_about(told: Store, said: str, expected: str) -> None:
    assert (await _recall(told, said))[0] == expected


async def test_recall_is_by_relevance_not_by_age(told: Store) -> None:
    for n in range(50):
        await told.memories.add("bear", f"today i saw {n} birds", keep=100)
    assert await _recall(told, "what do you know about my dog max") == ["my dog is called max"]


async def test_a_fact_with_more_of_the_words_comes_first(store: Store) -> None:
    for fact in ("i have a red ball", "i have a red car", "my ball is at school"):
        await store.memories.add("bear", fact, keep=9)
    assert (await _recall(store, "where is my red ball"))[0] == "i have a red ball"


@pytest.mark.parametrize(
    "said", ["", " ", "do you know me", '"', "*", "🐶", "NEAR", "a OR b", "()", "text:dog -", "'; --"]
)
async def test_nothing_is_recalled_for_no_words_and_nothing_breaks(told: Store, said: str) -> None:
    assert set(await _recall(told, said)) <= {"my dog is called max"}


@configure(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@given(said=st.text())
async def test_whatever_is_said_is_harmless(told: Store, said: str) -> None:
    await told.memories.recall(await told.memories.facts("bear"), said, 4)
    await told.history.forget("bear", [said])


async def test_no_more_than_asked_for(told: Store) -> None:
    assert len(await _recall(told, "dog cat strawberries ben", limit=2)) == 2
    assert await _recall(told, "dog", limit=0) == []


async def test_no_device_sees_memories_of_another(told: Store) -> None:
    await told.memories.add("fox", "my dog is called rex", keep=9)
    assert await _recall(told, "my dog") == ["my dog is called max"]
    assert await _recall(told, "my dog", device="fox") == ["my dog is called rex"]
    assert await _recall(told, "strawberries", device="fox") == []
    assert await told.memories.forget("fox", "strawberries") == []
    await told.memories.forget_everything("fox")
    assert await _texts(told) == list(FACTS)
    mine = (await told.memories.facts("bear"))[0]
    await told.memories.forget_fact("fox", mine.id)
    assert len(await _texts(told)) == len(FACTS)


async def test_a_fact_told_twice_is_kept_once(store: Store) -> None:
    await store.memories.add("bear", "i like apples", keep=9)
    before = await store.memories.facts("bear")
    await store.memories.add("bear", " I  like apples! ", keep=9)
    assert await store.memories.facts("bear") == before


async def test_a_later_fact_about_the_same_replaces_the_earlier(store: Store) -> None:
    await store.memories.add("bear", "my favourite colour is blue", keep=9)
    await store.memories.add("bear", "i like apples", keep=9)
    await store.memories.add("bear", "my favourite colour is red", keep=9)
    assert await _texts(store) == ["i like apples", "my favourite colour is red"]
    assert await _recall(store, "blue") == []


async def test_the_oldest_facts_go_first(store: Store) -> None:
    for n in range(10):
        await store.memories.add("bear", f"fact {n}", keep=4)
    assert await _texts(store) == ["fact 6", "fact 7", "fact 8", "fact 9"]
    assert await _recall(store, "fact 2") == await _recall(store, "fact")


async def test_a_fact_is_one_short_line(store: Store) -> None:
    await store.memories.add("bear", "i\nlike\tapples", keep=9)
    await store.memories.add("bear", "x" * 500, keep=9)
    await store.memories.add("bear", " ... ", keep=9)
    assert await _texts(store) == ["i like apples", "x" * 200]


async def test_forgetting_by_words(told: Store) -> None:
    assert await told.memories.forget("bear", "about my dog") == ["my dog is called max"]
    assert await told.memories.forget("bear", "that I like strawberry") == ["i like strawberries"]
    assert await told.memories.forget("bear", "my dog max") == []
    assert await told.memories.forget("bear", "that my brother likes the sea") == []
    assert await told.memories.forget("bear", "it") == []
    assert await _texts(told) == [FACTS[1], *FACTS[3:]]
    assert await _recall(told, "dog") == []


async def test_forgetting_a_name_forgets_nothing_else(told: Store) -> None:
    await told.memories.add("bear", "my cat's name is lily", keep=9)
    await told.memories.add("bear", "i am called mia", keep=9)
    await told.memories.set_child("bear", "Mia")
    assert await told.memories.forget("bear", "my name") == ["i am called mia", "Mia"]
    assert await told.memories.child("bear") == ""
    assert await _texts(told) == [FACTS[0], *FACTS[2:], "my cat's name is lily"]
    assert await told.memories.forget("bear", "my name") == []


async def test_forgetting_everything(told: Store) -> None:
    await told.memories.set_child("bear", "Mia")
    await told.memories.forget_everything("bear")
    assert await _texts(told) == []
    assert await told.memories.child("bear") == ""
    await told.memories.add("bear", "i like apples", keep=9)
    assert await _recall(told, "apples") == ["i like apples"]


async def test_what_is_forgotten_is_not_in_the_file(told: Store) -> None:
    await told.memories.add("bear", "zanzibar is where we live", keep=99)
    await told.memories.forget("bear", "zanzibar")
    await told._database._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"zanzibar" not in told._database._path.read_bytes()


async def test_the_name_of_the_child(store: Store) -> None:
    assert await store.memories.child("bear") == ""
    await store.memories.set_child("bear", " Mia. ")
    await store.memories.set_child("fox", "Ben")
    await store.memories.set_child("bear", "?!")
    assert await store.memories.child("bear") == "Mia"
