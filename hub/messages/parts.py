"""The small parts that several messages share."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Codec = Literal["opus", "pcm16"]
CodecFrame = Annotated[bytes, Field(max_length=8192)]
"""One frame of a codec; the largest is 60 ms of PCM16 at 48 kHz, 5,760 bytes."""


class Part(BaseModel):
    """Part of a message; like messages, unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AudioFormat(Part):
    """How a toy wants its audio: one ``frame_ms`` of mono sound at ``rate`` hertz in each codec frame."""

    codec: Codec = "opus"
    rate: Literal[8000, 12000, 16000, 24000, 48000] = 16000
    frame_ms: Literal[20, 40, 60] = 60


class Voice(Part):
    """The voice a persona speaks with; what an engine has not got it leaves out."""

    name: str = ""
    """The engine's name of the voice (espeak-ng: ``en-gb+f3``); empty: the engine's default for the language."""
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    pitch: float = Field(default=1.0, ge=0.5, le=2.0)
    language: str = "en"


class Place(Part):
    """A place in something long, so that it can be resumed: a story's sentence or a track's time."""

    item: str
    """Id in the library."""
    title: str
    kind: Literal["music", "story"]
    position: int = Field(default=0, ge=0)
    """Music: ms from the beginning. Story: index of the sentence."""


class Action(Part):
    """Something a reply asks for beside speech, by name."""

    name: str
    slots: dict[str, str | int] = {}
