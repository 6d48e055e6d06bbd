"""Watch everything on the bus, decoded: one line per message, a waterfall per turn."""

import asyncio
import time
from typing import Annotated

import typer
from rich.console import Console

from hub import bus, topics
from hub.run import run
from hub.settings import BrokerSettings, load_settings
from hub.view.watcher import Watcher

_TICK_S = 0.5


def command(
    device: Annotated[str | None, typer.Option(help="Only what is about this device.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Show every payload, each chunk of audio included.")] = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Show what travels, until Ctrl-C. Content is shown: this is your own screen, not a log."""
    settings = load_settings()
    run(lambda stop: _watch(settings.broker, device, Watcher(raw=raw), stop))


async def _watch(broker: BrokerSettings, device: str | None, watcher: Watcher, stop: asyncio.Event) -> None:
    console = Console(highlight=False, soft_wrap=True)

    def receive(delivery: bus.Delivery) -> None:
        delivery.ack()
        for line in watcher.take(delivery, time.time() * 1000):
            console.print(line)

    async with bus.connect(broker, "watch") as on:
        for topic_filter in filters(device):
            await on.subscribe(topic_filter, receive)
        while not stop.is_set():
            for line in watcher.tick(time.time() * 1000):
                console.print(line)
            try:
                async with asyncio.timeout(_TICK_S):
                    await stop.wait()
            except TimeoutError:
                continue


def filters(device: str | None) -> list[str]:
    """Everything there is, or what is about one device."""
    if device is None:
        return ["#"]
    about = [topic for topic in topics.every_topic().values() if "device" in topic.fields]
    return [topic.only(device=device) for topic in [*about, topics.HUB_STATUS]]
