"""The broker, and who is there."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator

from hub import bus
from hub.broker import OTHER_PORT, ask
from hub.checkup import Finding, broken, note, ok
from hub.errors import BadMessage, BrokerError
from hub.messages import HubStatus, Reply, Worker
from hub.settings import BrokerSettings, Settings
from hub.stage import stage_names

_HOPS = 4
_ROUNDS = 20
_SLOW_MS = 10.0
_RETAINED_S = 0.3
_CONF = "start it with mosquitto/mosquitto.conf (`toyhub up` does), or take over its settings"


async def look(settings: Settings) -> AsyncIterator[Finding]:
    """All findings about the broker and the processes behind it."""
    broker, where = settings.broker, f"{settings.broker.host}:{settings.broker.port}"
    answer = await ask(broker)
    if answer.kind == "nothing":
        yield note("broker", f"nothing listens on {where}", "`make run` or `toyhub up` starts it")
        return
    if answer.kind != "welcome":
        kind = "is no MQTT broker" if answer.kind == "stranger" else "does not let us in"
        yield broken("broker", f"what listens on {where} {kind} ({answer.reason})", OTHER_PORT)
        return
    yield ok("broker", f"{where} lets us in")
    wanted = int(settings.limits.utterance_s * 22_050 * 2) + 1000
    limit = answer.max_packet_size
    if limit is None:
        yield note("broker limits", "takes messages of any size: one client can fill its memory", _CONF)
    elif limit < wanted:
        yield note("broker limits", f"refuses above {limit:,} bytes; a long file needs {wanted:,}", _CONF)
    else:
        yield ok("broker limits", f"refuses messages above {limit:,} bytes")
    try:
        yield await delay(broker)
        async for finding in present(settings):
            yield finding
    except BrokerError as error:
        yield broken("broker", str(error), _CONF)


async def delay(broker: BrokerSettings) -> Finding:
    """What a hop costs in a chain at QoS 1: a single ping hides a broker that holds small packets back."""
    ms = await measure(broker) / _HOPS
    if ms >= _SLOW_MS:
        return note("broker delay", f"{ms:.0f} ms for each hop, about 1 is right", f"set_tcp_nodelay true: {_CONF}")
    return ok("broker delay", f"{ms:.1f} ms for each hop of a chain of {_HOPS} at QoS 1")


async def measure(broker: BrokerSettings) -> float:
    """Milliseconds that one message takes over four hops, median; replies of devices nobody has, so nobody acts."""
    arrived = asyncio.Event()
    took: list[float] = []
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        buses = [await stack.enter_async_context(bus.connect(broker, f"doctor-{i}")) for i in range(_HOPS + 1)]

        def hop(number: int) -> bus.Handler:
            async def onward(delivery: bus.Delivery) -> None:
                await buses[number].publish(_hop(number))
                delivery.ack()

            def handler(delivery: bus.Delivery) -> None:
                tasks.create_task(onward(delivery), name=f"doctor-hop-{number}")

            return handler

        def end(delivery: bus.Delivery) -> None:
            delivery.ack()
            arrived.set()

        for number in range(1, _HOPS):
            await buses[number].subscribe(Reply.topic.only(device=_hop(number - 1).device), hop(number))
        await buses[_HOPS].subscribe(Reply.topic.only(device=_hop(_HOPS - 1).device), end)
        for _ in range(_ROUNDS):
            arrived.clear()
            began = time.perf_counter()
            await buses[0].publish(_hop(0))
            async with asyncio.timeout(5):
                await arrived.wait()
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _hop(number: int) -> Reply:
    return Reply(device=f"doctor-hop-{number}", turn=0, text="")


async def present(settings: Settings) -> AsyncIterator[Finding]:
    """The hub and the workers that say they are there."""
    hub: list[bytes] = []
    workers: list[Worker] = []

    def hub_said(delivery: bus.Delivery) -> None:
        delivery.ack()
        hub.append(delivery.payload)

    def worker_said(delivery: bus.Delivery) -> None:
        delivery.ack()
        with contextlib.suppress(BadMessage):  # what was cleared, or is none of ours
            workers.append(Worker.decode(delivery.topic, delivery.payload))

    async with bus.connect(settings.broker, "doctor") as on:
        await on.subscribe(HubStatus.topic.filter, hub_said)
        await on.subscribe(Worker.topic.filter, worker_said)
        await asyncio.sleep(_RETAINED_S)
    if b"online" in hub:
        yield ok("hub", "online")
    else:
        yield note("hub", "not running", "`toyhub up` starts it with everything else, `toyhub hub` alone")
    for name in stage_names():
        ready = [worker for worker in workers if worker.stage == name and worker.state == "ready"]
        if ready:
            engines = ", ".join(sorted({" ".join(filter(None, (w.engine, w.model))) for w in ready})) or "no engine"
            yield ok(f"worker {name}", f"{len(ready)} ready: {engines}")
        else:
            yield note(f"worker {name}", "none ready", f"`toyhub worker {name}` starts one, or says why not")
