"""How the hub is doing, in numbers."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import Message
from hub.topics import Topic


class HubHealth(Message):
    """Counters since the hub's start: retained JSON, every few seconds."""

    topic: ClassVar[Topic] = topics.HUB_HEALTH
    retain: ClassVar[bool] = True
    wire: ClassVar[Literal["msgpack", "json"]] = "json"

    devices: int = 0
    sessions: int = 0
    """Toys that listen, think, speak or play right now."""
    turns: dict[str, int] = {}
    """Ended turns by outcome."""
    failures: dict[str, int] = {}
    """Failed turns by code."""
    rejected: dict[str, int] = {}
    """Messages that were refused, as ``<topic's last level>:<reason>``."""
