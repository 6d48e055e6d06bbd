"""A whole toyhub of its own for a measurement: broker on a free port, hub and workers as real processes, own data."""

import contextlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence

from hub import bus
from hub.errors import HubError
from hub.settings import Settings, load_settings
from hub.supervisor import supervise
from hub.tools.up import Readiness, have_broker, program

_READY_S = 60.0


@contextlib.asynccontextmanager
async def rig(stages: Sequence[str], overrides: Mapping[str, str]) -> AsyncIterator[Settings]:
    """Run hub and ``stages`` with settings of their own until the block ends.

    Args:
        stages: which workers are started.
        overrides: environment variables without their prefix, such as ``STAGES__STT__ENGINE``.

    Raises:
        HubError: not everything was ready within a minute; says what was missing and what it printed last.
    """
    with tempfile.TemporaryDirectory(prefix="toyhub-bench-") as folder:
        variables = {"BROKER__PORT": str(free_port()), "DATA_DIR": folder, "LOG_LEVEL": "warning", **overrides}
        os.environ.update({f"TOYHUB_{name}": value for name, value in variables.items()})  # the processes inherit it
        settings = load_settings()
        async with supervise(_silent) as supervisor:
            await have_broker(settings, supervisor, _silent)
            async with bus.connect(settings.broker, "bench-up") as on:
                ready = Readiness(["hub", *stages])
                await ready.watch(on, clean=True)
                supervisor.start(program("hub", "hub", rank=1))
                for stage in stages:
                    supervisor.start(program(stage, "worker", stage, rank=2))
                if not await supervisor.until(ready.all, patience_s=_READY_S):
                    raise HubError(f"not ready: {', '.join(sorted(ready.missing))}; last said: {supervisor.last_lines}")
            yield settings


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _silent(name: str, line: str) -> None:
    """The processes' output; the last line of each is kept by the supervisor."""
