"""Check this machine, the settings, the broker and the workers, in plain words with remedies."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

import typer

from hub import logs
from hub.checkup import Finding, broken, content, live, machine, ok
from hub.errors import SettingsError
from hub.settings import config_dir, load_settings

_MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "broken": ("✗", "red")}


def command(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON, for programs.")] = False
) -> None:
    """Check everything and say what is wrong and what to do; exit code 1 when something essential is missing."""
    logs.set_up("error", "doctor")
    findings = asyncio.run(_collect(show=not as_json))
    worst = [finding for finding in findings if finding.state == "broken"]
    if as_json:
        typer.echo(json.dumps({"ok": not worst, "findings": [asdict(each) for each in findings]}, indent=2))
    elif worst:
        typer.secho(f"\n{len(worst)} essential: {', '.join(finding.about for finding in worst)}", fg="red")
    else:
        typer.echo("\nNothing essential is missing.")
    raise typer.Exit(1 if worst else 0)


async def look() -> AsyncIterator[Finding]:
    """All findings, the quick ones first."""
    for finding in machine.look():
        yield finding
    try:
        settings = load_settings()
    except SettingsError as error:
        yield broken("settings", str(error), "correct the key, or delete it to have the default")
        return
    yield ok("settings", f"{config_dir() / 'hub.yaml'} and TOYHUB_* variables can be used")
    for finding in machine.data_folder(settings.data_dir):
        yield finding
    async for finding in content.look(settings):
        yield finding
    async for finding in live.look(settings):
        yield finding


async def _collect(*, show: bool) -> list[Finding]:
    findings = []
    async for finding in look():
        findings.append(finding)
        if show:
            mark, colour = _MARKS[finding.state]
            typer.echo(f"{typer.style(mark, fg=colour)} {finding.about}: {finding.text}")
            if finding.remedy:
                typer.echo(f"    → {finding.remedy}")
    return findings
