"""A whole toyhub as a family runs it: `toyhub up` as a program of its own, watched from outside."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from hub import bus
from hub.messages import Done, HubHealth, Titles
from hub.settings import BrokerSettings
from hub.toy import Toy, TurnReport

T = TypeVar("T")

_READY_S = 60.0
_ENDED_S = 30.0


class Home:
    """`toyhub up` in a block.

    Args:
        folder: data_dir.
        port: of the broker that it starts.
        variables: settings as environment variables, without their prefix.
    """

    def __init__(self, folder: Path, port: int, variables: Mapping[str, str] | None = None) -> None:
        self.folder, self.broker = folder, BrokerSettings(port=port)
        self.lines: list[str] = []
        """All that was printed."""
        given = {"BROKER__PORT": str(port), "DATA_DIR": str(folder), **(variables or {})}
        kept = {
            name: value for name, value in os.environ.items()
            if not name.startswith("TOYHUB_") and name != "PYTHONASYNCIODEBUG"
        }  # fmt: skip
        self._environment = kept | {f"TOYHUB_{name}": value for name, value in given.items()}
        self.ready_s = 0.0
        """From the start of the program to the line that says ready."""

    def __enter__(self) -> Self:
        began = time.monotonic()
        self._program = subprocess.Popen(
            (sys.executable, "-m", "hub.cli", "up"),
            env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name="toyhub-output", daemon=True)
        self._reader.start()
        while not self.said("up ", "ready in"):
            if self._program.poll() is not None or time.monotonic() - began > _READY_S:
                self.end()
                raise AssertionError("toyhub up does not get ready:\n" + "\n".join(self.lines[-30:]))
            time.sleep(0.01)
        self.ready_s = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _read(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            self.lines.append(line.rstrip("\n"))

    def end(self) -> int:
        """Ctrl-C; the exit code."""
        if self._program.poll() is None:
            self._program.send_signal(signal.SIGINT)
        try:
            code = self._program.wait(_ENDED_S)
        except subprocess.TimeoutExpired:
            self._program.kill()
            raise
        self._reader.join(5)
        if self._program.stdout:
            self._program.stdout.close()
        return code

    async def command(self, *arguments: str) -> int:
        """Another `toyhub` command with the same settings; its exit code."""
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub.cli", *arguments, env=self._environment, stdout=asyncio.subprocess.DEVNULL
        )
        return await program.wait()

    # -- what it prints

    def said(self, name: str, text: str, since: int = 0) -> str | None:
        """The first line of program ``name`` with ``text`` in it, after the first ``since`` lines."""
        return next((line for line in self.lines[since:] if line.startswith(name) and text in line), None)

    async def until_said(self, name: str, text: str, since: int = 0, timeout_s: float = 20.0) -> str:
        """Wait for such a line."""
        await until(lambda: self.said(name, text, since), timeout_s, f"{name} never said {text!r}")
        return self.said(name, text, since) or ""

    # -- its processes

    def pids(self) -> dict[str, int]:
        """Of every process that was started, by the name in front of its lines; ``up`` and its ``tether`` included."""
        table = subprocess.run(
            ("ps", "-A", "-ww", "-o", "pid=,ppid=,args="), capture_output=True, text=True, check=True
        ).stdout
        found = {"up": self._program.pid}
        for line in table.splitlines():
            pid, parent, command = line.split(None, 2)
            if int(parent) == self._program.pid:
                found[_name(command)] = int(pid)
        return found

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one of them."""
        os.kill(self.pids()[name], number)

    def memory_mb(self, name: str) -> float:
        """Resident memory of one of them."""
        pid = self.pids()[name]
        asked = subprocess.run(("ps", "-o", "rss=", "-p", str(pid)), capture_output=True, text=True, check=True)
        return int(asked.stdout) / 1024

    def cpu_s(self) -> dict[str, float]:
        """Processor time each has used; empty where there is no /proc."""
        used: dict[str, float] = {}
        for name, pid in self.pids().items():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                used[name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return used

    # -- who is in it

    def toy(self, device: str) -> Toy:
        """A simulated toy that also reads what people may read."""
        return Toy(device, self.broker, overhear=True)

    @contextlib.asynccontextmanager
    async def watch(self, *filters: str) -> AsyncIterator["Seen"]:
        """Everything that comes by under ``filters``, and a bus to publish on."""
        async with bus.connect(self.broker, "stranger") as on:
            seen = Seen(on)
            for topic_filter in filters:
                await on.subscribe(topic_filter, seen.take)
            yield seen

    async def until_stories(self) -> None:
        """Wait for the first stories of the starter library."""

        def known() -> bool:
            told = [Titles.decode(came.topic, came.payload) for came in seen.all]
            return any(title.kind == "story" for titles in told for title in titles.titles)

        async with self.watch(Titles.topic.filter) as seen:
            await until(known, 30, "no story in the library")

    def turns(self, device: str) -> dict[int, "Kept"]:
        """What the database holds of one toy, by turn."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/toyhub.db?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT turn, said, heard, outcome FROM turns WHERE device = ?", (device,))
            return {turn: Kept(said, heard, outcome) for turn, said, heard, outcome in rows}


class Kept(NamedTuple):
    """A row of the history."""

    said: str
    heard: str
    outcome: str


class Came(NamedTuple):
    """A message that came by."""

    at_ms: float
    """Clock of ``time.monotonic``."""
    topic: str
    payload: bytes


class Seen:
    """Messages that came by, in order."""

    def __init__(self, on: bus.Bus) -> None:
        self.bus = on
        self.all: list[Came] = []
        self._by_topic: defaultdict[str, list[Came]] = defaultdict(list)

    def take(self, delivery: bus.Delivery) -> None:
        """The handler."""
        delivery.ack()
        came = Came(time.monotonic() * 1000, delivery.topic, delivery.payload)
        self.all.append(came)
        self._by_topic[delivery.topic].append(came)

    def on(self, topic: str) -> list[Came]:
        """All that came on one topic."""
        return self._by_topic.get(topic, [])

    def rejected(self) -> dict[str, int]:
        """What the hub has refused, as it said last in its health."""
        told = [came for came in self.on(HubHealth.topic.filter) if came.payload]
        return dict(json.loads(told[-1].payload)["rejected"]) if told else {}


async def until(look: Callable[[], T], timeout_s: float, otherwise: str) -> T:
    """Look again and again until there is something."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(0.02)
    return found


async def begins_to_answer(home: Home, toy: Toy, asking: Coroutine[None, None, TurnReport]) -> TurnReport:
    """Hear the first half second of an answer, no apology, with every chunk in time; then tell the toy to be quiet."""
    async with home.watch(Done.topic.only(device=toy.firmware.device)) as seen:
        asked = asyncio.create_task(asking, name="asked")
        await until(lambda: toy.firmware.speaker.sounding, 20, "no sound")
        await asyncio.sleep(0.6)
        playback = toy.firmware.speaker.playback
        toy.interrupt()
        report = await asked
        topic = Done.topic.format(device=toy.firmware.device, turn=str(report.turn))
        (over,) = await until(lambda: seen.on(topic), 5, "the turn is not done")
    assert Done.decode(topic, over.payload).code is None
    assert report.code in (None, "interrupted")
    assert playback is not None
    assert playback.chunks >= 8
    assert (playback.late, playback.gaps) == (0, 0)
    return report


def tell(*lines: str) -> None:
    """Figures for whoever runs the tests with ``-s``."""
    print("", *lines, sep="\n")  # noqa: T201


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    asked = subprocess.run(("ps", "-o", "stat=", "-p", str(pid)), capture_output=True, text=True, check=False)
    return bool(asked.stdout.strip()) and not asked.stdout.strip().startswith("Z")


def _name(command: str) -> str:
    words = command.split()
    if "mosquitto" in words[0]:
        return "broker"
    if words[-1].endswith("tether.py"):
        return "tether"
    arguments = words[words.index("hub.cli") + 1 :] if "hub.cli" in words else words
    return arguments[1] if arguments[0] == "worker" else arguments[0]
