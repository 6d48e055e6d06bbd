"""Start everything: the broker where there is none, the hub, and a worker for each stage."""

import asyncio
import contextlib
import fcntl
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import typer

from hub import bus
from hub.broker import OTHER_PORT, Answer, ask, mosquitto_binary, write_conf
from hub.errors import BadMessage, BrokerError, HubError
from hub.messages import HubStatus, Packet, Worker
from hub.run import run
from hub.settings import BrokerSettings, Settings, load_settings
from hub.stage import stage_names
from hub.supervisor import Program, Supervisor, supervise

_BROKER_S = 10.0
_STILL_WAITING_S = 10.0
_COLOURS = ("cyan", "green", "yellow", "blue", "magenta", "bright_cyan", "bright_green", "bright_yellow")
_TRY = """
Try, in another terminal:
  toyhub toy --device bear --say "tell me a story about a dragon" --save reply.wav
  mosquitto_pub -p {port} -t toys/bear/up/text -m "what time is it"
  toyhub watch
Ctrl-C stops it all.
"""


def command() -> None:
    """Start the broker (if none listens), the hub and all workers, and keep them running until Ctrl-C."""
    settings = load_settings()
    with _alone(settings.data_dir):
        run(lambda stop: up(settings, stop))


async def up(settings: Settings, stop: asyncio.Event) -> None:
    """Run everything until ``stop`` is set.

    Raises:
        BrokerError: what listens at the broker's address is of no use, or Mosquitto does not start.
        SettingsError: a process cannot run as things are set.
    """
    began = time.monotonic()
    stages = stage_names()
    show = _printer(["broker", "hub", *stages])
    async with supervise(show) as supervisor:
        ours = await _have_broker(settings, supervisor, show)
        async with bus.connect(settings.broker, "up") as on, _readiness(stages, show) as ready:
            await ready.watch(on, clean=ours)
            supervisor.start(_program("hub", "hub", rank=1))
            for stage in stages:
                limit_s = settings.stage(stage).drain_s + 2
                supervisor.start(_program(stage, "worker", stage, rank=2, drain_s=limit_s))
            await supervisor.until(_either(ready.all, stop))
            if not stop.is_set():
                _greet(settings.broker, time.monotonic() - began)
                await supervisor.until(stop)
            show("up", "stopping")
    show("up", "stopped")
