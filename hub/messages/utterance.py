"""One complete stretch of speech: as a file a toy or a person sends, and as the hub hands it to stt."""

from typing import ClassVar

from pydantic import Field

from hub import topics
from hub.messages.base import RawMessage, TurnMessage
from hub.topics import Topic


class UtteranceFile(RawMessage):
    """A whole audio file (WAV, Ogg, or whatever PyAV reads) taken as one utterance."""

    topic: ClassVar[Topic] = topics.UP_UTTERANCE

    device: str
    data: bytes


class Utterance(TurnMessage):
    """Speech cut out by endpointing: PCM16 mono little endian at ``rate`` hertz, silence trimmed at both ends."""

    topic: ClassVar[Topic] = topics.UTTERANCE

    pcm: bytes
    rate: int = Field(default=16_000, ge=8000, le=48_000)
    language: str = "en"
