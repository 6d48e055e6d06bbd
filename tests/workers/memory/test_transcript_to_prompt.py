import asyncio
import logging
from typing import Any

import pytest

from hub import logs, topics
from hub.messages import Action, Done, Prompt, Transcript
from hub.settings import Settings
from hub.stage import Replica, Stage, run_worker
from hub.store import Store
from hub.topics import matches
from tests.memory_broker import MemoryBroker
from workers.memory import done_to_memory
from workers.memory.engine import Engine
from workers.memory.transcript_to_prompt import STAGE, handle


async def _ask(engine: Engine, text: str, turn: int = 50) -> Prompt:
    (prompt,) = [prompt async for prompt in handle(Transcript(device="bear", turn=turn, text=text), engine)]
    return prompt


async def _turn(engine: Engine, turn: int, said: str, heard: str, *actions: Action) -> None:
    done = Done(device="bear", turn=turn, outcome="answered", said=said, heard=heard, actions=list(actions))
    await engine.learn(done)


async def test_the_prompt_of_a_toy_that_is_new(engine: Engine) -> None:
    prompt = await _ask(engine, "hello")
    assert (prompt.persona.id, prompt.child, prompt.memories, prompt.recalled) == ("bear", "", [], [])
    assert prompt.local_time == "2030-03-05T14:30:00+01:00"
    assert [message.role for message in prompt.chat] == ["system", "user"]
    assert prompt.chat[-1].content == "[It is Tuesday, 5 March 2030, 14:30.]\nhello"


async def test_what_was_told_is_known(engine: Engine, store: Store) -> None:
    await store.devices.seen("bear")
    await store.devices.set_persona("bear", "robot")
    await _turn(engine, 1, "remember", "Okay.", Action(name="remember", slots={"fact": "my dog is called max"}))
    await _turn(engine, 2, "my name is mia", "Hi Mia.", Action(name="my_name", slots={"name": "Mia"}))
    prompt = await _ask(engine, "do you know what my dog is called")
    assert (prompt.persona.id, prompt.child, prompt.last_reply) == ("robot", "Mia", "Hi Mia.")
    assert [fact.text for fact in prompt.memories] == ["my dog is called max"]
    assert prompt.recalled == prompt.memories
    assert [message.content for message in prompt.chat[1:-1]] == ["remember", "Okay.", "my name is mia", "Hi Mia."]


async def test_asking_changes_nothing(engine: Engine, store: Store) -> None:
    assert (await _ask(engine, "hello")) == (await _ask(engine, "hello"))
    assert await store.devices.list() == []


async def test_a_long_talk_keeps_its_beginning(engine: Engine) -> None:
    """history_turns is 3: the chat begins anew every third turn and is only added to in between."""
    before: list[Any] = []
    jumps = []
    for turn in range(1, 31):
        chat = (await _ask(engine, "and now", turn)).chat[:-1]
        if before and chat[: len(before)] != before:
            jumps.append(turn)
        before = chat
        await _turn(engine, turn, f"said {turn}", f"heard {turn}")
    assert jumps == list(range(7, 31, 3))


class _Slow(Engine):
    """An engine whose disk takes its time."""

    async def learn(self, done: Done) -> None:
        await asyncio.sleep(0.05)
        await super().learn(done)


async def test_a_turn_that_is_done_is_in_the_prompt_of_the_next(engine: Engine, memory_broker: MemoryBroker) -> None:
    """Though Done waits for a slot behind Dones of other toys and is slow, and the transcript could go at once."""
    slow = _Slow(engine._store, engine.settings, engine._clock)
    stages: list[Stage[Any, Any]] = [done_to_memory.STAGE, STAGE]
    async with memory_broker.connect() as bus, asyncio.TaskGroup() as tasks:
        for stage in stages:
            tally = logs.Tally(logging.getLogger(), "")
            replica = Replica(stage, slow, bus, tasks, name="one", concurrency=1, tally=tally)
            await bus.subscribe(replica.filter, replica.take)
        for device in ("fox", "owl", "bear"):
            await bus.publish(Done(device=device, turn=1, outcome="answered", said="one", heard="two"))
        await bus.publish(Transcript(device="bear", turn=2, text="and now"))
        await asyncio.sleep(0.02)
        async with asyncio.timeout(5):
            while bus.unacked:
                await asyncio.sleep(0.01)
    packets = [packet for packet in memory_broker.log if matches(topics.PROMPT.filter, packet.topic)]
    (prompt,) = [Prompt.decode(packet.topic, packet.payload) for packet in packets]
    assert [message.content for message in prompt.chat[1:-1]] == ["one", "two"]


async def test_the_worker_runs_both_stages_on_one_store(settings: Settings, memory_broker: MemoryBroker) -> None:
    stop = asyncio.Event()
    async with memory_broker.connect() as bus, asyncio.TaskGroup() as tasks:
        tasks.create_task(run_worker("memory", settings, stop, memory_broker.connect), name="worker")
        async with asyncio.timeout(10):
            while not any(packet.topic.startswith("workers/") for packet in memory_broker.log):
                await asyncio.sleep(0.01)
            done = Done(device="bear", turn=1, outcome="answered", said="one", heard="two")
            for message in (done, done, Transcript(device="bear", turn=2, text="and now")):
                await bus.publish(message)
            while not (found := [p for p in memory_broker.log if matches(topics.PROMPT.filter, p.topic)]):
                await asyncio.sleep(0.01)
        stop.set()
    prompt = Prompt.decode(found[0].topic, found[0].payload)
    assert [message.content for message in prompt.chat[1:-1]] == ["one", "two"]


@pytest.mark.parametrize("stage", [STAGE, done_to_memory.STAGE])
def test_a_device_stays_at_its_replica(stage: Stage[Any, Any]) -> None:
    assert stage.dispatch == "affine"
    assert stage.in_order is not None
