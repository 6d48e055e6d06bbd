"""What a request means in this library: which item, from where, and what is said before it. Blocking."""

from dataclasses import dataclass

from hub.lines import Lines
from hub.messages import Request
from workers.media.items import Item, Kind
from workers.media.library import Library

SERVES = frozenset({"play", "story", "continue"})
"""Names of the actions this stage carries out."""
_NAMED_WHEN_MISSING = 3


@dataclass(frozen=True)
class Choice:
    """An item and a position to play it from, or None; and a line to say first, or nothing."""

    item: Item | None
    position: int = 0
    announcement: str = ""


def choose(request: Request, library: Library, lines: Lines) -> Choice:
    """Find what is asked for.

    Raises:
        MediaNotFound: the item it names is gone.
        IndexUnavailable: the Qdrant server does not answer.
    """
    slots, language = request.action.slots, request.voice.language
    kind: Kind | None = "story" if request.action.name == "story" else None
    if slots.get("kind") in ("music", "story"):
        kind = "music" if slots["kind"] == "music" else "story"
    wanted = str(slots.get("title") or slots.get("topic") or "")
    if "item" in slots:
        return _named(request, library, lines)
    if wanted:
        if hits := library.search(wanted, kind, language, limit=1):
            return _announced(hits[0].item, lines, request.turn)
        return _missing(wanted, kind, library, lines, request)
    items = library.items(kind or "music", language)
    if not items:
        return Choice(None, announcement=lines.pick("library_empty", request.turn))
    after = [index for index, item in enumerate(items) if item.id == slots.get("after")]
    at = after[0] + 1 if after else request.turn
    return _announced(items[at % len(items)], lines, request.turn)


def _named(request: Request, library: Library, lines: Lines) -> Choice:
    """A certain item: the next part of it, or again from where it stopped."""
    item = library.get(str(request.action.slots["item"]))
    position = int(request.action.slots.get("position", 0))
    if request.action.name == "continue" or request.action.slots.get("quiet"):
        return Choice(item, position)
    if position == 0:
        return _announced(item, lines, request.turn)
    return Choice(item, position, lines.pick("resume", request.turn, title=item.title))


def _announced(item: Item, lines: Lines, turn: int) -> Choice:
    return Choice(item, 0, lines.pick("play" if item.kind == "music" else "story", turn, title=item.title))


def _missing(wanted: str, kind: Kind | None, library: Library, lines: Lines, request: Request) -> Choice:
    """Say that it is not there, and what is: never silence."""
    items = library.items(kind, request.voice.language)
    if not items:
        return Choice(None, announcement=lines.pick("library_empty", request.turn))
    first = request.turn % len(items)
    some = [items[(first + step) % len(items)].title for step in range(min(_NAMED_WHEN_MISSING, len(items)))]
    titles = ", ".join(some[:-1]) + (" and " if len(some) > 1 else "") + some[-1]
    missing = lines.pick("not_in_library", request.turn, title=wanted)
    return Choice(None, announcement=f"{missing} {lines.pick('library_has', request.turn, titles=titles)}")
