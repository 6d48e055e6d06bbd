"""Conversation: one prompt in, the reply out sentence by sentence. Commands first, then the engine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from hub.engines import load_engine
from hub.lines import Lines, load_lines
from hub.messages import Prompt, Request, Sentence
from hub.settings import Settings, config_dir
from hub.stage import Stage
from workers.llm import answers
from workers.llm.engine import LlmEngine
from workers.llm.intents import Intents
from workers.llm.stream import Stream

_SURE = 0.5
"""Below this confidence a text may be talked about but not acted on."""


@dataclass(frozen=True)
class Toy:
    """What answers: commands, lines and the engine."""

    intents: Intents
    lines: Lines
    engine: LlmEngine

    name = property(lambda self: self.engine.name)
    model = property(lambda self: self.engine.model)


@contextlib.asynccontextmanager
async def open_toy(settings: Settings) -> AsyncIterator[Toy]: ...


STAGE = Stage(name="llm", consumes=Prompt, handle=..., open=open_toy, dispatch="affine")
