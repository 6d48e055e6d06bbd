"""What the project relies on from a broker: the same tests on the one in memory and on a real Mosquitto."""

import asyncio
import contextlib
import random
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub import bus
from hub.broker import mosquitto_binary, write_conf
from hub.bus import Bus, Delivery
from hub.errors import BrokerError
from hub.messages import Packet, Presence, State, Text, UpAudio, UtteranceFile
from hub.settings import BrokerSettings
from tests.memory_broker import MemoryBroker

SOON_S = 5.0
"""Longer than anything takes; a test that waits so long has failed."""


class Inbox:
    """A handler that keeps what it got."""

    def __init__(self, *, ack: bool = True) -> None:
        self.got: list[Delivery] = []
        self._ack = ack
        self._more = asyncio.Event()

    def __call__(self, delivery: Delivery) -> None:
        self.got.append(delivery)
        if self._ack:
            delivery.ack()
        self._more.set()

    @property
    def payloads(self) -> list[bytes]:
        return [delivery.payload for delivery in self.got]

    async def until(self, payload: bytes) -> list[bytes]:
        """Wait for a payload; everything before it has come by then."""
        async with asyncio.timeout(SOON_S):
            while payload not in self.payloads:
                self._more.clear()
                await self._more.wait()
        return self.payloads


Connect = Callable[..., contextlib.AbstractAsyncContextManager[Bus]]


@pytest.fixture(params=["memory", pytest.param("mosquitto", marks=pytest.mark.broker)])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Opens a bus on a broker."""
    if request.param == "memory":
        broker = MemoryBroker()
        return lambda name="test", **options: broker.connect(None, name, **options)
    address: BrokerSettings = request.getfixturevalue("mosquitto")
    return lambda name="test", **options: bus.connect(address, name, **options)


@pytest.fixture
def toy() -> str:
    """A device that no other test has: a broker remembers what is retained."""
    return f"t{random.randbytes(6).hex()}"


def text(device: str, words: str) -> Text:
    return Text(device=device, text=words)


def up(device: str, what: str) -> str:
    return f"toys/{device}/up/{what}"


async def test_a_message_arrives_as_it_was_sent(connect: Connect, toy: str) -> None:
    inbox = Inbox()
    async with connect() as one, connect() as two:
        await one.subscribe(up(toy, "text"), inbox)
        await two.publish(text(toy, "Grüße"))
        await inbox.until("Grüße".encode())
    assert [(d.topic, d.retain) for d in inbox.got] == [(up(toy, "text"), False)]


async def test_who_publishes_hears_it_too(connect: Connect, toy: str) -> None:
    inbox = Inbox()
    async with connect() as one:
        await one.subscribe(up(toy, "text"), inbox)
        await one.publish(text(toy, "to myself"))
        await inbox.until(b"to myself")


async def test_wildcards_match_what_they_should_and_no_more(connect: Connect, toy: str) -> None:
    texts, all_of_toy = Inbox(), Inbox()
    async with connect() as one, connect() as two, connect() as three:
        await one.subscribe("toys/+/up/text", texts)
        await two.subscribe(f"toys/{toy}/#", all_of_toy)
        await three.publish(text(f"{toy}x", "another toy"), State(device=toy, state="idle"), text(toy, "last"))
        await texts.until(b"last")
        await all_of_toy.until(b"last")
    mine = [d.topic for d in texts.got if toy in d.topic]
    assert mine == [up(f"{toy}x", "text"), up(toy, "text")]
    assert [d.topic for d in all_of_toy.got] == [f"toys/{toy}/state", up(toy, "text")]


@pytest.mark.parametrize("qos", [0, 1])
async def test_order_is_kept(connect: Connect, toy: str, qos: int) -> None:
    inbox = Inbox()
    async with connect() as one, connect() as two:
        await one.subscribe(up(toy, "#"), inbox, qos=qos)
        for number in range(100):
            await two.publish(UpAudio(toy, 1, number, 0, 0, b"") if qos == 0 else text(toy, str(number)))
        await two.publish(text(toy, "last"))
        await inbox.until(b"last")
    wanted = [UpAudio(toy, 1, n, 0, 0, b"").encode().payload if qos == 0 else str(n).encode() for n in range(100)]
    assert inbox.payloads == [*wanted, b"last"]


async def test_messages_published_at_once_keep_their_order(connect: Connect, toy: str) -> None:
    inbox = Inbox()
    async with connect() as one, connect() as two:
        await one.subscribe(up(toy, "#"), inbox)
        mixed = [UpAudio(toy, 1, n, 0, 0, b"x") if n % 3 else text(toy, f"n{n}") for n in range(60)]
        await two.publish(*mixed, text(toy, "last"))
        await inbox.until(b"last")
    assert inbox.payloads == [message.encode().payload for message in mixed] + [b"last"]


async def test_a_shared_subscription_hands_each_message_to_one_in_turn(connect: Connect, toy: str) -> None:
    first, second, plain = Inbox(), Inbox(), Inbox()
    async with connect() as one, connect() as two, connect() as three, connect() as sender:
        shared = f"$share/stt/{up(toy, 'text')}"
        await one.subscribe(shared, first)
        await two.subscribe(shared, second)
        await three.subscribe(up(toy, "text"), plain)
        for number in range(10):
            await sender.publish(text(toy, str(number)))
        await plain.until(b"9")
        async with asyncio.timeout(SOON_S):
            while len(first.got) + len(second.got) < 10:
                await asyncio.sleep(0.001)
    assert len(plain.got) == 10
    assert (len(first.got), len(second.got)) == (5, 5)
    assert sorted(first.payloads + second.payloads) == sorted(plain.payloads)


async def test_a_member_that_leaves_a_group_gets_no_more(connect: Connect, toy: str) -> None:
    gone, there = Inbox(), Inbox()
    shared = f"$share/stt/{up(toy, 'text')}"
    async with connect() as one, connect() as two:
        await one.subscribe(shared, gone)
        await two.subscribe(shared, there)
        await one.unsubscribe(shared)
        for number in range(6):
            await two.publish(text(toy, str(number)))
        await there.until(b"5")
    assert len(there.got) == 6
    assert gone.got == []


class TestRetained:
    async def test_state_reaches_who_comes_later(self, connect: Connect, toy: str) -> None:
        early, late = Inbox(), Inbox()
        async with connect() as one, connect() as two:
            await one.subscribe(up(toy, "presence"), early)
            await one.publish(Presence(device=toy, text="offline"))
            await one.publish(Presence(device=toy, text="online"))
            await early.until(b"online")
            await two.subscribe(up(toy, "+"), late)
            await late.until(b"online")
        assert [d.retain for d in early.got] == [False, False]
        assert [(d.payload, d.retain) for d in late.got] == [(b"online", True)]

    async def test_what_is_not_state_does_not(self, connect: Connect, toy: str) -> None:
        inbox = Inbox()
        async with connect() as one:
            await one.publish(text(toy, "before"))
            await one.subscribe(up(toy, "text"), inbox)
            await one.publish(text(toy, "after"))
            assert await inbox.until(b"after") == [b"after"]

    async def test_an_empty_payload_removes_it(self, connect: Connect, toy: str) -> None:
        inbox = Inbox()
        async with connect() as one, connect() as two:
            await one.publish(Presence(device=toy, text="online"), text(toy, "x"))
            await one.publish(Empty(toy))
            await two.subscribe(up(toy, "#"), inbox)
            await one.publish(text(toy, "last"))
            assert await inbox.until(b"last") == [b"last"]


class Empty(UpAudio):
    """A retained presence without content: forget it."""

    def __init__(self, device: str) -> None:
        super().__init__(device, 0, 0, 0, 0, b"")

    def encode(self) -> Packet:
        return Packet(up(self.device, "presence"), b"", 1, True)


class TestLastWill:
    async def test_of_who_fails_is_published(self, connect: Connect, toy: str) -> None:
        inbox = Inbox()
        async with connect() as watcher:
            await watcher.subscribe(up(toy, "presence"), inbox)
            with pytest.raises((ZeroDivisionError, ExceptionGroup)):  # noqa: PT012 - all of it is the end of one block
                async with connect(will=Presence(device=toy, text="offline")) as one:
                    await one.publish(Presence(device=toy, text="online"))
                    _ = 1 / 0
            assert await inbox.until(b"offline") == [b"online", b"offline"]

    async def test_of_who_is_cancelled_is_published(self, connect: Connect, toy: str) -> None:
        inbox, there = Inbox(), asyncio.Event()

        async def work() -> None:
            async with connect(will=Presence(device=toy, text="offline")):
                there.set()
                await asyncio.Event().wait()

        async with connect() as watcher:
            await watcher.subscribe(up(toy, "presence"), inbox)
            task = asyncio.create_task(work(), name="work")
            await there.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await inbox.until(b"offline")

    async def test_of_who_dies_of_a_handler_is_published(self, connect: Connect, toy: str) -> None:
        inbox = Inbox()
        async with connect() as watcher:
            await watcher.subscribe(up(toy, "presence"), inbox)
            with pytest.raises((ValueError, ExceptionGroup)):  # noqa: PT012 - as above
                async with connect(will=Presence(device=toy, text="offline")) as one:
                    await one.subscribe(up(toy, "text"), broken)
                    await watcher.publish(text(toy, "x"))
                    await asyncio.sleep(SOON_S)
            await inbox.until(b"offline")

    async def test_of_who_leaves_politely_is_not(self, connect: Connect, toy: str) -> None:
        inbox = Inbox()
        async with connect() as watcher:
            await watcher.subscribe(up(toy, "#"), inbox)
            async with connect(will=Presence(device=toy, text="offline")) as one:
                await one.publish(Presence(device=toy, text="online"))
            await watcher.publish(text(toy, "last"))
            assert await inbox.until(b"last") == [b"online", b"last"]


def broken(_: Delivery) -> None:
    raise ValueError("a bug in a handler")


async def test_a_bug_in_a_handler_ends_the_connection_loudly(connect: Connect, toy: str) -> None:
    with pytest.raises((ValueError, ExceptionGroup)) as raised:  # noqa: PT012 - as above
        async with connect() as one:
            await one.subscribe(up(toy, "text"), broken)
            await one.publish(text(toy, "x"))
            await asyncio.sleep(SOON_S)
            pytest.fail("nobody noticed")
    assert "a bug in a handler" in repr(raised.value)


async def test_after_unsubscribe_nothing_more_comes(connect: Connect, toy: str) -> None:
    inbox, all_of_toy = Inbox(), Inbox()
    async with connect() as one, connect() as two:
        await one.subscribe(up(toy, "text"), inbox)
        await two.subscribe(up(toy, "#"), all_of_toy)
        await two.publish(text(toy, "before"))
        await inbox.until(b"before")
        await one.unsubscribe(up(toy, "text"))
        await two.publish(text(toy, "after"))
        await all_of_toy.until(b"after")
    assert inbox.payloads == [b"before"]


async def test_an_acknowledgement_may_be_given_twice_and_late(connect: Connect, toy: str) -> None:
    inbox = Inbox(ack=False)
    async with connect() as one:
        await one.subscribe(up(toy, "text"), inbox)
        await one.publish(text(toy, "first"), text(toy, "second"))
        await inbox.until(b"second")
        for delivery in [*inbox.got, *reversed(inbox.got)]:
            delivery.ack()
        await one.publish(text(toy, "third"))
        await inbox.until(b"third")
    for delivery in inbox.got:
        delivery.ack()
    assert inbox.payloads == [b"first", b"second", b"third"]


async def test_who_connects_greets(connect: Connect, toy: str) -> None:
    inbox = Inbox()

    async def greet(on: Bus) -> None:
        await on.publish(Presence(device=toy, text="online"))

    async with connect() as watcher:
        await watcher.subscribe(up(toy, "presence"), inbox)
        async with connect(greet=greet):
            await inbox.until(b"online")


async def test_a_large_message_arrives_whole(connect: Connect, toy: str) -> None:
    inbox, data = Inbox(), random.randbytes(1_000_000)
    async with connect() as one:
        await one.subscribe(up(toy, "utterance"), inbox)
        await one.publish(UtteranceFile(device=toy, data=data))
        assert await inbox.until(data) == [data]


async def test_the_broker_in_memory_knows_what_is_not_acknowledged(memory_broker: MemoryBroker, toy: str) -> None:
    inbox = Inbox(ack=False)
    async with memory_broker.connect() as one:
        await one.subscribe(up(toy, "#"), inbox)
        await one.publish(text(toy, "first"), UpAudio(toy, 1, 0, 0, 0, b""), text(toy, "second"))
        await inbox.until(b"second")
        assert one.unacked == {inbox.got[0], inbox.got[2]}
        inbox.got[0].ack()
        assert one.unacked == {inbox.got[2]}


class Broker:
    """A Mosquitto of our own, which may be killed and started again."""

    def __init__(self, settings: BrokerSettings, folder: Path) -> None:
        self.settings, self._folder = settings, folder
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns when it listens."""
        self._run()
        async with asyncio.timeout(SOON_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection(self.settings.host, self.settings.port)
                except OSError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    return

    def _run(self) -> None:
        conf = write_conf(self.settings, self._folder)
        conf.write_text(conf.read_text().replace("persistence true", "persistence false"))
        self._process = subprocess.Popen([mosquitto_binary(), "-c", str(conf)], stderr=subprocess.DEVNULL)

    def freeze(self) -> None:
        """Take connections, answer nothing."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Without a word to anybody."""
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@pytest.fixture
def own_broker(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Broker]:
    try:
        mosquitto_binary()
    except BrokerError as error:
        pytest.skip(str(error))
    broker = Broker(BrokerSettings(port=free_port()), tmp_path)
    yield broker
    broker.kill()


async def gone(connection: Any) -> None:
    """Wait until a bus has noticed."""
    async with asyncio.timeout(SOON_S):
        while connection._connected.is_set():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def on(broker: Broker, greet: Callable[[Bus], Awaitable[None]] | None = None) -> AsyncIterator[bus.MqttBus]:
    async with bus.connect(broker.settings, "test", greet=greet) as connection:
        yield connection


@pytest.mark.broker
class TestWhenTheBrokerDies:
    async def test_everything_is_subscribed_to_again_and_greeted_again(self, own_broker: Broker, toy: str) -> None:
        await own_broker.start()
        plain, shared, left, greetings = Inbox(), Inbox(), Inbox(), list[bool]()

        async def greet(_: Bus) -> None:
            greetings.append(True)

        async with on(own_broker, greet) as one:
            await one.subscribe(up(toy, "text"), plain)
            await one.subscribe("$share/stt/toys/+/up/text", shared)
            await one.subscribe(up(toy, "presence"), left)
            own_broker.kill()
            await gone(one)
            await one.unsubscribe(up(toy, "presence"))
            meanwhile = Inbox()
            await one.subscribe(up(toy, "audio"), meanwhile)
            await own_broker.start()
            await one.publish(Presence(device=toy, text="online"), text(toy, "again"))
            await one.publish(UpAudio(toy, 1, 0, 0, 0, b"x"))
            await meanwhile.until(UpAudio(toy, 1, 0, 0, 0, b"x").encode().payload)
            await plain.until(b"again")
        assert left.got == []
        assert shared.payloads + plain.payloads in ([b"again"], [b"again", b"again"])
        assert greetings == [True, True]

    async def test_qos_1_waits_and_qos_0_does_not(self, own_broker: Broker, toy: str) -> None:
        await own_broker.start()
        inbox = Inbox()
        async with on(own_broker) as one:
            await one.subscribe(up(toy, "#"), inbox)
            own_broker.kill()
            await gone(one)
            waiting = asyncio.create_task(one.publish(text(toy, "waits")), name="waits")
            async with asyncio.timeout(0.05):
                await one.publish(UpAudio(toy, 1, 0, 0, 0, b"lost"))
            assert not waiting.done()
            await own_broker.start()
            await waiting
            assert await inbox.until(b"waits") == [b"waits"]

    async def test_qos_1_that_was_on_its_way_is_sent_again(self, own_broker: Broker, toy: str) -> None:
        await own_broker.start()
        inbox = Inbox()
        async with on(own_broker) as one:
            await one.subscribe(up(toy, "text"), inbox)
            own_broker.freeze()
            sending = asyncio.create_task(one.publish(text(toy, "on its way")), name="sending")
            await asyncio.sleep(0)
            own_broker.kill()
            await own_broker.start()
            async with asyncio.timeout(SOON_S):
                await sending
            await inbox.until(b"on its way")

    async def test_a_late_acknowledgement_harms_nobody(self, own_broker: Broker, toy: str) -> None:
        await own_broker.start()
        inbox = Inbox(ack=False)
        async with on(own_broker) as one:
            await one.subscribe(up(toy, "text"), inbox)
            await one.publish(text(toy, "old"))
            await inbox.until(b"old")
            own_broker.kill()
            await gone(one)
            await own_broker.start()
            await one.publish(text(toy, "new"))
            await inbox.until(b"new")
            inbox.got[0].ack()
            inbox.got[1].ack()
            await one.publish(text(toy, "newer"))
            assert await inbox.until(b"newer") == [b"old", b"new", b"newer"]

    async def test_a_greeting_that_is_cut_off_does_not_hold_up_the_next(self, own_broker: Broker, toy: str) -> None:
        await own_broker.start()
        greetings, release = list[int](), asyncio.Event()

        async def greet(connection: Bus) -> None:
            greetings.append(1)
            if len(greetings) == 2:
                own_broker.kill()
                release.set()
            await connection.publish(Presence(device=toy, text="online"))

        async with on(own_broker, greet) as one:
            own_broker.kill()
            await gone(one)
            await own_broker.start()
            await release.wait()
            await gone(one)
            await own_broker.start()
            async with asyncio.timeout(SOON_S):
                while len(greetings) < 3:
                    await asyncio.sleep(0.01)
                await one.publish(text(toy, "there"))

    async def test_a_subscription_made_while_connecting_is_not_forgotten(self, own_broker: Broker, toy: str) -> None:
        await own_broker.start()
        early, late, left = Inbox(), Inbox(), Inbox()
        async with on(own_broker) as one:
            await one.subscribe(up(toy, "event"), early)
            await one.subscribe(up(toy, "presence"), left)
            own_broker.kill()
            await gone(one)
            await own_broker.start()
            async with asyncio.timeout(SOON_S):
                while one._client is None or one._connected.is_set():
                    await asyncio.sleep(0)
                assert not one._connected.is_set()
                await one.subscribe(up(toy, "text"), late)
                await one.unsubscribe(up(toy, "presence"))
            await one.publish(Presence(device=toy, text="online"), text(toy, "heard"))
            await late.until(b"heard")
        assert left.got == []

    async def test_who_waits_too_long_is_told(self, own_broker: Broker) -> None:
        with pytest.raises((BrokerError, ExceptionGroup)) as raised:
            async with bus.connect(own_broker.settings, "test", patience_s=0.2):
                pytest.fail("there is no broker")
        assert f"no MQTT broker at {own_broker.settings.host}" in repr(raised.value)


@pytest.mark.broker
async def test_no_more_than_receive_max_is_at_work(mosquitto: BrokerSettings, toy: str) -> None:
    inbox = Inbox(ack=False)
    async with bus.connect(mosquitto, "worker", receive_max=2) as one, bus.connect(mosquitto, "sender") as two:
        await one.subscribe(up(toy, "#"), inbox)
        for number in range(5):
            await two.publish(text(toy, str(number)))
        sentinel = UpAudio(toy, 1, 0, 0, 0, b"overtakes what waits")
        await two.publish(sentinel)
        await inbox.until(sentinel.encode().payload)
        assert [d.payload for d in inbox.got if len(d.payload) == 1] == [b"0", b"1"]
        inbox.got[0].ack()
        await inbox.until(b"2")
        assert b"3" not in inbox.payloads
