"""A whole toyhub in one process, on a broker in memory or a real one: hub and workers as tasks, embedded engines."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from hub.bus import Bus, Delivery
from hub.messages import HubStatus, Titles, Worker
from hub.process import run_hub
from hub.settings import Settings
from hub.stage import run_worker, stage_names

_READY_S = 60


@contextlib.asynccontextmanager
async def house(
    settings: Settings, connect: Callable[..., Any], stages: Sequence[str] | None = None, *, titles: int = 0
) -> AsyncIterator[Bus]:
    """Run everything until the block ends; yields a bus of a stranger.

    Args:
        settings: of all processes.
        connect: as hub.bus.connect.
        stages: workers to run; all of them if None.
        titles: wait until the library has announced so many.
    """
    stages = stage_names() if stages is None else stages
    stop = asyncio.Event()
    missing = {"hub", *stages} | ({"titles"} if titles else set())
    ready = asyncio.Event()

    def there(name: str) -> None:
        missing.discard(name)
        if not missing:
            ready.set()

    def worker(delivery: Delivery) -> None:
        delivery.ack()
        if delivery.payload and (found := Worker.decode(delivery.topic, delivery.payload)).state == "ready":
            there(found.stage)

    def hub(delivery: Delivery) -> None:
        delivery.ack()
        if delivery.payload == b"online":
            there("hub")

    def library(delivery: Delivery) -> None:
        delivery.ack()
        if len(Titles.decode(delivery.topic, delivery.payload).titles) >= titles:
            there("titles")

    async with connect(settings.broker, "stranger") as bus, asyncio.TaskGroup() as tasks:
        await bus.subscribe(Worker.topic.filter, worker)
        await bus.subscribe(HubStatus.topic.filter, hub)
        await bus.subscribe(Titles.topic.filter, library)
        running = [
            tasks.create_task(run_hub(settings, stop, connect), name="hub"),
            *(tasks.create_task(run_worker(stage, settings, stop, connect), name=stage) for stage in stages),
        ]
        try:
            async with asyncio.timeout(_READY_S):
                await ready.wait()
            for topic_filter in (Worker.topic.filter, HubStatus.topic.filter, Titles.topic.filter):
                await bus.unsubscribe(topic_filter)
            yield bus
        finally:
            stop.set()
            await asyncio.wait(running, timeout=20)


class Log:
    """Everything that comes by under some filters, in order."""

    def __init__(self) -> None:
        self.seen: list[Delivery] = []
        self._news = asyncio.Event()

    def take(self, delivery: Delivery) -> None:
        """The handler."""
        delivery.ack()
        self.seen.append(delivery)
        self._news.set()

    async def until(self, wanted: Callable[[Delivery], bool], timeout_s: float = 20.0) -> Delivery:
        """The first delivery that fits, past or to come."""
        checked = 0
        async with asyncio.timeout(timeout_s):
            while True:
                for delivery in self.seen[checked:]:
                    if wanted(delivery):
                        return delivery
                checked = len(self.seen)
                self._news.clear()
                await self._news.wait()
