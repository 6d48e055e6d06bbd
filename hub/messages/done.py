"""A turn is over."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import TurnMessage
from hub.messages.parts import Action, Place
from hub.topics import Topic

Outcome = Literal["answered", "interrupted", "failed", "nothing-said"]


class Done(TurnMessage):
    """What was said and what was heard of the reply, once, when a turn has ended in any way."""

    topic: ClassVar[Topic] = topics.DONE

    outcome: Outcome
    code: str | None = None
    said: str = ""
    heard: str = ""
    """The part of the reply the child heard, cut where it was interrupted."""
    actions: list[Action] = []
    """What was carried out, in order."""
    place: Place | None = None
    """Where a story or track stopped; None: none was played."""
    place_ended: bool = False
    """Whether it was played to its end."""
    times_ms: dict[str, int] = {}
    """When each step was reached, in ms from the end of speech."""
