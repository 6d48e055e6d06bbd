"""A replica has taken a job."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import Message
from hub.topics import Topic


class Lease(Message):
    """Which replica works on this turn's ``noun``; if it dies, the keeper offers the job again."""

    topic: ClassVar[Topic] = topics.LEASE
    qos: ClassVar[Literal[0, 1]] = 0

    device: str
    turn: int
    noun: str
    stage: str
    replica: str
    revision: int = 1
    index: int = 0
