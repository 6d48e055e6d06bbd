"""Speech to text: one utterance in, one transcript out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from hub.engines import load_engine
from hub.messages import Titles, Transcript, Utterance
from hub.settings import Settings
from hub.stage import Stage
from workers.stt.engine import SttEngine


async def transcribe(utterance: Utterance, engine: SttEngine) -> AsyncIterator[Transcript]:
    """Write down what was said."""
    heard = await asyncio.to_thread(engine.transcribe, utterance.pcm, utterance.rate)
    yield utterance.then(
        Transcript,
        text=heard.text,
        language=heard.language or utterance.language,
        confidence=heard.confidence,
        source=heard.source,
    )


@contextlib.asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[SttEngine]:
    """The engine of the settings, warm."""
    stage = settings.stage("stt")
    engine: SttEngine = await asyncio.to_thread(load_engine, "workers.stt.engines", stage.engine, stage.options)
    await asyncio.to_thread(engine.warm)
    yield engine


async def learn(engine: SttEngine, titles: Titles) -> None:
    """Know the words of the library."""
    await asyncio.to_thread(engine.learn, titles.titles)


STAGE = Stage(name="stt", consumes=Utterance, handle=transcribe, open=open_engine, learns={Titles: learn})
