"""What the toy said, for people and Home Assistant."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import Message
from hub.topics import Topic


class Reply(Message):
    """The part of a reply that was heard, JSON; published when the turn is over."""

    topic: ClassVar[Topic] = topics.REPLY
    wire: ClassVar[Literal["msgpack", "json"]] = "json"

    device: str
    turn: int
    text: str
    interrupted: bool = False
    code: str | None = None
    latency_ms: int | None = None
    """From the end of speech to the first chunk sent."""
