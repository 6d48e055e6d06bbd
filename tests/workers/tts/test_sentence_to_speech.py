import shutil
import threading
from typing import Any

import numpy as np
import pytest

from hub.audio import Pcm
from hub.errors import EngineError
from hub.messages import Action, AudioFormat, Place, Sentence, Speech, Voice
from hub.settings import Settings
from workers.tts.cache import Cache
from workers.tts.sentence_to_speech import STAGE, Speaker, speak


class Hums:
    """An engine that hums a second for each word, and counts."""

    name, model = "hums", ""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Voice]] = []
        self.threads: set[int] = set()

    def warm(self) -> None: ...

    def synthesize(self, text: str, voice: Voice) -> tuple[Pcm, int]:
        if text == "boom":
            raise EngineError("broken")
        self.asked.append((text, voice))
        self.threads.add(threading.get_ident())
        return np.full(len(text.split()) * 22050, 1000, np.int16), 22050


def speaker(engine: Hums) -> Speaker:
    return Speaker(engine, Cache(2**20), "hums", "")


def sentence(text: str, **fields: Any) -> Sentence:
    return Sentence.model_validate({"device": "bear", "turn": 7, "text": text, **fields})


async def spoken(made: Sentence, by: Speaker) -> list[Speech]:
    return [speech async for speech in speak(made, by)]


async def test_everything_but_the_text_is_handed_on() -> None:
    more = Action(name="story", slots={"item": "bears", "position": 4})
    place = Place(item="bears", title="Bears", kind="story", position=3)
    made = sentence(
        "*one* two", index=3, last=True, more=more, place=place, revision=2, deadline_ms=9, output={"codec": "pcm16"}
    )
    [speech] = await spoken(made, speaker(Hums()))
    assert speech.model_dump(exclude={"frames"}) == {
        "device": "bear", "turn": 7, "revision": 2, "deadline_ms": 9, "output": made.output.model_dump(), "index": 3,
        "last": True, "more": more.model_dump(), "place": place.model_dump(), "text": "*one* two",
    }  # fmt: skip
    assert sum(map(len, speech.frames)) == pytest.approx(2 * 2 * 16000, rel=0.05)


@pytest.mark.parametrize("text", ["", "…", "😀"])
async def test_nothing_to_say_is_a_piece_without_sound(text: str) -> None:
    engine = Hums()
    [speech] = await spoken(sentence(text, last=True), speaker(engine))
    assert (speech.frames, speech.last, engine.asked) == ([], True, [])


async def test_the_engine_gets_clean_text_in_a_thread() -> None:
    engine = Hums()
    await spoken(sentence("**Hi** 😀", voice=Voice(speed=0.8)), speaker(engine))
    assert engine.asked == [("Hi", Voice(speed=0.8))]
    assert threading.get_ident() not in engine.threads


async def test_what_was_spoken_before_is_not_spoken_anew() -> None:
    engine = Hums()
    by = speaker(engine)
    first = await spoken(sentence("hi there"), by)
    again = await spoken(sentence("hi  *there*", turn=8), by)
    assert again[0].frames == first[0].frames
    assert len(engine.asked) == 1
    for other in (
        sentence("hi"),
        sentence("hi there", voice=Voice(pitch=1.2)),
        sentence("hi there", output={"rate": 24000}),
    ):
        await spoken(other, by)
    assert len(engine.asked) == 4


async def test_a_failure_is_the_stages_and_nothing_is_kept() -> None:
    by = speaker(Hums())
    for _ in range(2):
        with pytest.raises(EngineError):
            await spoken(sentence("boom"), by)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize("codec", ["opus", "pcm16"])
async def test_with_espeak(codec: Any, settings: Settings) -> None:
    output = AudioFormat(codec=codec)
    async with STAGE.open(settings) as by:
        assert (by.name, STAGE.name, STAGE.dispatch) == ("espeak", "tts", "shared")
        [speech] = [s async for s in STAGE.handle(sentence("Hello little bear.", output=output), by)]
    assert isinstance(speech, Speech)
    assert 10 < len(speech.frames) < 40
    assert Speech.decode(*speech.encode()[:2]) == speech
