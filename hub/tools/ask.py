"""Ask a toy something in writing and print what it answers."""

import asyncio
from typing import Annotated

import typer

from hub import bus, topics
from hub.errors import BadMessage, HubError
from hub.messages import Heard, Reply, Text
from hub.run import run
from hub.settings import BrokerSettings, load_settings
from hub.view.observer import require_hub


def command(
    text: Annotated[str, typer.Argument(help="Taken as if a child had said it.")],
    device: Annotated[str, typer.Option(help="Which toy.")] = "bear",
    seconds: Annotated[float, typer.Option(help="How long to wait for the end of the answer.")] = 60.0,
) -> None:
    """Send text to a toy, which says the answer aloud if it is online; print the answer as well."""
    settings = load_settings()
    replies: list[Reply] = []
    run(lambda _: _ask(settings.broker, Text(device=device, text=text), seconds, replies))
    reply = replies[0]
    typer.echo(reply.text or "(nothing)")
    if reply.code or reply.interrupted:
        typer.echo(f"toyhub: the turn failed: {reply.code or 'interrupted'}", err=True)
        raise typer.Exit(1)


async def _ask(broker: BrokerSettings, question: Text, seconds: float, replies: list[Reply]) -> None:
    """Wait for the reply of the turn in which our text was heard.

    Raises:
        HubError: no hub, or no reply in time.
    """
    answer = _Answer(question)
    async with bus.connect(broker, "ask") as on:
        await require_hub(on)
        await on.subscribe(topics.HEARD.format(device=question.device), answer.heard)
        await on.subscribe(topics.REPLY.format(device=question.device), answer.replied)
        await on.publish(question)
        try:
            async with asyncio.timeout(seconds):
                replies.append(await answer.wait())
        except TimeoutError:
            raise HubError(f"{question.device} did not answer within {seconds:.0f} s") from None


class _Answer:
    """Finds the reply to one question among all that a device says."""

    def __init__(self, question: Text) -> None:
        self._question = question
        self._turn: int | None = None
        self._reply: asyncio.Queue[Reply] = asyncio.Queue()

    async def wait(self) -> Reply:
        return await self._reply.get()

    def heard(self, delivery: bus.Delivery) -> None:
        delivery.ack()
        try:
            heard = Heard.decode(delivery.topic, delivery.payload)
        except BadMessage:
            return
        if self._turn is None and heard.source == "text" and heard.text == self._question.text.strip():
            self._turn = heard.turn

    def replied(self, delivery: bus.Delivery) -> None:
        delivery.ack()
        try:
            reply = Reply.decode(delivery.topic, delivery.payload)
        except BadMessage:
            return
        if reply.turn == self._turn:
            self._reply.put_nowait(reply)
