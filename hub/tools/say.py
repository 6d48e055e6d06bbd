"""Have a toy say something."""

import asyncio
from typing import Annotated

import typer

from hub import bus
from hub.messages import Set
from hub.run import run
from hub.settings import BrokerSettings, load_settings
from hub.view.observer import require_device, require_hub


def command(
    text: Annotated[str, typer.Argument(help="What to say.")],
    device: Annotated[str, typer.Option(help="Which toy.")] = "bear",
) -> None:
    """Say a text through a toy's speaker, after what it is doing now."""
    settings = load_settings()
    run(lambda _: _say(settings.broker, Set(device=device, what="say", text=text)))


async def _say(broker: BrokerSettings, wish: Set) -> None:
    async with bus.connect(broker, "say") as on, asyncio.timeout(15):
        await require_hub(on)
        await require_device(on, wish.device)
        await on.publish(wish)
    typer.echo(f"{wish.device} says it")
