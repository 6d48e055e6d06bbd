"""Keeps programs running: starts them, passes their output on, starts the dead again, ends all in order.

Each program leads a session of its own, so Ctrl-C in the terminal reaches only the supervisor, which then ends them
one rank after the other. ``hub.tether`` ends them should the supervisor itself be killed.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.errors import HubError, SettingsError

_BACKOFF_S = (0.5, 30.0)
_HEALTHY_S = 60.0
_LONGEST_LINE = 64 * 1024
_TETHER = Path(__file__).with_name("tether.py")

Show = Callable[[str, str], None]
"""Called with a program's name and one line of its output, or of what the supervisor has to say about it."""


@dataclass(frozen=True)
class Program:
    """Something to keep running."""

    name: str
    command: tuple[str, ...]
    rank: int = 0
    """The highest rank is ended first: workers, then the hub, then the broker."""
    drain_s: float = 5.0
    """Between SIGTERM and SIGKILL."""


@contextlib.asynccontextmanager
async def supervise(show: Show) -> AsyncIterator["Supervisor"]:
    """A supervisor that has ended everything it started when the block ends."""
    tether = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(_TETHER), stdin=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert tether.stdin is not None  # noqa: S101 - asked for above
    try:
        async with asyncio.TaskGroup() as tasks:
            supervisor = Supervisor(show, tasks, tether.stdin)
            try:
                yield supervisor
            finally:
                await supervisor.end()
    finally:
        tether.stdin.close()
        await tether.wait()


class Supervisor:
    """The programs that are kept running; made by ``supervise``."""

    def __init__(self, show: Show, tasks: asyncio.TaskGroup, tether: asyncio.StreamWriter) -> None:
        self._show, self._tasks, self._tether = show, tasks, tether
        self._kept: dict[Program, asyncio.Task[None]] = {}
        self._processes: dict[Program, asyncio.subprocess.Process] = {}
        self._ending = asyncio.Event()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.last_lines: dict[str, str] = {}
        """The last line that each program has written."""

    def start(self, program: Program) -> None:
        """Keep ``program`` running from now on."""
        self._kept[program] = self._tasks.create_task(self._keep(program), name=f"keep-{program.name}")

    async def until(self, *events: asyncio.Event, patience_s: float | None = None) -> bool:
        """Wait for one of ``events``; False when none came within ``patience_s``.

        Raises:
            SettingsError: a program ended with exit code 78: it cannot run as things are set.
            HubError: a program cannot be started at all.
        """
        waiting: list[asyncio.Future[Any]] = [
            self._tasks.create_task(event.wait(), name="supervisor-waits") for event in events
        ]
        try:
            await asyncio.wait([*waiting, self._broken], timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if self._broken.done():
                self._broken.result()
            return any(event.is_set() for event in events)
        finally:
            for task in waiting:
                task.cancel()

    async def end(self) -> None:
        """SIGTERM to one rank after the other, SIGKILL to what does not go in time."""
        self._ending.set()
        if self._broken.done():
            self._broken.exception()  # whoever waits has seen it; asyncio need not report it again
        for rank in sorted({program.rank for program in self._kept}, reverse=True):
            members = [program for program in self._kept if program.rank == rank]
            for program in members:
                self._signal(program, signal.SIGTERM)
            await asyncio.gather(*(self._see_off(program) for program in members))

    async def _see_off(self, program: Program) -> None:
        task = self._kept[program]
        if not (await asyncio.wait((task,), timeout=program.drain_s))[0]:
            self._show(program.name, f"did not stop within {program.drain_s:g} s: killed")
            self._signal(program, signal.SIGKILL)
            await asyncio.wait((task,))

    def _signal(self, program: Program, number: signal.Signals) -> None:
        process = self._processes.get(program)
        if process and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if number == signal.SIGKILL else os.kill)(process.pid, number)

    async def _keep(self, program: Program) -> None:
        """Run the program again and again, with pauses that grow while it does not stay up."""
        clock = asyncio.get_running_loop().time
        pause, restarts = _BACKOFF_S[0], 0
        while not self._ending.is_set():
            started = clock()
            code = await self._run(program)
            if self._ending.is_set() or self._hopeless(program, code):
                return
            if (lived := clock() - started) > _HEALTHY_S:
                pause = _BACKOFF_S[0]
            restarts += 1
            self._show(program.name, f"{_ended(code)} after {lived:.1f} s; restart {restarts} in {pause:g} s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._ending.wait()
            pause = min(pause * 2, _BACKOFF_S[1])

    def _hopeless(self, program: Program, code: int) -> bool:
        """Whether to give up on everything: another start would read the same settings."""
        if code != os.EX_CONFIG:
            return False
        if not self._broken.done():
            said = self.last_lines.get(program.name, "it names no reason").removeprefix("toyhub: ")
            self._broken.set_exception(SettingsError(f"{program.name} cannot run: {said}"))
        return True

    async def _run(self, program: Program) -> int:
        """One life of the program; its exit code, negative for a signal."""
        read_end, write_end = os.pipe()  # our own: the process is waited for, not whoever else holds its output
        try:
            process = await asyncio.create_subprocess_exec(
                *program.command, stdin=asyncio.subprocess.DEVNULL, stdout=write_end, stderr=write_end,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            os.close(read_end)
            if not self._broken.done():
                self._broken.set_exception(HubError(f"cannot start {program.name}: {error}"))
            return os.EX_CONFIG
        finally:
            os.close(write_end)
        self._processes[program] = process
        self._tether.write(b"+%d %d\n" % (program.rank, process.pid))
        output = self._tasks.create_task(self._pass_on(program.name, read_end), name=f"output-{program.name}")
        try:
            if self._ending.is_set():  # the stop came while the process was being made
                self._signal(program, signal.SIGTERM)
            return await process.wait()
        finally:
            # Not reached alive unless we are cancelled; its helpers, such as a synthesiser in the middle, go with it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            self._tether.write(b"-%d %d\n" % (program.rank, process.pid))
            await asyncio.wait((output,), timeout=1.0)
            output.cancel()

    async def _pass_on(self, name: str, read_end: int) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", buffering=0)
        )
        rest = b""
        try:
            while data := await reader.read(_LONGEST_LINE):
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > _LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._say(name, line)
        finally:
            if rest:
                self._say(name, rest)
            transport.close()

    def _say(self, name: str, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        if text:
            self.last_lines[name] = text
        self._show(name, text)


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
