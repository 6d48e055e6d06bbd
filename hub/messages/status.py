"""Whether the hub is there."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import RawMessage
from hub.topics import Topic


class HubStatus(RawMessage):
    """``online`` or ``offline`` as plain text: retained, and the hub's last will."""

    topic: ClassVar[Topic] = topics.HUB_STATUS
    retain: ClassVar[bool] = True

    text: Literal["online", "offline"]
