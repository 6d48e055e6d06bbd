"""What a toy should know between turns: retained, so that both sides may restart."""

from typing import ClassVar, Literal

from pydantic import Field

from hub import topics
from hub.messages.base import Message
from hub.topics import Topic


class Config(Message):
    """Settings of one toy. ``time_ms`` is the clock of the hub when it was written, for toys that have none."""

    topic: ClassVar[Topic] = topics.CONFIG
    retain: ClassVar[bool] = True
    wire: ClassVar[Literal["msgpack", "json"]] = "json"

    device: str
    version: int = 1
    """Protocol version the hub speaks."""
    volume: int = Field(default=60, ge=0, le=100)
    volume_cap: int = Field(default=100, ge=0, le=100)
    locale: str = "en"
    time_ms: int = 0
    """Unix time in ms."""
    utc_offset_min: int = 0
