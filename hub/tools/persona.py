"""Who a toy is: list the personas, show one, give one to a toy, edit one for a toy."""

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.table import Table

from hub.errors import SettingsError
from hub.messages import Persona
from hub.store import OWN, Store, read_persona
from hub.tools.devices import no_such_device, with_store

_Device = Annotated[str, typer.Argument(help="Id of the toy.")]

app = typer.Typer(
    help="Who a toy is: list the personas, show one, give one to a toy, edit one for a toy.",
    add_completion=False,
    no_args_is_help=True,
)


@app.command("list")
def list_personas() -> None:
    """List the personas in config/personas/."""
    table = Table("persona", "name", "language", "voice")
    for persona in with_store(lambda store: store.personas.list()):
        table.add_row(persona.id, persona.name, persona.language, persona.voice.name)
    Console().print(table)


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="Id of a persona in config/personas/.")] = None,
    device: Annotated[str | None, typer.Option(help="Show the persona of this toy.")] = None,
) -> None:
    """Print a persona as YAML: a good beginning for `persona edit`."""
    if (name is None) == (device is None):
        raise typer.BadParameter("either the name of a persona or --device")
    persona = with_store(lambda store: _find(store, name, device))
    values = persona.model_dump(exclude={"id"})
    typer.echo(f"# {persona.id}")
    typer.echo(yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=110).rstrip())


@app.command("set")
def set_persona(
    device: _Device,
    name: Annotated[str, typer.Argument(help=f"Id of a persona; {OWN}: the one edited for this toy.")],
) -> None:
    """Give a toy one of the personas; it speaks as that from its next turn on."""
    with_store(lambda store: _set(store, device, name))
    Console().print(f"{device} is {name} from its next turn on.")


@app.command()
def edit(
    device: _Device,
    file: Annotated[Path, typer.Option(help="YAML with the keys of config/personas/bear.yaml.")],
) -> None:
    """Give a toy a persona of its own; earlier ones are kept in the database."""
    persona = read_persona(file, OWN)
    number = with_store(lambda store: _save(store, device, persona))
    Console().print(f"{device} is {persona.name} from its next turn on (version {number} of its own persona).")


async def _find(store: Store, name: str | None, device: str | None) -> Persona:
    if device is not None:
        if await store.devices.get(device) is None:
            raise no_such_device(device)
        return await store.personas.of(device)
    personas = {persona.id: persona for persona in await store.personas.list()}
    if name not in personas:
        raise SettingsError(f"no persona {name!r}; there are {', '.join(personas)}")
    return personas[name]


async def _set(store: Store, device: str, name: str) -> None:
    if not await store.devices.set_persona(device, name):
        raise no_such_device(device)


async def _save(store: Store, device: str, persona: Persona) -> int:
    if not await store.personas.save(device, persona):
        raise no_such_device(device)
    return (await store.personas.versions(device))[-1].number
