"""Done → memory: keep what was said and heard, and carry out what a reply asked the memory for."""

from collections.abc import AsyncIterator

from hub.messages import Done, Message
from hub.stage import Stage
from workers.memory.engine import Engine, open_engine


async def handle(done: Done, engine: Engine) -> AsyncIterator[Message]:
    """Store the turn and yield nothing: the chain ends here."""
    await engine.learn(done)
    nothing: tuple[Message, ...] = ()
    for message in nothing:
        yield message


STAGE = Stage(
    name="memory",
    consumes=Done,
    handle=handle,
    open=open_engine,
    dispatch="affine",
    cancellable=False,  # what happened has happened
    in_order=Engine.in_order,
)
