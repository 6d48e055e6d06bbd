"""One turn of one toy: what is known of it between its start and its Done."""

from dataclasses import dataclass, field
from typing import Literal

from hub.messages import Action, AudioFormat, Persona
from hub.session.playout import Playout


@dataclass
class Profile:
    """What a session needs to know of its toy; the registry keeps it current."""

    output: AudioFormat = field(default_factory=AudioFormat)
    buffer_ms: int = 2000
    max_packet: int = 1000
    reports_played: bool = False
    persona: Persona = field(default_factory=lambda: Persona(id="", name=""))


@dataclass
class Turn:
    """One exchange, from the start to its Done."""

    id: int
    press: int | None
    playout: Playout
    began: float
    phase: Literal["listening", "thinking", "speaking", "closing"] = "thinking"
    spoken_end: float = 0.0
    ended_by_silence: bool = False
    said: str = ""
    failed: str | None = None
    interrupted: bool = False
    waiting_since: float = 0.0
    played_ms: int | None = None
    played_at: float = 0.0
    all_played: bool = False
    actions: list[Action] = field(default_factory=list)
    times_ms: dict[str, int] = field(default_factory=dict)

    def reached(self, step: str, now: float) -> None:
        """Note when a step was reached first, in ms from the end of speech."""
        self.times_ms.setdefault(step, round((now - self.spoken_end) * 1000))

    def position_ms(self, now: float) -> int:
        """How much of the reply was played, as the toy said, else by wall clock."""
        if self.played_ms is None:
            return self.playout.played_by(now)
        if self.all_played or self.interrupted:
            return self.played_ms
        return min(self.playout.sent_ms, self.played_ms + int((now - self.played_at) * 1000))
