"""The toys of this home: list them, let one in, forget one."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from hub.errors import StoreError
from hub.settings import load_settings
from hub.store import Device, Store, open_store
from hub.topics import is_device_id

_Result = TypeVar("_Result")

app = typer.Typer(help="The toys of this home: list them, let one in, forget one.", add_completion=False)


@app.callback(invoke_without_command=True)
def _devices(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        with_store(_list)


@app.command()
def add(device: Annotated[str, typer.Argument(help="Id of the toy, its MQTT username.")]) -> None:
    """Let a toy in that may not introduce itself (limits.open: false)."""
    if not is_device_id(device):
        raise typer.BadParameter("1 to 64 letters, digits, _ or -", param_hint="DEVICE")
    with_store(lambda store: store.devices.add(device))
    Console().print(f"{device} may come.")


@app.command()
def forget(
    device: Annotated[str, typer.Argument(help="Id of the toy.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a toy with everything it was told: name, memories, history, persona. There is no way back."""
    if not yes:
        typer.confirm(f"Forget {device} and everything it was told?", abort=True)
    with_store(lambda store: _forget(store, device))
    Console().print(f"{device} is forgotten. If it is switched on, restart the hub or it comes back as a new toy.")


def with_store(work: Callable[[Store], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run ``work`` on the store of the settings; the hub may run meanwhile."""

    async def run() -> _Result:
        async with open_store(load_settings()) as store:
            return await work(store)

    return asyncio.run(run())


def no_such_device(device: str) -> StoreError:
    """The error for a device that is not in the store."""
    return StoreError(f"no device {device!r}; 'toyhub devices' lists them")


async def _forget(store: Store, device: str) -> None:
    if not await store.devices.forget(device):
        raise no_such_device(device)


async def _list(store: Store) -> None:
    devices = await store.devices.list()
    if not devices:
        Console().print("No toy has introduced itself yet.")
        return
    table = Table("toy", "last seen", "persona", "child", "volume", "memories", "firmware", "added by hand")
    for device in devices:
        table.add_row(*await _row(store, device))
    Console().print(table)


async def _row(store: Store, device: Device) -> tuple[str, ...]:
    persona, child = await store.personas.of(device.id), await store.memories.child(device.id)
    return (
        device.id,
        _ago(device.last_seen_ms),
        f"{persona.id} ({persona.name})",
        child,
        "" if device.volume is None else str(device.volume),
        str(len(await store.memories.facts(device.id))),
        device.hello.firmware if device.hello else "",
        "yes" if device.approved else "",
    )


def _ago(at_ms: int | None) -> str:
    if at_ms is None:
        return "never"
    seconds = max(0, int(time.time() - at_ms / 1000))
    for size, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
