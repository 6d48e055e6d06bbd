"""Run one worker: a replica of one stage."""

from typing import Annotated

import typer

from hub import logs
from hub.run import run
from hub.settings import load_settings
from hub.stage import run_worker


def command(
    stage: Annotated[str, typer.Argument(help="Folder in workers/: stt, memory, llm, tts, media, …")],
    *,
    prefixed: Annotated[bool, typer.Option(hidden=True, help="Leave our name out of the log.")] = False,
) -> None:
    """Run one replica of a stage until SIGTERM or Ctrl-C, then finish what is in flight; start it twice for two."""
    settings = load_settings()
    logs.set_up(settings.log_level, "" if prefixed else stage)
    run(lambda stop: run_worker(stage, settings, stop))
