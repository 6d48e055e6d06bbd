"""Transcript → prompt: put persona, history and memories to what the child said."""

from collections.abc import AsyncIterator

from hub.messages import Prompt, Transcript
from hub.stage import Stage
from workers.memory.engine import Engine, open_engine
from workers.memory.prompt import build


async def handle(transcript: Transcript, engine: Engine) -> AsyncIterator[Prompt]:
    """Yield the prompt; reads only, so that every revision of a turn may ask."""
    known = await engine.known(transcript.device, transcript.text)
    yield build(transcript, known, engine.settings.history_turns)


STAGE = Stage(
    name="memory",
    consumes=Transcript,
    handle=handle,
    open=open_engine,
    # a device stays at its replica: a turn that is done is stored before the next prompt is built
    dispatch="affine",
    in_order=Engine.in_order,
)
