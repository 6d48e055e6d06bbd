"""One class per message, found by reflection: each has a sample, its own file and topic, and survives the wire."""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import hub.messages
from hub.errors import BadMessage
from hub.messages import AudioChunk, Message, RawMessage, TurnMessage
from hub.messages.sentence import Piece
from hub.topics import every_topic

PERSONA = {"id": "bear", "name": "Bruno", "voice": {"name": "en-gb", "speed": 0.9}, "lines": {"hello": ["Hi"]}}
PLACE = {"item": "i", "title": "T", "kind": "story", "position": 3}
PIECE = {"index": 2, "last": True, "more": {"name": "continue", "slots": {"item": "i", "position": 5}}, "place": PLACE}
SAMPLES: dict[str, dict[str, Any]] = {
    "Hello": {"firmware": "1.0", "codecs": ["pcm16"], "rate": 24000, "capabilities": ["led"]},
    "Presence": {"text": "online"},
    "UtteranceFile": {"data": b"RIFF\x00"},
    "Text": {"text": "what time is it?"},
    "Event": {"event": "played", "turn": 7, "seq": 3, "ms": 180, "final": True},
    "Control": {"control": "listening", "turn": 7, "press": 2, "from_seq": 0},
    "Config": {"volume": 40, "volume_cap": 80, "time_ms": 1_700_000_000_000, "utc_offset_min": -60},
    "State": {"state": "playing", "turn": 7, "title": "Twinkle"},
    "Heard": {"turn": 7, "text": "hello", "source": "grammar", "confidence": 0.7},
    "Reply": {"turn": 7, "text": "hi", "latency_ms": 120},
    "Set": {"what": "say", "text": "Dinner is ready"},
    "Utterance": {"pcm": b"\x00\x01" * 9},
    "Transcript": {"text": "play twinkle", "source": "grammar", "confidence": 0.6},
    "Prompt": {"text": "hi", "source": "model", "confidence": 0.9, "persona": PERSONA, "child": "Ada",
               "chat": [{"role": "user", "content": "hi"}], "memories": [{"id": 1, "text": "f"}], "playing": PLACE},
    "Sentence": {"text": "Hello.", "voice": {"name": "en-us"}, **PIECE},
    "Speech": {"text": "Hello.", "frames": [b"1", b"22"], **PIECE},
    "Request": {"action": {"name": "play", "slots": {"title": "twinkle"}}, **PIECE},
    "Track": {"title": "T", "frames": [b"1"], **PIECE},
    "Failure": {"stage": "stt", "code": "engine-failed"},
    "Done": {"outcome": "interrupted", "said": "a", "heard": "b",
             "actions": [{"name": "volume", "slots": {"level": 5}}], "place": PLACE, "times_ms": {"first chunk": 100}},
    "Cancel": {"revision": 3},
    "Lease": {"noun": "utterance", "stage": "stt", "replica": "stt-1", "index": 4},
    "Worker": {"stage": "stt", "replica": "stt-1", "state": "ready", "rejected": {"utterance:malformed": 2}},
    "Titles": {"version": "1", "titles": [{"id": "i", "title": "T", "also": ["U"], "kind": "story"}]},
    "HubStatus": {"text": "online"},
    "HubHealth": {"devices": 3, "turns": {"answered": 5}},
    "UpAudio": {"turn": 7, "seq": 65535, "timestamp_ms": 60, "flags": 1, "data": b"\x01\x02"},
    "DownAudio": {"turn": 2**32 - 1, "seq": 0, "timestamp_ms": 0, "flags": 3, "data": b""},
}  # fmt: skip
ABSTRACT = {Message, RawMessage, TurnMessage, Piece, AudioChunk}


def subclasses(kind: type[Any]) -> set[type[Any]]:
    return {below for child in kind.__subclasses__() for below in {child, *subclasses(child)}}


for module in pkgutil.iter_modules(hub.messages.__path__):
    importlib.import_module(f"hub.messages.{module.name}")
KINDS = sorted((k for k in subclasses(Message) | subclasses(AudioChunk)
                if k not in ABSTRACT and k.__module__.startswith("hub.")), key=lambda k: k.__name__)  # fmt: skip


def sample(kind: type[Any]) -> Any:
    levels = {"device": "bear", "turn": 7, "what": "say", "stage": "stt", "replica": "stt-1", "noun": "utterance"}
    given = SAMPLES[kind.__name__]
    return kind(**{field: value for field, value in levels.items() if field in kind.topic.fields} | given)


def _is_text(payload: bytes, *, empty: bool) -> bool:
    try:
        return (0 if empty else 1) <= len(payload.decode()) <= 2000
    except UnicodeDecodeError:
        return False


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
class TestEvery:
    def test_round_trip(self, kind: Any) -> None:
        message = sample(kind)
        packet = message.encode()
        assert kind.decode(packet.topic, packet.payload) == message
        assert (packet.qos, packet.retain) == (kind.qos, kind.retain)

    def test_file_is_named_like_the_topic(self, kind: Any) -> None:
        file = Path(importlib.import_module(kind.__module__).__file__ or "").stem
        named = [level for level in kind.topic.template.split("/") if "{" not in level][-1]
        assert named in (file, f"{file}s")

    def test_json_is_read_where_msgpack_is(self, kind: Any) -> None:
        if kind.__name__ in ("Utterance", "Speech", "Track") or issubclass(kind, RawMessage | AudioChunk):
            pytest.skip("carries bytes")
        message = sample(kind)
        body = message.model_dump(exclude=set(kind.topic.fields))
        assert kind.decode(message.encode().topic, b" \n" + json.dumps(body).encode()) == message

    def test_unknown_fields_are_ignored(self, kind: Any) -> None:
        if issubclass(kind, RawMessage | AudioChunk) or kind.__name__ in ("Utterance", "Speech", "Track"):
            pytest.skip("has no fields or carries bytes")
        message = sample(kind)
        body = {**message.model_dump(exclude=set(kind.topic.fields)), "from_the_future": 1}
        assert kind.decode(message.encode().topic, json.dumps(body).encode()) == message

    @pytest.mark.parametrize(
        "payload",
        [b"", b"\x00", b"\xc1", b"{", b"[]", b"null", b"\x93\x01", b"\xff" * 50, b"[" * 100_000, b'{"1":' * 50_000,
         b"\x81\x01\x02", b"\xdf\xff\xff\xff\xff", bytes(range(256)), b"\xef\xbb\xbf{}x"],
        ids=range(14),
    )  # fmt: skip
    def test_rubbish_is_refused_by_name(self, kind: Any, payload: bytes) -> None:
        topic = sample(kind).encode().topic
        if issubclass(kind, hub.messages.UtteranceFile):
            assert kind.decode(topic, payload).data == payload  # any bytes may be a file; decoding it says more
            return
        if issubclass(kind, hub.messages.Text | hub.messages.Set) and _is_text(payload, empty=kind is hub.messages.Set):
            assert kind.decode(topic, payload).text == payload.decode()  # as good a text as any
            return
        with pytest.raises(BadMessage) as caught:
            kind.decode(topic, payload)
        assert caught.value.topic == topic
        assert caught.value.reason in ("malformed", "bad-field", "bad-version")

    def test_a_foreign_or_wild_id_is_refused(self, kind: Any) -> None:
        packet = sample(kind).encode()
        for bad in ("", "+", "#", "a b", "x" * 65, "bär", "a\x00b", "../etc", "$SYS"):
            if "device" in kind.topic.fields:
                topic = packet.topic.replace("bear", bad)
                with pytest.raises(BadMessage):
                    kind.decode(topic, packet.payload)
        with pytest.raises(BadMessage, match="bad-topic"):
            kind.decode("somewhere/else", packet.payload)


def test_every_topic_has_a_message() -> None:
    assert {kind.topic for kind in KINDS} == set(every_topic().values())


def test_truncated_chain_messages_are_refused() -> None:
    for kind in KINDS:
        if issubclass(kind, RawMessage):
            continue
        packet = sample(kind).encode()
        for end in range(len(packet.payload)):
            with pytest.raises(BadMessage):
                kind.decode(packet.topic, packet.payload[:end])


def test_errors_never_hold_content() -> None:
    topic = hub.messages.Transcript.topic.format(device="bear", turn="7")
    with pytest.raises(BadMessage) as caught:
        hub.messages.Transcript.decode(topic, b'{"text": ["my secret"]}')
    assert "secret" not in str(caught.value)
    assert "text" in str(caught.value)
