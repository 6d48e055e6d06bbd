"""What was heard: as the chain hands it on, and as people read it."""

from typing import ClassVar, Literal

from pydantic import Field

from hub import topics
from hub.messages.base import Message, TurnMessage
from hub.topics import Topic

Source = Literal["grammar", "open", "model", "text"]


class Transcript(TurnMessage):
    """The words of an utterance; empty text: speech was there, but no words could be made out."""

    topic: ClassVar[Topic] = topics.TRANSCRIPT

    text: str
    language: str = "en"
    confidence: float = Field(default=1.0, ge=0, le=1)
    """As the engine sees it."""
    source: Source = "model"
    """Which part heard it: a grammar of known phrases, an open language model, a speech model, or typed text."""


class Heard(Message):
    """The transcript for people and Home Assistant, JSON."""

    topic: ClassVar[Topic] = topics.HEARD
    wire: ClassVar[Literal["msgpack", "json"]] = "json"

    device: str
    turn: int
    text: str
    source: Source = "model"
    confidence: float = 1.0
