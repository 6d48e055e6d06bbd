"""Whether a toy is connected: retained, and the toy's last will."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import RawMessage
from hub.topics import Topic


class Presence(RawMessage):
    """``online`` or ``offline`` as plain text."""

    topic: ClassVar[Topic] = topics.PRESENCE
    retain: ClassVar[bool] = True

    device: str
    text: Literal["online", "offline"]
