"""Something happened at the toy."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from hub import topics
from hub.errors import BadMessage
from hub.messages.base import Message
from hub.messages.parts import Codec
from hub.topics import Topic

EventName = Literal["start", "stop", "interrupt", "played", "underrun", "pause", "resume", "battery", "button"]


class Event(Message):
    """A button, a wake word, a report. The bare name as payload (``start``) is accepted too."""

    topic: ClassVar[Topic] = topics.EVENT
    wire: ClassVar[Literal["msgpack", "json"]] = "json"

    device: str
    event: EventName
    press: int | None = Field(default=None, ge=0, lt=2**32)
    """start: the toy's own number of this wake; a repeated start carries the same one."""
    mode: Literal["open", "push"] = "open"
    """start: ``open`` ends with the child's silence, ``push`` with the event stop."""
    codec: Codec = "opus"
    """start: codec of the audio that follows."""
    rate: Literal[8000, 12000, 16000, 24000, 48000] = 16000
    """start: hertz of the audio that follows (PCM16; Opus says it itself)."""
    turn: int | None = Field(default=None, ge=0, lt=2**32)
    """played, stop, interrupt: the turn it is about."""
    seq: int | None = Field(default=None, ge=0, lt=2**16)
    """played: the last chunk that was played."""
    ms: int | None = Field(default=None, ge=0, lt=2**32)
    """played: how much of the turn was played; underrun: how long nothing was there to play."""
    final: bool = False
    """played: nothing more of this turn will be played."""
    level: int | None = Field(default=None, ge=0, le=100)
    """battery: percent."""

    @classmethod
    def press_in(cls, payload: bytes) -> int | None:
        """The number of a press in an event that is not valid otherwise, so that the toy can be told."""
        try:
            press = cls._body("", payload).get("press")
        except BadMessage:
            return None
        return press if type(press) is int and 0 <= press < 2**32 else None

    @classmethod
    def _body(cls, topic: str, payload: bytes) -> dict[str, Any]:
        word = payload.strip()
        if word.isalpha() and len(word) < 16:
            return {"event": word.decode()}
        return super()._body(topic, payload)
