"""Start everything: the broker where there is none, the hub, and a worker for each stage."""

import asyncio
import contextlib
import fcntl
import ipaddress
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from hub import bus
from hub.broker import OTHER_PORT, ask, mosquitto_binary, write_conf
from hub.errors import BadMessage, BrokerError, HubError, SettingsError
from hub.messages import Cleared, HubStatus, Worker
from hub.run import run
from hub.settings import BrokerSettings, Settings, load_settings
from hub.stage import stage_names
from hub.supervisor import Program, Show, Supervisor, supervise

_BROKER_S = 10.0
_REMIND_S = 10.0
_RETAINED_S = 0.05
_COLOURS = ("cyan", "green", "yellow", "blue", "magenta", "bright_cyan", "bright_green", "bright_yellow")
_TRY = """
  Try, in another terminal:
    {toyhub} toy --device bear --say "tell me a story about a dragon" --save reply.wav
    mosquitto_pub -p {port} -t toys/bear/up/text -m "what time is it"
    {toyhub} watch
  Ctrl-C stops everything.
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
    show = _printer(["up", "broker", "hub", *stages])
    async with supervise(show) as supervisor:
        ours = await have_broker(settings, supervisor, show)
        async with bus.connect(settings.broker, "up") as on:
            ready = Readiness(["hub", *stages])
            await ready.watch(on, clean=ours)
            supervisor.start(program("hub", "hub", rank=1))
            for stage in stages:
                drain_s = settings.stage(stage).drain_s + 2
                supervisor.start(program(stage, "worker", stage, rank=2, drain_s=drain_s))
            while not await supervisor.until(ready.all, stop, patience_s=_REMIND_S):
                show("up", f"still waiting for {', '.join(sorted(ready.missing))}")
            if not stop.is_set():
                show("up", f"ready in {time.monotonic() - began:.1f} s, mqtt://{_where(settings.broker)}")
                typer.echo(_TRY.format(port=settings.broker.port, toyhub=_toyhub()))
                await supervisor.until(stop)
            show("up", "stopping")
    show("up", "stopped")


class Readiness:
    """Watches the broker until the hub and a worker of each stage have said that they are there."""

    def __init__(self, names: Sequence[str]) -> None:
        self.missing = set(names)
        self.all = asyncio.Event()
        self._before: dict[str, Worker] | None = {}

    async def watch(self, on: bus.Bus, *, clean: bool) -> None:
        """Take what is retained now as old news; everything after this call counts.

        Args:
            on: subscribes here.
            clean: clear the old news: the broker has just been started, so none of it can be alive. A worker that was
                there when the broker was killed would otherwise be counted as present for ever.
        """
        await on.subscribe(Worker.topic.filter, self._worker)
        await on.subscribe(HubStatus.topic.filter, self._hub)
        await asyncio.sleep(_RETAINED_S)
        before, self._before = self._before or {}, None
        if clean:
            await on.publish(HubStatus(text="offline"))
            for worker in before.values():
                await on.publish(Cleared(worker))

    def _worker(self, delivery: bus.Delivery) -> None:
        delivery.ack()
        with contextlib.suppress(BadMessage):  # an empty payload: a worker that was forgotten
            worker = Worker.decode(delivery.topic, delivery.payload)
            if self._before is not None:
                self._before[worker.replica] = worker
            elif worker.state == "ready":
                self._have(worker.stage)

    def _hub(self, delivery: bus.Delivery) -> None:
        delivery.ack()
        if self._before is None and delivery.payload == b"online":
            self._have("hub")

    def _have(self, name: str) -> None:
        self.missing.discard(name)
        if not self.missing:
            self.all.set()


async def have_broker(settings: Settings, supervisor: Supervisor, show: Show) -> bool:
    """Make sure that a broker lets us in; True if we had to start it."""
    broker, where = settings.broker, _where(settings.broker)
    answer = await ask(broker)
    if answer.kind == "stranger":
        raise BrokerError(f"what listens on {where} is no MQTT broker ({answer.reason}): stop it, or {OTHER_PORT}")
    if answer.kind == "refused":
        raise BrokerError(
            f"the broker on {where} does not let us in ({answer.reason}): set TOYHUB_BROKER__USERNAME and "
            f"TOYHUB_BROKER__PASSWORD, or {OTHER_PORT} and a broker of our own is started there"
        )
    if answer.kind == "welcome":
        show("up", f"using the broker that already listens on {where}; `toyhub doctor` measures it")
        return False
    if not await _is_loopback(broker.host):
        raise BrokerError(f"no broker at {where}: {answer.reason}. One is started only on this machine's 127.0.0.1")
    conf = write_conf(broker, settings.data_dir / "mosquitto")
    supervisor.start(Program("broker", (mosquitto_binary(), "-c", str(conf)), rank=0))
    deadline = time.monotonic() + _BROKER_S
    while (answer := await ask(broker)).kind != "welcome":
        if time.monotonic() > deadline:
            raise BrokerError(f"Mosquitto does not start: {supervisor.last_lines.get('broker', answer.reason)}")
        await supervisor.until(asyncio.Event(), patience_s=0.03)
    return True


async def _is_loopback(host: str) -> bool:
    """Whether Mosquitto without passwords may listen there."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise BrokerError(f"broker.host {host}: {error.strerror}") from error
    return all(ipaddress.ip_address(address[0]).is_loopback for *_, address in found)


def program(name: str, *arguments: str, rank: int, drain_s: float = 5.0) -> Program:
    """One of our own commands as a program to keep running."""
    return Program(name, (sys.executable, "-m", "hub.cli", *arguments, "--prefixed"), rank, drain_s)


def _printer(names: Sequence[str]) -> Show:
    """Writes lines with the name of whoever says them; the names in colours where a terminal reads."""
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}
    width = max(map(len, names))

    def show(name: str, line: str) -> None:
        try:
            typer.echo(f"{typer.style(f'{name:<{width}} |', fg=colours.get(name))} {line}")
        except OSError:  # whoever read has gone: the window is closed, the connection lost
            os.kill(os.getpid(), signal.SIGHUP)

    return show


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold data_dir for this process; the lock goes with the process, however it ends.

    Raises:
        HubError: another `toyhub up` uses the folder.
        SettingsError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "up.lock").open("a", encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"data_dir {folder}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HubError(f"toyhub is already running with data_dir {folder.resolve()}") from None
        yield


def _where(broker: BrokerSettings) -> str:
    return f"{broker.host}:{broker.port}"


def _toyhub() -> str:
    """How to call ourselves from the same folder: `make run` leaves the command in .venv/bin."""
    beside = Path(sys.executable).with_name("toyhub")
    try:
        return str(beside.relative_to(Path.cwd()))
    except ValueError:
        return "toyhub"
