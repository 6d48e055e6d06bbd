"""mosquitto/mosquitto.conf at work in a real Mosquitto: quick, and not to be knocked over."""

import asyncio
import contextlib
import itertools
import socket
import statistics
import time
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hub import broker, bus
from hub.messages import Sentence, Text
from hub.settings import BrokerSettings

pytestmark = pytest.mark.broker

_NODELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
_CONF = Path(__file__).parents[2] / "mosquitto" / "mosquitto.conf"


def client(to: BrokerSettings, **options: object) -> aiomqtt.Client:
    return aiomqtt.Client(
        to.host, to.port, protocol=aiomqtt.ProtocolVersion.V5, socket_options=_NODELAY, **options  # type: ignore[arg-type]
    )  # fmt: skip


async def test_a_chain_of_four_hops_at_qos_1_is_not_delayed(mosquitto: BrokerSettings) -> None:
    """Without no-delay on both ends 84 ms; a ping-pong between two would hide it."""
    took: list[float] = []
    arrived = asyncio.Event()
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        buses = [await stack.enter_async_context(bus.connect(mosquitto, f"hop{i}")) for i in range(5)]
        first = Sentence(device="chain", turn=0, index=0, text="x")

        def forward(hop: int) -> bus.Handler:
            def handler(delivery: bus.Delivery) -> None:
                message = Sentence.decode(delivery.topic, delivery.payload)
                onward = message.model_copy(update={"turn": message.turn + 1})
                task = tasks.create_task(buses[hop].publish(onward), name=f"hop-{hop}")
                task.add_done_callback(lambda _: delivery.ack())

            return handler

        def end(delivery: bus.Delivery) -> None:
            delivery.ack()
            arrived.set()

        for hop in range(1, 4):
            await buses[hop].subscribe(Sentence.topic.only(device="chain", turn=str(hop - 1)), forward(hop))
        await buses[4].subscribe(Sentence.topic.only(device="chain", turn="3"), end)
        for _ in range(30):
            arrived.clear()
            began = time.perf_counter()
            await buses[0].publish(first)
            async with asyncio.timeout(5):
                await arrived.wait()
            took.append((time.perf_counter() - began) * 1000)
    assert statistics.median(took) < 30, f"{statistics.median(took):.1f} ms"  # about 3 idle; 84 without no-delay


async def test_a_message_of_50_mb_is_refused_and_the_broker_lives(mosquitto: BrokerSettings) -> None:
    async with client(mosquitto) as witness:
        await witness.subscribe("big/#")
        reader, writer = await asyncio.open_connection(mosquitto.host, mosquitto.port)
        writer.write(broker._connect_packet(mosquitto))
        await reader.readexactly(4)
        writer.write(b"\x30" + broker._length(50_000_000) + b"\x00\x05big/x\x00")
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):  # a reset and an orderly end are both a refusal
                for _ in range(50):
                    writer.write(b"x" * 1_000_000)
                    await writer.drain()
                await reader.read()
        writer.close()
        await witness.publish("big/after", b"still here", qos=1)
        message = await asyncio.wait_for(anext(aiter(witness.messages)), 5)
        assert str(message.topic) == "big/after"


async def test_half_a_minute_of_sound_passes(mosquitto: BrokerSettings) -> None:
    sound = bytes(30 * 22_050 * 2 + 44)
    async with client(mosquitto) as on:
        await on.subscribe("toys/wav/up/utterance", qos=1)
        await on.publish("toys/wav/up/utterance", sound, qos=1)
        message = await asyncio.wait_for(anext(aiter(on.messages)), 10)
        assert message.payload == sound


async def test_the_limit_is_told(mosquitto: BrokerSettings) -> None:
    answer = await broker.ask(mosquitto)
    assert answer == broker.Answer("welcome", max_packet_size=2 * 1024 * 1024)


async def test_a_worker_may_hold_more_than_twenty_jobs(mosquitto: BrokerSettings) -> None:
    held: list[bus.Delivery] = []
    full = asyncio.Event()

    def hold(delivery: bus.Delivery) -> None:
        held.append(delivery)
        if len(held) == 60:
            full.set()

    async with bus.connect(mosquitto, "holder") as on:
        await on.subscribe(Text.topic.only(device="held"), hold)
        for _ in range(60):
            await on.publish(Text(device="held", text="x"))
        async with asyncio.timeout(5):
            await full.wait()
        for delivery in held:
            delivery.ack()


async def test_what_waits_for_a_sleeper_is_bounded(mosquitto: BrokerSettings) -> None:
    """A client that is away gets what fits; the broker keeps no more than max_queued_messages or max_queued_bytes."""
    keep = {"identifier": "sleeper", "clean_start": False, "properties": _lasting()}
    async with client(mosquitto, **keep) as sleeper:
        await sleeper.subscribe("heap/#", qos=1)
    async with client(mosquitto) as on:
        for _ in range(120):
            await on.publish("heap/x", bytes(1_000_000), qos=1)
    count = 0
    async with client(mosquitto, **keep) as sleeper:
        with contextlib.suppress(TimeoutError):
            while True:
                await asyncio.wait_for(anext(aiter(sleeper.messages)), 2)
                count += 1
    assert 40 < count < 90  # 64 MiB waiting, 16 MiB in flight
    async with client(mosquitto, identifier="sleeper", clean_start=True):
        pass


def _lasting() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 600
    return properties


def test_without_a_password_it_listens_on_this_machine_only() -> None:
    lines = [line for line in _CONF.read_text().splitlines() if line and not line.startswith("#")]
    listeners = [line for line in lines if line.startswith("listener ")]
    assert "allow_anonymous true" in lines
    assert listeners == ["listener 1883 127.0.0.1"]


def test_every_limit_has_its_reason() -> None:
    lines = _CONF.read_text().splitlines()
    for above, line in itertools.pairwise(lines):
        if line.startswith(("max_", "set_tcp", "persistent_client")):
            assert above.startswith(("#", "max_queued_messages")), f"{line}: no comment above it"


def test_the_rendered_file_keeps_everything_but_the_address(tmp_path: Path) -> None:
    folder = tmp_path / "with a space"
    rendered = broker.write_conf(BrokerSettings(host="localhost", port=1999), folder).read_text().splitlines()
    given = _CONF.read_text().splitlines()
    changed = [new for old, new in zip(given, rendered, strict=False) if old != new]
    assert changed == ["listener 1999 localhost"]
    assert f"persistence_location {folder}/" in rendered[len(given) :]


