"""What a toy is doing, for people and Home Assistant."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import Message
from hub.topics import Topic

DeviceState = Literal["idle", "listening", "thinking", "speaking", "playing"]


class State(Message):
    """The state of a device: retained JSON."""

    topic: ClassVar[Topic] = topics.STATE
    retain: ClassVar[bool] = True
    wire: ClassVar[Literal["msgpack", "json"]] = "json"

    device: str
    state: DeviceState
    turn: int | None = None
    title: str | None = None
    """playing: what is being played."""
    code: str | None = None
    """idle: why the last turn failed; absent when it was answered."""
