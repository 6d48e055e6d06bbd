"""Conversation: one prompt in, the reply out sentence by sentence. Commands first, then the engine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hub.engines import load_engine
from hub.lines import Lines, load_lines
from hub.messages import Prompt, Request, Sentence
from hub.settings import Settings, config_dir
from hub.stage import Stage
from workers.llm.answers import respond
from workers.llm.engine import LlmEngine
from workers.llm.intents import Intents
from workers.llm.stream import spoken


@dataclass(frozen=True)
class Brain:
    """What a reply is made with."""

    engine: LlmEngine
    intents: Intents
    lines: Lines
    threads: ThreadPoolExecutor
    name: str
    model: str


async def converse(prompt: Prompt, brain: Brain) -> AsyncIterator[Sentence | Request]:
    """Answer one prompt."""
    reply = await asyncio.to_thread(respond, prompt, brain.intents, brain.lines)
    if reply is not None:
        for piece in reply:
            yield piece
        return
    async with contextlib.aclosing(spoken(brain.engine.reply(prompt), prompt, brain.lines, brain.threads)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            yield piece


@contextlib.asynccontextmanager
async def open_brain(settings: Settings) -> AsyncIterator[Brain]:
    """Load engine, intents and lines."""
    stage = settings.stage("llm")
    engine = load_engine("workers.llm.engines", stage.engine, stage.options)
    await asyncio.to_thread(engine.warm)
    intents = await asyncio.to_thread(Intents.load, config_dir() / "intents", settings.language)
    threads = ThreadPoolExecutor(stage.concurrency + 1, "llm")  # one for each reply, and one to close in
    try:
        yield Brain(engine, intents, load_lines(settings.language), threads, engine.name, engine.model)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)  # an engine that hangs must not block the loop


STAGE = Stage(name="llm", consumes=Prompt, handle=converse, open=open_brain, dispatch="affine")
