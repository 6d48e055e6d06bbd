"""A stage gave up on a turn."""

from typing import ClassVar

from hub import topics
from hub.messages.base import TurnMessage
from hub.topics import Topic


class Failure(TurnMessage):
    """Why a stage cannot finish a turn; the code picks the apology the child hears."""

    topic: ClassVar[Topic] = topics.FAILURE

    stage: str
    code: str
