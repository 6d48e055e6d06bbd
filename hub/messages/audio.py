"""One chunk of a stream of audio, up or down: a packed struct that is also valid msgpack.

Twenty bytes of header, then the sound (big endian)::

    offset  0  0x96         msgpack: array of 6
            1  0x01         version
            2  0xce u32     turn
            7  0xcd u16     seq, counts chunks of the turn from 0, wraps
           10  0xce u32     timestamp_ms, position of the first sample in the turn's stream
           15  0xcc u8      flags
           17  0xc5 u16     length of the sound
           20  …            one Opus packet, or PCM16 little endian
"""

import struct
from dataclasses import dataclass
from typing import ClassVar, Self

import msgpack

from hub import topics
from hub.errors import BadMessage
from hub.messages.base import Packet
from hub.topics import Topic, is_device_id

VERSION = 1
END = 0x01
"""Flag: the last chunk of the turn's stream in this direction."""
START = 0x02
"""Flag: a new piece begins; an Opus decoder is reset before it."""

_HEADER = struct.Struct(">BBBIBHBIBBBH")
HEADER_BYTES = _HEADER.size
_LIMITS = (2**32, 2**16, 2**32, 2**8)


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A chunk of audio. Not a pydantic model: there are thousands a second, and the struct checks itself."""

    topic: ClassVar[Topic]
    qos: ClassVar[int] = 0
    retain: ClassVar[bool] = False

    device: str
    turn: int
    seq: int
    timestamp_ms: int
    flags: int
    data: bytes

    def encode(self) -> Packet:
        """The packet to publish; at most 65,535 bytes of sound."""
        head = _HEADER.pack(0x96, VERSION, 0xCE, self.turn, 0xCD, self.seq, 0xCE, self.timestamp_ms,
                            0xCC, self.flags, 0xC5, len(self.data))  # fmt: skip
        return Packet(self.topic.format(device=self.device), head + self.data, self.qos, self.retain)

    @classmethod
    def decode(cls, topic: str, payload: bytes) -> Self:
        """Read a chunk, in the packed form above or any other msgpack of the same six values.

        Raises:
            BadMessage: ``bad-topic``, ``bad-device``, ``malformed``, ``bad-version`` or ``bad-field``.
        """
        levels = cls.topic.parse(topic)
        if levels is None:
            raise BadMessage(topic, "bad-topic")
        if not is_device_id(levels["device"]):
            raise BadMessage(topic, "bad-device", "1-64 letters, digits, _ or -")
        fields = _packed(payload) or _loose(topic, payload)
        return cls(levels["device"], *fields)


class UpAudio(AudioChunk):
    """From the toy, only after ``listening``."""

    __slots__ = ()
    topic: ClassVar[Topic] = topics.UP_AUDIO


class DownAudio(AudioChunk):
    """To the toy, paced to its buffer."""

    __slots__ = ()
    topic: ClassVar[Topic] = topics.DOWN_AUDIO


def _packed(payload: bytes) -> tuple[int, int, int, int, bytes] | None:
    """The fields if the payload is the packed form to the byte, else None."""
    if len(payload) < HEADER_BYTES:
        return None
    array, version, a, turn, b, seq, c, timestamp_ms, d, flags, e, size = _HEADER.unpack_from(payload)
    if (array, version, a, b, c, d, e) != (0x96, VERSION, 0xCE, 0xCD, 0xCE, 0xCC, 0xC5):
        return None
    if len(payload) != HEADER_BYTES + size:
        return None
    return turn, seq, timestamp_ms, flags, payload[HEADER_BYTES:]


def _loose(topic: str, payload: bytes) -> tuple[int, int, int, int, bytes]:
    """The fields from any msgpack encoding of the six values."""
    try:
        values = msgpack.unpackb(payload)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise BadMessage(topic, "malformed", type(error).__name__) from None
    if not isinstance(values, list) or len(values) != 6:
        raise BadMessage(topic, "malformed", "not an array of 6")
    version, *numbers, data = values
    if version != VERSION:
        raise BadMessage(topic, "bad-version", f"this hub speaks version {VERSION}")
    if not isinstance(data, bytes):
        raise BadMessage(topic, "bad-field", "bytes")
    for value, limit in zip(numbers, _LIMITS, strict=True):
        if type(value) is not int or not 0 <= value < limit:
            raise BadMessage(topic, "bad-field", "turn, seq, timestamp_ms or flags")
    turn, seq, timestamp_ms, flags = numbers
    return turn, seq, timestamp_ms, flags, data
