"""Music and stories: a request in, a part of a recording or the sentences of a story out."""

import asyncio
from collections.abc import AsyncIterator

from hub.messages import Piece, Request, Sentence
from hub.stage import Stage
from workers.media.choice import SERVES
from workers.media.engine import Shelf, announce, open_shelf


async def play(request: Request, shelf: Shelf) -> AsyncIterator[Piece]:
    """Go on with the reply from the request's index: say what comes, then play or tell the first part of it.

    Each part but the last names what to ask for next; the hub asks when the playout comes near its end.
    """
    if request.action.name not in SERVES:
        return
    choice = await asyncio.to_thread(shelf.choose, request)
    index = request.index
    if choice.announcement:
        alone = choice.item is None
        yield request.then(Sentence, index=index, text=choice.announcement, voice=request.voice, last=alone)
        index += 1
    if choice.item is not None:
        for piece in await asyncio.to_thread(shelf.part, request, choice.item, choice.position, index):
            yield piece


STAGE = Stage(name="media", consumes=Request, handle=play, open=open_shelf, announces=announce)
