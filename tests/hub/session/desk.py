"""A session on a desk: a clock that is set by hand, messages put in, effects read as short lines."""

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import numpy as np

from hub.audio import Pcm
from hub.messages import (
    Cancel,
    Control,
    Done,
    DownAudio,
    Event,
    Failure,
    Heard,
    Reply,
    Request,
    Speech,
    State,
    Transcript,
    TurnMessage,
)
from hub.messages.audio import END
from hub.session.effects import CutOff, Effect, Listen, SetVolume, StopListening
from hub.session.endpointing import SpeechEnded
from hub.session.turn import Profile
from hub.session.turns import Session
from hub.settings import Settings

DEVICE = "bear"
EPOCH_S = 1_700_000_000.0
FRAME_S = 0.06
SORRY = "Oh dear."
SORRY_FRAMES = 5


def brief(effect: Effect) -> str:  # noqa: C901 - a table
    """One effect as a line."""
    match effect:
        case Control():
            return " ".join(str(part) for part in (effect.control, effect.turn, effect.code) if part is not None)
        case Listen():
            return f"ear open {effect.turn}"
        case StopListening():
            return f"ear shut {effect.turn}"
        case State():
            return " ".join(str(part) for part in ("=", effect.state, effect.turn, effect.title) if part is not None)
        case Done():
            code = f" {effect.code}" if effect.code else ""
            return f"DONE {effect.turn} {effect.outcome}{code}: {effect.heard}".rstrip(": ")
        case DownAudio():
            return f"audio {effect.turn}{' END' if effect.flags & END else ''}"
        case SetVolume():
            return f"volume {effect.by:+d}" if effect.level is None else f"volume {effect.level}"
        case CutOff():
            return "cut off"
        case Heard() | Reply():
            return f"({effect.topic.noun} {effect.turn})"
        case TurnMessage():
            return f"{effect.topic.noun} {effect.turn}"
    raise AssertionError(effect)


def lines(effects: Iterable[Effect]) -> list[str]:
    """Effects as lines; a run of the same is one."""
    out: list[str] = []
    for effect in effects:
        line = brief(effect)
        if not out or out[-1] != line:
            out.append(line)
    return out


class Desk:
    """One session, its clock, and all it has done. Turns are 1, 2, 3…"""

    def __init__(self, *, reports_played: bool = False, settings: Settings | None = None) -> None:
        self.now = 1000.0
        self.all: list[Effect] = []
        self.settings = settings or Settings()
        self.turn_ids: list[int] = []
        numbers = count(1)
        self.profile = Profile(reports_played=reports_played)
        self.session = Session(
            DEVICE, self.settings, self.profile, lambda: self._begun(next(numbers)), sorry, epoch_s=EPOCH_S
        )

    def _begun(self, turn: int) -> int:
        self.turn_ids.append(turn)
        return turn

    @property
    def state(self) -> str:
        return self.session.state

    @property
    def done(self) -> list[Done]:
        return [effect for effect in self.all if isinstance(effect, Done)]

    def do(self, act: Callable[..., list[Effect]], *arguments: Any) -> list[str]:
        """Have the session do something now; what follows at once belongs to it, as in the conversation."""
        effects = act(*arguments, self.now)
        effects += self.session.tick(self.now)
        self.all += effects
        return lines(effects)

    def wait(self, seconds: float) -> list[str]:
        """Let time pass; the session is woken when it asked for it."""
        until, out = self.now + seconds, list[Effect]()
        spins = 0
        while (wake := self.session.next_wake(self.now)) is not None and wake <= until:
            spins = spins + 1 if wake <= self.now else 0
            assert spins < 3, "asks to be woken at once, again and again"
            self.now = max(self.now, wake)
            out += self.session.tick(self.now)
        self.now = until
        out += self.session.tick(until)
        self.all += out
        return lines(out)

    def settle(self) -> list[str]:
        """Let time pass until the session asks for no more."""
        out: list[str] = []
        for _ in range(100):
            if self.session.next_wake(self.now) is None:
                return out
            out += self.wait(60)
        raise AssertionError("never comes to rest")

    # -- what may come in

    def start(self, press: int | None = None) -> list[str]:
        return self.do(self.session.event, Event(device=DEVICE, event="start", press=press))

    def event(self, name: Any, **fields: Any) -> list[str]:
        return self.do(self.session.event, Event(device=DEVICE, event=name, **fields))

    def spoken(self, silence_ms: int = 600, reason: Any = "silence") -> list[str]:
        return self.do(self.session.heard, SpeechEnded(speech_pcm(), silence_ms, reason))

    def transcript(self, turn: int, text: str = "Hello.", **fields: Any) -> list[str]:
        return self.chain(Transcript(device=DEVICE, turn=turn, text=text, **fields))

    def speech(self, turn: int, index: int = 0, seconds: float = 0.3, text: str = "", **fields: Any) -> list[str]:
        frames = [b"sound"] * round(seconds / FRAME_S)
        text = text or f"This is piece {index}."
        return self.chain(Speech(device=DEVICE, turn=turn, index=index, text=text, frames=frames, **fields))

    def failure(self, turn: int, code: str = "engine-failed", **fields: Any) -> list[str]:
        return self.chain(Failure(device=DEVICE, turn=turn, stage="llm", code=code, **fields))

    def request(self, turn: int, action: Any, index: int = 0, **fields: Any) -> list[str]:
        return self.chain(Request(device=DEVICE, turn=turn, index=index, action=action, **fields))

    def chain(self, message: TurnMessage) -> list[str]:
        return self.do(self.session.chain, message)

    def text(self, text: str = "Tell me a joke.") -> list[str]:
        return self.do(self.session.text, text)

    def say(self, text: str = "Dinner is ready.") -> list[str]:
        return self.do(self.session.say, text)

    def stop(self) -> list[str]:
        return self.do(self.session.stop)

    def gone(self) -> list[str]:
        return self.do(self.session.gone)

    # -- how far a turn may be

    def listening(self) -> int:
        self.start(press=len(self.turn_ids) + 100)
        return self.turn_ids[-1]

    def thinking(self) -> int:
        turn = self.listening()
        self.spoken()
        return turn

    def speaking(self, seconds: float = 3.0, text: str = "One two three four five six.", **fields: Any) -> int:
        turn = self.thinking()
        self.speech(turn, 0, seconds, text, **fields)
        return turn


def sorry(code: str) -> Speech:
    """The apology for any code."""
    return Speech(device="_sounds", turn=0, text=SORRY, frames=[code.encode()] * SORRY_FRAMES, last=True)


def speech_pcm() -> Pcm:
    """What a child said."""
    return np.arange(1600, dtype=np.int16)


def of_turn(effects: Iterable[Effect], turn: int) -> list[Effect]:
    """What is about one turn, beside its Done, its Cancel, its flush and what people read."""
    quiet = (Done, Cancel, Reply, State)
    return [
        effect for effect in effects
        if getattr(effect, "turn", None) == turn and not isinstance(effect, quiet)
        and not (isinstance(effect, Control) and effect.control == "flush")
    ]  # fmt: skip
