"""What comes out of the firmware: messages to publish, and what the toy's body and its owner should know."""

from dataclasses import dataclass

from hub.messages import Event, Hello, Presence, UpAudio


@dataclass(frozen=True)
class Mic:
    """Open or shut the microphone; a new recording begins when it opens."""

    open: bool


@dataclass(frozen=True)
class TurnOpened:
    """The hub gave a turn to ``press``, or opened one itself (None)."""

    turn: int
    press: int | None


@dataclass(frozen=True)
class TurnOver:
    """A turn has ended; ``code`` says why it failed: the hub's, or ``interrupted`` or ``no-answer``."""

    turn: int | None
    press: int | None
    code: str | None


Output = Event | UpAudio | Presence | Hello | Mic | TurnOpened | TurnOver
Outputs = list[Output]
