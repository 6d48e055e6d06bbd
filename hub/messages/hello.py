"""A toy introduces itself after every connect; the hub answers with config."""

from typing import ClassVar, Literal

from pydantic import Field

from hub import topics
from hub.messages.base import Message
from hub.messages.parts import AudioFormat, Codec
from hub.topics import Topic


class Hello(Message):
    """What a toy is and what it can do. Every field has a default: ``{}`` is a valid hello."""

    topic: ClassVar[Topic] = topics.HELLO
    wire: ClassVar[Literal["msgpack", "json"]] = "json"

    device: str
    version: int = Field(default=1, ge=1, le=255)
    """Protocol version the firmware was written for."""
    firmware: str = Field(default="", max_length=64)
    codecs: list[Codec] = Field(default=["opus", "pcm16"], min_length=1, max_length=4)
    """What the toy plays and records, best first; the first is used for speech to the toy."""
    rate: Literal[8000, 12000, 16000, 24000, 48000] = 16000
    """Hertz of the sound the toy plays."""
    frame_ms: Literal[20, 40, 60] = 60
    buffer_ms: int = Field(default=2000, ge=100, le=60_000)
    """How much sound the toy can hold before it plays it."""
    max_packet: int = Field(default=1000, ge=512, le=65_536)
    """Bytes of the largest MQTT packet the toy can take: topic, header and payload. Opus packets are never divided."""
    capabilities: list[str] = Field(default=[], max_length=32)

    def output(self) -> AudioFormat:
        """The format for audio to this toy."""
        return AudioFormat(codec=self.codecs[0], rate=self.rate, frame_ms=self.frame_ms)
