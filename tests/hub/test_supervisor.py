"""The supervisor with small scripts for programs, and `toyhub up` against what may wait at the broker's address."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.supervisor import Program, supervise

_POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
print("up", flush=True)
time.sleep(60)
"""
_STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""


class Shown:
    """Remembers what was shown, and wakes those who wait for a line."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def of(self, name: str) -> list[str]:
        return [line for who, line in self.lines if who == name]

    async def until(self, part: str, count: int = 1) -> None:
        async with asyncio.timeout(20):
            while sum(part in line for _, line in self.lines) < count:
                await asyncio.sleep(0.01)


def script(name: str, code: str, rank: int = 0, drain_s: float = 5.0) -> Program:
    return Program(name, (sys.executable, "-I", "-S", "-c", code), rank, drain_s)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_passes_output_on_line_by_line_with_the_name() -> None:
    shown = Shown()
    code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('x' * 200_000)\nprint('no newline', end='')"
    async with supervise(shown) as supervisor:
        supervisor.start(script("stt", code))
        await shown.until("ended with exit code 0")
    lines = shown.of("stt")
    assert {"out", "err", "no newline"} <= set(lines)
    assert sum(len(line) for line in lines if set(line) == {"x"}) == 200_000


async def test_restarts_the_dead_with_growing_pauses_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.supervisor._BACKOFF_S", (0.05, 0.1))
    shown = Shown()
    async with supervise(shown) as supervisor:
        supervisor.start(script("llm", "raise SystemExit(3)"))
        supervisor.start(script("tts", "import os\nos.kill(os.getpid(), 9)"))
        await shown.until("restart 4", count=2)
    ends = [line for line in shown.of("llm") if "restart" in line]
    assert [line.rpartition(" in ")[2] for line in ends[:4]] == ["0.05 s", "0.1 s", "0.1 s", "0.1 s"]
    assert all(line.startswith("ended with exit code 3 after ") for line in ends)
    assert "was killed by SIGKILL after " in shown.of("tts")[0]


async def test_one_death_leaves_the_others_alone() -> None:
    shown = Shown()
    async with supervise(shown) as supervisor:
        supervisor.start(script("media", _POLITE))
        supervisor.start(script("llm", "raise SystemExit(1)"))
        await shown.until("restart 2")
        assert shown.of("media") == ["up"]


async def test_gives_up_on_a_setting_that_cannot_be_used() -> None:
    shown = Shown()

    async def attempt() -> None:
        async with supervise(shown) as supervisor:
            supervisor.start(script("media", _POLITE))
            supervisor.start(script("stt", "print('toyhub: stages.stt.options.x: unknown')\nraise SystemExit(78)"))
            await supervisor.until(asyncio.Event())

    with pytest.raises(BaseExceptionGroup) as caught:
        await attempt()
    (error,) = caught.value.exceptions
    assert isinstance(error, SettingsError)
    assert str(error) == "stt cannot run: stages.stt.options.x: unknown"
    assert not any("restart" in line for line in shown.of("stt"))


async def test_gives_up_on_a_program_that_is_not_there() -> None:
    async def attempt() -> None:
        async with supervise(Shown()) as supervisor:
            supervisor.start(Program("broker", ("/nowhere/mosquitto",)))
            await supervisor.until(asyncio.Event())

    with pytest.raises(BaseExceptionGroup) as caught:
        await attempt()
    assert "cannot start broker" in str(caught.value.exceptions[0])


async def test_ends_workers_before_the_hub_before_the_broker(tmp_path: Path) -> None:
    shown, log = Shown(), tmp_path / "log"
    code = (
        "import signal, sys, time\ndef end(*_):\n    time.sleep(0.1)\n"
        f"    open({str(log)!r}, 'a').write('{{name}}\\n')\n    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\nprint('up', flush=True)\ntime.sleep(60)"
    )
    async with supervise(shown) as supervisor:
        for name, rank in (("broker", 0), ("hub", 1), ("stt", 2), ("tts", 2)):
            supervisor.start(script(name, code.format(name=name), rank))
        await shown.until("up", count=4)
    ended = log.read_text().split()
    assert set(ended[:2]) == {"stt", "tts"}
    assert ended[2:] == ["hub", "broker"]


async def test_kills_what_does_not_stop_in_time() -> None:
    shown = Shown()
    began = time.monotonic()
    async with supervise(shown) as supervisor:
        supervisor.start(script("stt", _STUBBORN, drain_s=0.2))
        await shown.until("up")
    assert shown.of("stt")[-1] == "did not stop within 0.2 s: killed"
    assert time.monotonic() - began < 10


async def test_takes_helpers_of_the_dead_along() -> None:
    shown = Shown()
    code = (
        "import subprocess, sys, os\n"
        "print(subprocess.Popen([sys.executable, '-I', '-S', '-c', 'import time; time.sleep(60)']).pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    async with supervise(shown) as supervisor:
        supervisor.start(script("tts", code))
        await shown.until("killed by SIGKILL")
        pid = int(shown.of("tts")[0])
    assert not alive(pid)


async def test_stop_during_the_pause_before_a_restart_is_quick() -> None:
    shown = Shown()
    async with supervise(shown) as supervisor:
        supervisor.start(script("llm", "raise SystemExit(1)"))
        await shown.until("restart 3 in 2 s")
        began = time.monotonic()
    assert time.monotonic() - began < 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_nothing_survives_a_killed_supervisor() -> None:
    polite = "import os\nprint(os.getpid(), flush=True)\n" + _POLITE
    code = f"""
import asyncio, sys
from hub.supervisor import Program, supervise
async def main():
    async with supervise(lambda name, line: print(line, flush=True)) as supervisor:
        for name in ("stt", "tts"):
            supervisor.start(Program(name, (sys.executable, "-I", "-S", "-c", {polite!r})))
        await asyncio.sleep(60)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    pids: list[int] = []
    async with asyncio.timeout(20):
        while len(pids) < 2:
            if (line := (await process.stdout.readline()).strip()).isdigit():
                pids.append(int(line))
    process.kill()
    await process.wait()
    async with asyncio.timeout(5):
        while any(map(alive, pids)):
            await asyncio.sleep(0.02)


async def test_what_the_terminal_sends_does_not_reach_the_programs() -> None:
    shown = Shown()
    code = "import os, time\nprint(os.getsid(0) == os.getpid(), flush=True)\ntime.sleep(60)"
    async with supervise(shown) as supervisor:
        supervisor.start(script("stt", code))
        await shown.until("True")
