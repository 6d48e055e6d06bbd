"""A worker process: retained, and its last will."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import Message
from hub.topics import Topic


class Worker(Message):
    """One replica of a stage; JSON, so that ``mosquitto_sub -t workers/#`` can be read."""

    topic: ClassVar[Topic] = topics.WORKER
    retain: ClassVar[bool] = True
    wire: ClassVar[Literal["msgpack", "json"]] = "json"

    stage: str
    replica: str
    state: Literal["ready", "draining", "offline"]
    engine: str = ""
    model: str = ""
    busy: int = 0
    """Jobs being worked on."""
    done: int = 0
    failed: int = 0
    rejected: dict[str, int] = {}
    """Messages that did not fit, by reason."""
