import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from hub.errors import EngineError
from hub.messages import Fact, Prompt
from hub.settings import Settings
from tests.workers.llm.builders import BEAR, SONG, prompt, short
from workers.llm.engines import scripted
from workers.llm.prompt_to_sentence import STAGE, Brain, converse


@pytest.fixture
async def brain(settings: Settings) -> AsyncIterator[Brain]:
    async with STAGE.open(settings) as opened:
        yield opened


class Says:
    """An engine that says what it is given, and remembers whether its reply was closed."""

    name, model = "says", ""

    def __init__(self, *pieces: str, wait: threading.Event | None = None, error: Exception | None = None) -> None:
        self._pieces, self._wait, self._error = pieces, wait, error
        self.closed = threading.Event()

    def warm(self) -> None: ...

    def reply(self, prompt: Prompt) -> Iterator[str]:
        try:
            yield from self._pieces
            if self._wait:
                self._wait.wait(5)
            if self._error:
                raise self._error
        finally:
            self.closed.set()


async def said(brain: Brain, engine: Any = None, **fields: Any) -> list[Any]:
    brain = replace(brain, engine=engine) if engine else brain
    return short([piece async for piece in converse(prompt(**fields), brain)])


async def test_a_command_never_reaches_the_engine(brain: Brain) -> None:
    assert await said(brain, Says("no"), text="Play humpty dumpty, please!") == [("play", {"title": "humpty dumpty"})]


async def test_talk_is_answered_sentence_by_sentence(brain: Brain) -> None:
    engine = Says("Once ", "there was", " a bear. He", " was big", ".", " The end")
    got = await said(brain, engine, text="tell me about bears then")
    assert got == ["Once there was a bear.", "He was big.", "The end"]
    assert engine.closed.is_set()


async def test_an_end_that_comes_late_is_a_piece_without_sound(brain: Brain) -> None:
    assert await said(brain, Says("Hello.\n"), text="blah blah") == ["Hello.", ""]


async def test_an_engine_that_says_nothing_is_not_silence(brain: Brain) -> None:
    assert await said(brain, Says("", " "), text="blah blah")


async def test_music_goes_on_after_talk_but_not_after_a_question(brain: Brain) -> None:
    music = {"text": "blah blah", "playing": SONG, "was_playing": True}
    resume = ("play", {"item": "twinkle", "position": 9000, "quiet": 1})
    assert await said(brain, Says("I see."), **music) == ["I see.", resume]
    assert await said(brain, Says("I see.\n"), **music) == ["I see.", resume]
    assert await said(brain, Says("Are you sad?"), **music) == ["Are you sad?"]


async def test_the_first_sentence_does_not_wait_for_the_second(brain: Brain) -> None:
    gate = threading.Event()
    engine = Says("One. ", "Two", wait=gate)
    async with contextlib.aclosing(converse(prompt("blah blah"), replace(brain, engine=engine))) as pieces:  # type: ignore[type-var]
        assert (await anext(pieces)).text == "One."  # type: ignore[union-attr]
        assert not engine.closed.is_set()
        gate.set()


async def test_a_reply_that_nobody_wants_is_closed_between_two_pieces(brain: Brain) -> None:
    gate = threading.Event()
    engine = Says("One. ", "Two", wait=gate)
    pieces = converse(prompt("blah blah"), replace(brain, engine=engine))
    await anext(pieces)

    async def next_piece() -> None:
        await anext(pieces)

    step = asyncio.create_task(next_piece(), name="step")
    await asyncio.sleep(0.05)
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step
    assert not engine.closed.is_set()  # the engine is in the middle of a step; nobody waits for it
    gate.set()
    assert await asyncio.to_thread(engine.closed.wait, 5)


async def test_the_failure_of_an_engine_is_the_stages(brain: Brain) -> None:
    with pytest.raises(EngineError):
        await said(brain, Says("One. ", error=EngineError("the server is gone")), text="blah blah")


async def test_replies_run_side_by_side(brain: Brain) -> None:
    gate = threading.Event()
    with ThreadPoolExecutor(3) as threads:
        wide = replace(brain, threads=threads)
        slow = asyncio.create_task(said(wide, Says(wait=gate), text="blah blah"), name="slow")
        assert await said(wide, Says("Quick."), text="blah blah") == ["Quick."]
        assert not slow.done()
        gate.set()
        await slow


# -- the built-in engine


def reply(text: str, **fields: Any) -> str:
    return " ".join(scripted.Engine(scripted.Settings()).reply(prompt(text, **fields)))


@pytest.mark.parametrize(
    ("text", "fields", "occasion"),
    [
        ("why is the sky blue", {}, "question"),
        ("the sky is blue?", {}, "question"),
        ("I am so sad", {}, "sad"),
        ("I am not sad", {}, "chat"),
        ("there is a monster", {}, "scared"),
        ("my knee hurts", {}, "hurt"),
        ("I love you", {}, "love"),
        ("yes", {}, "yes"),
        ("no", {}, "no"),
        ("no that is a horse", {}, "chat"),
        ("we saw a horse", {}, "chat"),
        ("I am sad", {"source": "open"}, "not_understood"),
        ("my dog ate a sock", {"recalled": [Fact(id=1, text="my dog is called Rex")]}, "recalled"),
    ],
)
def test_what_the_built_in_engine_reacts_to(text: str, fields: dict[str, Any], occasion: str) -> None:
    persona = BEAR.model_copy(update={"lines": {occasion: [f"<{occasion}>"]}})
    assert reply(text, persona=persona, **fields) == f"<{occasion}>"


def test_it_mentions_a_memory_turned_round() -> None:
    assert "your dog is called Rex" in reply("my dog", recalled=[Fact(id=1, text="my dog is called Rex")])


def test_it_varies_and_uses_the_name_now_and_then() -> None:
    replies = [reply("we saw a horse", turn=turn, child="Mia") for turn in range(40)]
    assert len(set(replies)) >= 5
    assert 0 < sum("Mia" in text for text in replies) < 20


def test_a_persona_of_another_language_is_answered_in_english_when_there_are_no_lines() -> None:
    assert reply("we saw a horse", persona=BEAR.model_copy(update={"language": "xx"}))
