"""Measure the hub on this machine, beside a floor measured in the same run."""

import asyncio
from typing import Annotated

import typer

app = typer.Typer(
    help="Measure the hub on this machine, beside a floor measured in the same run.", no_args_is_help=True
)
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.callback()
def _group() -> None:
    """Measure the hub on this machine, beside a floor measured in the same run."""


@app.command()
def chain(turns: Annotated[int, typer.Option(min=10)] = 300, *, as_json: _Json = False) -> None:
    """What the chain itself costs: engines that take no time, and bare broker hops as the floor."""
    from hub.bench.chain import chain as measure

    asyncio.run(measure(turns)).show(as_json=as_json)


@app.command()
def turn(rounds: Annotated[int, typer.Option(min=1)] = 1, *, as_json: _Json = False) -> None:
    """Spoken commands through the embedded engines: from the end of speech to the first sound of the answer."""
    from hub.bench.turn import turn as measure

    asyncio.run(measure(rounds)).show(as_json=as_json)
