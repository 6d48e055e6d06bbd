"""What every message has in common: its topic, how it is put on the wire and how it is read back.

On the wire a message is a msgpack map, a JSON object where people or firmware read it, or one raw value. On input
JSON is accepted wherever msgpack is: ``{`` opens every JSON object and is never the first byte of a msgpack map.
"""

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Self, TypeVar

import msgpack
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.errors import BadMessage
from hub.messages.parts import AudioFormat
from hub.topics import Topic, is_device_id

_Next = TypeVar("_Next", bound="TurnMessage")
_JSON_STARTS = (b"{", b" ", b"\n", b"\r", b"\t", b"\xef\xbb\xbf")


class Packet(NamedTuple):
    """What is handed to the broker."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


class Message(BaseModel):
    """A message on one topic; the topic's fields are fields of the class and stay out of the payload.

    Unknown fields are ignored, so that replicas of two versions understand each other.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: ClassVar[Topic]
    qos: ClassVar[Literal[0, 1]] = 1
    retain: ClassVar[bool] = False
    wire: ClassVar[Literal["msgpack", "json"]] = "msgpack"

    def encode(self) -> Packet:
        """The packet to publish."""
        body = self.model_dump(exclude=set(self.topic.fields))
        levels = {field: str(getattr(self, field)) for field in self.topic.fields}
        payload = msgpack.packb(body) if self.wire == "msgpack" else json.dumps(body, ensure_ascii=False).encode()
        return Packet(self.topic.format(**levels), payload, self.qos, self.retain)

    @classmethod
    def decode(cls, topic: str, payload: bytes) -> Self:
        """Read a packet back.

        Raises:
            BadMessage: ``bad-topic``, ``bad-device``, ``malformed`` (no msgpack, no JSON or no map), ``bad-field``.
        """
        levels = cls._levels(topic)
        try:
            return cls.model_validate({**cls._body(topic, payload), **levels})
        except ValidationError as error:
            raise _bad_field(topic, error) from None

    @classmethod
    def _levels(cls, topic: str) -> dict[str, str]:
        levels = cls.topic.parse(topic)
        if levels is None:
            raise BadMessage(topic, "bad-topic")
        if not is_device_id(levels.get("device", "-")):
            raise BadMessage(topic, "bad-device", "1-64 letters, digits, _ or -")
        return levels

    @classmethod
    def _body(cls, topic: str, payload: bytes) -> dict[str, Any]:
        """The payload as a map with text keys."""
        try:
            body = (_json if payload.startswith(_JSON_STARTS) else msgpack.unpackb)(payload)
        except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
            # RecursionError: "[[[[…" nests deeper than the parser; the payload's fault, not ours
            raise BadMessage(topic, "malformed", type(error).__name__) from None
        if not isinstance(body, dict) or not all(isinstance(key, str) for key in body):
            raise BadMessage(topic, "malformed", "not a map")
        return body


def _json(payload: bytes) -> Any:
    """JSON that can be sent on: half of a surrogate pair can be written in it and is no text.

    Raises:
        ValueError: no JSON, or no text.
    """
    body = json.loads(payload)
    if b"\\u" in payload:
        json.dumps(body, ensure_ascii=False).encode()
    return body


def _bad_field(topic: str, error: ValidationError) -> BadMessage:
    """Name the field and what is wrong with it, never its value or a key below it: they may be what a child said."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = str(first["loc"][0]) if first["loc"] else "-"
    return BadMessage(topic, "bad-field", f"{where}: {first['type']}")


@dataclass(frozen=True)
class Cleared:
    """Takes back what is retained on the topic of ``message``."""

    message: Message
    qos: ClassVar[Literal[0, 1]] = 1

    def encode(self) -> Packet:
        """The packet to publish: retained and empty."""
        return self.message.encode()._replace(payload=b"", retain=True)


class RawMessage(Message):
    """A message whose payload is one value: UTF-8 text in ``text`` or bytes in ``data``."""

    def encode(self) -> Packet:
        """The packet to publish."""
        levels = {field: str(getattr(self, field)) for field in self.topic.fields}
        value = getattr(self, self._slot())
        payload = value if isinstance(value, bytes) else str(value).encode()
        return Packet(self.topic.format(**levels), payload, self.qos, self.retain)

    @classmethod
    def _slot(cls) -> str:
        return "data" if "data" in cls.model_fields else "text"

    @classmethod
    def _body(cls, topic: str, payload: bytes) -> dict[str, Any]:
        if cls._slot() == "data":
            return {"data": payload}
        try:
            return {"text": payload.decode()}
        except UnicodeDecodeError:
            raise BadMessage(topic, "malformed", "not UTF-8") from None


class TurnMessage(Message):
    """A message about one turn of one device, made by the hub or a worker.

    Consumers are idempotent by ``(turn, revision)`` and, where there is one, ``index``: a message may arrive twice.
    """

    device: str
    turn: int = Field(ge=0, lt=2**32)
    revision: int = 1
    """A later revision of a turn supersedes all work on the earlier ones."""
    deadline_ms: int = 0
    """Unix time in ms after which nobody waits for this any more; 0: no deadline."""
    output: AudioFormat = AudioFormat()
    """What the toy can play; carried along so that tts and media deliver exactly that."""

    def then(self, kind: type[_Next], **fields: Any) -> _Next:
        """The next message of the same turn: identity, deadline and output are carried along."""
        return kind(**{name: getattr(self, name) for name in TurnMessage.model_fields}, **fields)
