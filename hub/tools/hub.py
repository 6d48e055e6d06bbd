"""Run the hub process: sessions, turns, playout, registry, discovery."""

from typing import Annotated

import typer

from hub import logs
from hub.process import run_hub
from hub.run import run
from hub.settings import load_settings


def command(
    *,
    prefixed: Annotated[bool, typer.Option(hidden=True, help="Leave our name out of the log.")] = False,
) -> None:
    """Run the hub process until SIGTERM or Ctrl-C; `toyhub up` runs it together with everything else."""
    settings = load_settings()
    logs.set_up(settings.log_level, "" if prefixed else "hub")
    run(lambda stop: run_hub(settings, stop))
