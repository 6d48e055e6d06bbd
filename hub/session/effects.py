"""What a session wants done, beside messages to be published."""

from dataclasses import dataclass

from hub.messages import DownAudio, Event, Message


@dataclass(frozen=True)
class Listen:
    """Begin to take the toy's audio for this turn."""

    turn: int
    event: Event


@dataclass(frozen=True)
class StopListening:
    """Take no more of the toy's audio."""

    turn: int


@dataclass(frozen=True)
class SetVolume:
    """Change the toy's volume: to ``level``, or by ``by``."""

    level: int | None = None
    by: int = 0


@dataclass(frozen=True)
class CutOff:
    """The last end of speech was none; what is known of the child's pauses should change."""


Effect = Message | DownAudio | Listen | StopListening | SetVolume | CutOff
