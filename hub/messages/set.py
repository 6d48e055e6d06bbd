"""A wish of a person or of Home Assistant about one toy."""

from typing import ClassVar

from pydantic import Field

from hub import topics
from hub.messages.base import RawMessage
from hub.topics import Topic


class Set(RawMessage):
    """Plain text on ``set/<what>``: ``say``, ``ask`` (text), ``persona`` (its id), ``volume`` (0 to 100), ``stop``."""

    topic: ClassVar[Topic] = topics.SET

    device: str
    what: str
    text: str = Field(max_length=2000)
