"""Text to speech: one sentence in, its sound out, in the codec and rate of the toy."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from hub.audio import encode
from hub.engines import load_engine
from hub.messages import Sentence, Speech
from hub.settings import Settings
from hub.stage import Stage
from workers.tts.cache import Cache
from workers.tts.engine import TtsEngine
from workers.tts.spoken import spoken

_CACHE_BYTES = 16 * 2**20
"""About an hour and a half of Opus, or eight minutes of 16 kHz PCM."""


@dataclass(frozen=True)
class Speaker:
    """What speech is made with."""

    engine: TtsEngine
    cache: Cache
    name: str
    model: str


async def speak(sentence: Sentence, speaker: Speaker) -> AsyncIterator[Speech]:
    """Speak one sentence; text without anything to be said becomes a piece without sound."""
    text = spoken(sentence.text)
    key = (speaker.name, sentence.voice.model_dump_json(), text, sentence.output.model_dump_json())
    frames = speaker.cache.get(key) if text else []
    if frames is None:
        frames = await asyncio.to_thread(_frames, text, sentence, speaker.engine)
        speaker.cache.put(key, frames)
    yield sentence.then(
        Speech, index=sentence.index, last=sentence.last, more=sentence.more, place=sentence.place,
        text=sentence.text, frames=frames,
    )  # fmt: skip


def _frames(text: str, sentence: Sentence, engine: TtsEngine) -> list[bytes]:
    pcm, rate = engine.synthesize(text, sentence.voice)
    return encode(pcm, rate, sentence.output)


@contextlib.asynccontextmanager
async def open_speaker(settings: Settings) -> AsyncIterator[Speaker]:
    """Load the engine and have it speak once."""
    stage = settings.stage("tts")
    engine = load_engine("workers.tts.engines", stage.engine, stage.options)
    await asyncio.to_thread(engine.warm)
    yield Speaker(engine, Cache(_CACHE_BYTES), engine.name, engine.model)


STAGE = Stage(name="tts", consumes=Sentence, handle=speak, open=open_speaker)
