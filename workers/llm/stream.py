"""An engine's words as the pieces of a reply, each as soon as it is whole: the only place where it meets asyncio."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor

from hub.lines import Lines
from hub.messages import Prompt, Request, Sentence
from workers.llm.answers.parts import Numbered, Part, Teller, go_on
from workers.llm.sentences import Sentences


async def pulled(pieces: Iterator[str], threads: Executor) -> AsyncIterator[str]:
    """The pieces of a blocking iterator, one step at a time in a thread.

    When the reply is not wanted any more, the iterator is closed as soon as the step it is at is over; nobody waits.
    """
    loop, one = asyncio.get_running_loop(), threading.Lock()

    def step() -> str | None:
        with one:
            return next(pieces, None)

    def close() -> None:
        with one:
            getattr(pieces, "close", int)()  # a plain iterator has nothing to free

    ended = False
    try:
        # the context goes along, so that an engine's log lines name device and turn
        while (piece := await loop.run_in_executor(threads, contextvars.copy_context().run, step)) is not None:
            yield piece
        ended = True
    finally:
        if not ended:
            threads.submit(close)


async def spoken(
    pieces: Iterator[str], prompt: Prompt, lines: Lines, threads: Executor
) -> AsyncIterator[Sentence | Request]:
    """The pieces of the reply; a story that was interrupted goes on after it, unless the toy ends with a question."""
    numbered, sentences, said = Numbered(prompt), Sentences(), ""
    async with contextlib.aclosing(pulled(pieces, threads)) as texts:  # type: ignore[type-var]
        async for text in texts:
            for said in sentences.feed(text):
                yield numbered.piece(said)
    rest: list[Part] = list(sentences.flush())
    said = str(rest[-1]) if rest else said
    if not said:
        rest = [Teller(prompt, lines).line("not_understood")]  # an engine that said nothing; never silence
    elif not said.endswith("?"):
        rest += go_on(prompt)
    for part in rest[:-1]:
        yield numbered.piece(part)
    yield numbered.piece(rest[-1] if rest else "", last=True)
