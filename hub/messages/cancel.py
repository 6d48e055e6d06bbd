"""Nobody waits for a turn any more."""

from typing import ClassVar

from hub import topics
from hub.messages.base import TurnMessage
from hub.topics import Topic


class Cancel(TurnMessage):
    """Stop all work on this turn up to and including ``revision``."""

    topic: ClassVar[Topic] = topics.CANCEL
