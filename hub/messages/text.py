"""Text taken as if it had been said."""

from typing import ClassVar

from pydantic import Field

from hub import topics
from hub.messages.base import RawMessage
from hub.topics import Topic


class Text(RawMessage):
    """UTF-8 text from a toy or a person."""

    topic: ClassVar[Topic] = topics.UP_TEXT

    device: str
    text: str = Field(min_length=1, max_length=2000)
