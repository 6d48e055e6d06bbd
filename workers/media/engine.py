"""The media stage's engine: the library with the lines it speaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np

from hub import audio
from hub.lines import Lines, load_lines
from hub.messages import Action, Piece, Place, Request, Sentence, Titles, Track
from hub.settings import Settings
from workers.media.choice import Choice, choose
from workers.media.items import Item
from workers.media.library import Library
from workers.media.settings import LibrarySettings

_FIRST_PART_MS = 4_000
_PART_MS = 12_000
_SENTENCES = 3
_REFRESH_S = 5.0


class Shelf:
    """Answers requests with the pieces of a reply. Blocking."""

    name = "qdrant"
    model = ""

    def __init__(self, library: Library, lines: Lines) -> None:
        self.library, self._lines = library, lines

    def choose(self, request: Request) -> Choice:
        """See choice.choose."""
        return choose(request, self.library, self._lines)

    def part(self, request: Request, item: Item, position: int, index: int) -> list[Piece]:
        """The next part of an item as pieces from ``index`` on; the last asks for more unless the item ends.

        Raises:
            MediaError: the item's file or its place is gone or damaged.
        """
        return (self._told if item.spoken else self._played)(request, item, position, index)

    def _told(self, request: Request, item: Item, position: int, index: int) -> list[Piece]:
        texts, ended = self.library.sentences(item, position, _SENTENCES)
        pieces: list[Piece] = []
        for step, text in enumerate(texts):
            last = step == len(texts) - 1
            more = None if ended or not last else _more(item, position + len(texts))
            place = Place(item=item.id, title=item.title, kind="story", position=position + step)
            pieces.append(request.then(
                Sentence, index=index + step, text=text, voice=request.voice, last=last, more=more, place=place
            ))  # fmt: skip
        return pieces or [_nothing(request, index)]

    def _played(self, request: Request, item: Item, position: int, index: int) -> list[Piece]:
        length = _PART_MS if request.action.name == "continue" else _FIRST_PART_MS
        pcm, rate, ended = self.library.read(item, position, length)
        if not ended:  # whole codec frames, so that parts join without a gap
            frame = rate * request.output.frame_ms // 1000
            pcm = pcm[: max(frame, pcm.size // frame * frame)]
        frames = audio.encode(np.ascontiguousarray(pcm), rate, request.output) if pcm.size else []
        more = None if ended else _more(item, position + round(pcm.size * 1000 / rate))
        place = Place(item=item.id, title=item.title, kind="music", position=position)
        return [request.then(Track, index=index, title=item.title, frames=frames, last=True, more=more, place=place)]


def _more(item: Item, position: int) -> Action:
    return Action(name="continue", slots={"item": item.id, "position": position})


def _nothing(request: Request, index: int) -> Piece:
    return request.then(Sentence, index=index, text="", voice=request.voice, last=True)


@contextlib.asynccontextmanager
async def open_shelf(settings: Settings) -> AsyncIterator[Shelf]:
    """The library of the settings, open."""
    library = Library(LibrarySettings.of(settings))
    lines = await asyncio.to_thread(load_lines, settings.language)
    await asyncio.to_thread(library.__enter__)
    try:
        yield Shelf(library, lines)
    finally:
        await asyncio.to_thread(library.__exit__, None, None, None)


async def announce(shelf: Shelf) -> AsyncIterator[Titles]:
    """The titles, now and whenever they change; the starter library is made on the way."""
    installing = asyncio.create_task(asyncio.to_thread(shelf.library.install_starter), name="starter-library")
    said = ""
    try:
        while True:
            if shelf.library.version != said:
                said = shelf.library.version
                yield Titles(version=said, titles=shelf.library.titles())
            await asyncio.wait({installing}, timeout=_REFRESH_S)
            if installing.done():
                installing.result()
                await asyncio.sleep(_REFRESH_S if shelf.library.version == said else 0)
            await asyncio.to_thread(shelf.library.refresh)
    finally:
        installing.cancel()
