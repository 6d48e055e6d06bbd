"""What the toy is to do now."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import Message, Packet
from hub.topics import Topic

ControlName = Literal["listening", "stop_listening", "play", "flush", "done", "volume", "error"]

ERROR_CODES = ("bad-event", "over", "interrupted")
"""Codes that stand only in ``error``, beside those a turn can fail with."""


class Control(Message):
    """An order to the toy, JSON of at most 512 bytes. Fields that do not belong to the order are left out."""

    topic: ClassVar[Topic] = topics.CONTROL
    wire: ClassVar[Literal["msgpack", "json"]] = "json"

    device: str
    control: ControlName
    turn: int | None = None
    """The turn it is about; what belongs to another turn is dropped by whoever gets it."""
    press: int | None = None
    """listening, error: the number the toy gave its start."""
    from_seq: int | None = None
    """listening: send audio from this chunk on."""
    volume: int | None = None
    """volume: 0 to 100."""
    code: str | None = None
    """done, error: why the turn failed; absent when it was answered."""

    def encode(self) -> Packet:
        """The packet to publish, without the fields that are not set."""
        body = self.model_dump_json(exclude={"device"}, exclude_none=True).encode()
        return Packet(self.topic.format(device=self.device), body, self.qos, self.retain)
