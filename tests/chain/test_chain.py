"""The whole chain, in memory and on a real Mosquitto: the ordered list of events is compared with a snapshot."""

from collections.abc import Callable
from typing import Any

import pytest

from hub import bus
from hub.messages import Control, Done, Reply, State, Text
from hub.settings import BrokerSettings, LimitSettings, Settings
from hub.topics import every_topic
from tests.chain.house import Log, house
from tests.memory_broker import MemoryBroker

Connect = Callable[..., Any]
DEVICE = "bear"
NOUNS = [topic.filter for topic in every_topic().values() if topic.filter.startswith(("turns/", "leases/"))]


@pytest.fixture(params=["memory", pytest.param("mosquitto", marks=pytest.mark.broker)])
def place(request: pytest.FixtureRequest, settings: Settings) -> tuple[Settings, Connect]:
    """Settings and a way to connect: the same suite runs on both brokers."""
    quiet = settings.model_copy(update={"library": {"starter": False}, "limits": LimitSettings(burst=1000)})
    if request.param == "memory":
        return quiet, MemoryBroker().connect
    broker: BrokerSettings = request.getfixturevalue("mosquitto")
    return quiet.model_copy(update={"broker": broker}), bus.connect


def told(seen: list[Any], device: str = DEVICE) -> list[str]:
    """What happened to one toy, without ids, times and sounds: topic's last level, and what matters of the content."""
    lines: list[str] = []
    for delivery in seen:
        levels = delivery.topic.split("/")
        if levels[1] != device:
            continue
        noun = levels[-1]
        match noun:
            case "control":
                noun += f" {Control.decode(delivery.topic, delivery.payload).control}"
            case "state":
                noun += f" {State.decode(delivery.topic, delivery.payload).state}"
            case "done":
                noun += f" {Done.decode(delivery.topic, delivery.payload).outcome}"
        if not lines or lines[-1] != noun or noun != "audio":
            lines.append(noun)
    return lines


async def ask(on: bus.Bus, text: str, log: Log) -> Done:
    before = len(log.seen)
    await on.publish(Text(device=DEVICE, text=text))
    over = await log.until(lambda d: d.topic.endswith("/done") and d in log.seen[before:])
    return Done.decode(over.topic, over.payload)


CHAIN = [
    "transcript", "prompt", "sentence", "speech", "done answered",
]  # fmt: skip
TOY = ["state thinking", "transcript", "control play", "state speaking", "audio", "reply", "control done", "state idle"]


async def test_a_typed_question_goes_through_the_chain_in_order(place: tuple[Settings, Connect]) -> None:
    settings, connect = place
    chain, toy = Log(), Log()
    async with house(settings, connect, ["memory", "llm", "tts"]) as on:
        await on.subscribe("turns/#", chain.take)
        await on.subscribe(f"toys/{DEVICE}/#", toy.take)
        done = await ask(on, "who are you", chain)
        await toy.until(lambda d: d.topic == State.topic.format(device=DEVICE) and b'"idle"' in d.payload)
    assert done.said == "who are you"
    assert done.heard
    seen = told(chain.seen)
    once = list(dict.fromkeys(seen))
    assert once == CHAIN
    assert sorted(told(toy.seen)) == sorted(["text", *TOY])
    assert [line for line in told(toy.seen) if line.startswith(("control", "audio", "reply", "state"))] == [
        line for line in TOY if line != "transcript"
    ]


async def test_what_it_was_told_is_remembered_after_a_restart(place: tuple[Settings, Connect]) -> None:
    settings, connect = place
    for text, wanted in (("my name is Ada", ""), ("what do you know about me", "ada")):
        log = Log()
        async with house(settings, connect, ["memory", "llm", "tts"]) as on:
            await on.subscribe(Done.topic.filter, log.take)
            done = await ask(on, text, log)
        assert done.outcome == "answered"
        assert wanted in done.heard.lower()


async def test_without_a_worker_the_child_hears_an_apology(place: tuple[Settings, Connect]) -> None:
    settings, connect = place
    hasty = settings.model_copy(update={"turn": settings.turn.model_copy(update={"answer_s": 0.3})})
    log = Log()
    async with house(hasty, connect, ["memory", "tts"]) as on:
        await on.subscribe("turns/#", log.take)
        heard = Log()
        await on.subscribe(f"toys/{DEVICE}/#", heard.take)
        done = await ask(on, "who are you", log)
    assert (done.outcome, done.code) == ("failed", "late")
    assert "audio" in told(heard.seen)
    reply = next(d for d in heard.seen if d.topic == Reply.topic.format(device=DEVICE))
    assert Reply.decode(reply.topic, reply.payload).code == "late"
