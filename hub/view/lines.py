"""One readable line for each message class; the class is found by its topic."""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from hub import messages
from hub.errors import BadMessage
from hub.messages import AudioChunk, Message
from hub.messages.audio import END, START

Kind = Literal["toy", "order", "chain", "people", "work", "bad"]
Sayable = Message | AudioChunk
_WIDTH = 160


@cache
def message_classes() -> dict[str, type[Sayable]]:
    """Every class that travels, by the template of its topic."""
    classes = [value for value in vars(messages).values() if isinstance(value, type)]
    travelling = [each for each in classes if issubclass(each, Message | AudioChunk) and hasattr(each, "topic")]
    return {each.topic.template: each for each in travelling}


def class_of(topic: str) -> type[Sayable] | None:
    """The class of what is published on ``topic``; None when the project knows no such topic."""
    return next((each for each in message_classes().values() if each.topic.parse(topic) is not None), None)


def decode(topic: str, payload: bytes) -> Sayable:
    """Read any message.

    Raises:
        BadMessage: ``unknown-topic``, or what the class of the topic says.
    """
    kind = class_of(topic)
    if kind is None:
        raise BadMessage(topic, "unknown-topic")
    return kind.decode(topic, payload)


def line(message: Sayable) -> str:
    """What a message says, on one line, as plain text."""
    words = _SAYS[type(message)](message) if type(message) in _SAYS else repr(message)
    words = " ".join(words.split())
    return words if len(words) <= _WIDTH else words[: _WIDTH - 1] + "…"


def kind_of(topic: str) -> Kind:
    """Which part of the project speaks on a topic."""
    top, *rest = topic.split("/")
    if top == "toys":
        return {"up": "toy", "down": "order"}.get(rest[1] if len(rest) > 1 else "", "people")  # type: ignore[return-value]
    return "chain" if top == "turns" else "work"


def readable_classes() -> set[type[Sayable]]:
    """The classes that have a line of their own."""
    return set(_SAYS)


def _fields(message: Message, *names: str, **given: object) -> str:
    """``name value`` of each field that says something."""
    values = {**given, **{name: getattr(message, name) for name in names}}
    said = {name: value for name, value in values.items() if value not in (None, "", [], {})}
    return " ".join(f"{name} {_listed(value)}" for name, value in said.items())


def _listed(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _quoted(text: str) -> str:
    return f"“{text}”"


def _chunk(m: AudioChunk) -> str:
    flags = [name for bit, name in ((START, "START"), (END, "END")) if m.flags & bit]
    return " ".join([f"turn {m.turn} seq {m.seq} at {m.timestamp_ms} ms, {len(m.data)} bytes", *flags])


def _event(m: messages.Event) -> str:
    if m.event == "start":
        return f"start press {m.press} {m.mode} {m.codec} {m.rate} Hz"
    return " ".join([m.event, _fields(m, "turn", "seq", "ms"), "final" if m.final else "", _fields(m, "level")])


def _piece(m: messages.Piece, what: str) -> str:
    return f"{m.index}: {what}{_place(m.place)}{' (last)' if m.last else ''}{' (more to come)' if m.more else ''}"


def _place(place: messages.Place | None) -> str:
    return f" [{place.title} at {place.position}]" if place else ""


def _frames(m: messages.Speech | messages.Track) -> str:
    return f"{len(m.frames) * m.output.frame_ms / 1000:.1f} s {m.output.codec}"


def _action(action: messages.Action) -> str:
    return f"{action.name}({', '.join(f'{key}={value}' for key, value in action.slots.items())})"


def _heard(m: messages.Heard | messages.Transcript) -> str:
    return f"{_quoted(m.text)} {m.source} {m.confidence:.2f}"


def _prompt(m: messages.Prompt) -> str:
    return f"{_quoted(m.text)} as {m.persona.name}, {len(m.chat)} messages, {len(m.recalled)} recalled"


def _done(m: messages.Done) -> str:
    actions = " ".join(map(_action, m.actions))
    return " ".join([m.outcome, m.code or "", f"said {_quoted(m.said)} heard {_quoted(m.heard)}", actions])


def _reply(m: messages.Reply) -> str:
    latency = f"after {m.latency_ms} ms" if m.latency_ms is not None else ""
    return " ".join([_quoted(m.text), "interrupted" if m.interrupted else "", m.code or "", latency])


def _utterance(m: messages.Utterance) -> str:
    return f"revision {m.revision}, {len(m.pcm) / 2 / m.rate:.2f} s at {m.rate} Hz"


def _config(m: messages.Config) -> str:
    return _fields(m, "version", "volume", "volume_cap", "locale", "time_ms", "utc_offset_min")


def _hello(m: messages.Hello) -> str:
    names = ("firmware", "codecs", "rate", "frame_ms", "buffer_ms", "max_packet", "capabilities")
    return _fields(m, *names, protocol=m.version)


_SAYS: dict[type[Sayable], Callable[[Any], str]] = {
    messages.Hello: _hello,
    messages.Presence: lambda m: m.text,
    messages.UpAudio: _chunk,
    messages.UtteranceFile: lambda m: f"a file of {len(m.data)} bytes",
    messages.Text: lambda m: _quoted(m.text),
    messages.Event: _event,
    messages.DownAudio: _chunk,
    messages.Control: lambda m: f"{m.control} {_fields(m, 'turn', 'press', 'from_seq', 'volume', 'code')}",
    messages.Config: _config,
    messages.State: lambda m: f"{m.state} {_fields(m, 'turn', 'title', 'code')}",
    messages.Heard: _heard,
    messages.Reply: _reply,
    messages.Set: lambda m: f"{m.what}: {_quoted(m.text)}",
    messages.Utterance: _utterance,
    messages.Transcript: _heard,
    messages.Prompt: _prompt,
    messages.Sentence: lambda m: _piece(m, _quoted(m.text)),
    messages.Speech: lambda m: _piece(m, f"{_frames(m)} {_quoted(m.text)}"),
    messages.Request: lambda m: _piece(m, _action(m.action)),
    messages.Track: lambda m: _piece(m, f"{_frames(m)} of {_quoted(m.title)}"),
    messages.Failure: lambda m: f"{m.stage} gave up: {m.code}",
    messages.Done: _done,
    messages.Cancel: lambda m: f"everything up to revision {m.revision}",
    messages.Lease: lambda m: f"{m.stage} {m.replica} has taken revision {m.revision} index {m.index}",
    messages.Worker: lambda m: f"{m.state} {_fields(m, 'engine', 'model', 'busy', 'done', 'failed', 'rejected')}",
    messages.Titles: lambda m: f"{len(m.titles)} titles, version {m.version}",
    messages.HubStatus: lambda m: m.text,
    messages.HubHealth: lambda m: _fields(m, "devices", "sessions", "turns", "failures", "rejected"),
}
