"""An MQTT broker in memory for tests: wildcards, ``$share`` round robin, retained messages, last wills, a log of all.

Delivery is asynchronous and in order for each client, as with a real broker.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from hub.bus import Bus, Delivery, Handler, Sendable
from hub.messages import Packet
from hub.topics import matches


class MemoryBroker:
    """Routes packets between its buses."""

    def __init__(self) -> None:
        self.log: list[Packet] = []
        self._buses: list[MemoryBus] = []
        self._retained: dict[str, Packet] = {}
        self._next: defaultdict[str, int] = defaultdict(int)

    @contextlib.asynccontextmanager
    async def connect(
        self,
        settings: Any = None,
        name: str = "test",
        *,
        will: Sendable | None = None,
        greet: Callable[[Bus], Awaitable[None]] | None = None,
        **_: Any,
    ) -> AsyncIterator["MemoryBus"]:
        """Same shape as hub.bus.connect; leaving through an exception publishes the will."""
        bus = MemoryBus(self, name)
        self._buses.append(bus)
        async with asyncio.TaskGroup() as tasks:
            pump = tasks.create_task(bus.pump(), name=f"memory-{name}")
            try:
                if greet:
                    await greet(bus)
                yield bus
            except BaseException:
                self._leave(bus)
                if will:
                    self.route(will.encode())
                raise
            finally:
                self._leave(bus)
                pump.cancel()

    def _leave(self, bus: "MemoryBus") -> None:
        if bus in self._buses:
            self._buses.remove(bus)

    def route(self, packet: Packet) -> None:
        """Hand a packet to everyone who subscribed to it."""
        self.log.append(packet)
        if packet.retain:
            self._retained[packet.topic] = packet
            if not packet.payload:
                del self._retained[packet.topic]
        groups: defaultdict[str, list[MemoryBus]] = defaultdict(list)
        for bus in self._buses:
            for topic_filter in bus.handlers:
                if matches(topic_filter, packet.topic):
                    if topic_filter.startswith("$share/"):
                        groups[topic_filter].append(bus)
                    else:
                        bus.receive(topic_filter, packet)
        for topic_filter, members in groups.items():
            members[self._next[topic_filter] % len(members)].receive(topic_filter, packet)
            self._next[topic_filter] += 1

    def replay_retained(self, bus: "MemoryBus", topic_filter: str) -> None:
        """Send what is retained under a fresh subscription."""
        if not topic_filter.startswith("$share/"):
            for packet in list(self._retained.values()):
                if matches(topic_filter, packet.topic):
                    bus.receive(topic_filter, packet, retain=True)


class MemoryBus:
    """One client of a MemoryBroker; fulfils hub.bus.Bus."""

    def __init__(self, broker: MemoryBroker, name: str) -> None:
        self.name = name
        self.handlers: dict[str, Handler] = {}
        self.unacked: set[Delivery] = set()
        self._broker = broker
        self._inbox: asyncio.Queue[tuple[Handler, Delivery]] = asyncio.Queue()

    async def subscribe(self, topic_filter: str, handler: Handler, *, qos: int = 1) -> None:
        """See hub.bus.Bus."""
        self.handlers[topic_filter] = handler
        self._broker.replay_retained(self, topic_filter)

    async def unsubscribe(self, topic_filter: str) -> None:
        """See hub.bus.Bus."""
        self.handlers.pop(topic_filter, None)

    async def publish(self, *messages: Sendable) -> None:
        """See hub.bus.Bus."""
        for message in messages:
            self._broker.route(message.encode())
        await asyncio.sleep(0)

    async def publish_raw(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        """Publish anything, as a stranger would."""
        self._broker.route(Packet(topic, payload, qos, retain))
        await asyncio.sleep(0)

    def receive(self, topic_filter: str, packet: Packet, *, retain: bool = False) -> None:
        """Queue one packet for its handler."""
        box: list[Delivery] = []
        delivery = Delivery(packet.topic, packet.payload, retain, lambda: self.unacked.discard(box[0]))
        box.append(delivery)
        if packet.qos:
            self.unacked.add(delivery)
        self._inbox.put_nowait((self.handlers[topic_filter], delivery))

    async def pump(self) -> None:
        """Call the handlers, in order."""
        while True:
            handler, delivery = await self._inbox.get()
            handler(delivery)
