"""What the library holds, so that speech recognition knows the words."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import Message
from hub.messages.parts import Part
from hub.topics import Topic


class Title(Part):
    """One thing that can be played or told."""

    id: str
    title: str
    also: list[str] = []
    kind: Literal["music", "story"] = "music"
    language: str = "en"
    topics: list[str] = []


class Titles(Message):
    """All titles of the library: retained, published when they change."""

    topic: ClassVar[Topic] = topics.LIBRARY
    retain: ClassVar[bool] = True

    version: str
    titles: list[Title]
