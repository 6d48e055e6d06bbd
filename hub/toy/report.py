"""What one turn was like, seen and heard from the toy."""

from dataclasses import dataclass, field

import numpy as np

from hub.audio import Pcm
from hub.toy.playback import Playback


@dataclass(frozen=True)
class TurnReport:
    """One turn. Times are ms from the end of speech (text: from when it was sent); None: it never came to that.

    Attributes:
        device: whose turn.
        turn: the hub's number; None when the hub never answered.
        code: why it failed: a code of the hub, ``interrupted``, ``no-answer`` or ``timeout``; None: it was answered.
        transcript: what the hub understood, if the toy overheard it.
        reply: what the hub says was heard of the answer, if the toy overheard it.
        listening_ms: from the press to ``listening``.
        stop_listening_ms: when the microphone was shut by the hub.
        play_ms: when the turn was opened for playing.
        first_audio_ms: when the first chunk arrived.
        done_ms: when the hub said that the turn is over.
        played_ms: how much of the stream was heard.
        cut_ms: from an interruption at the toy until nothing was heard; None: there was none.
        playback: chunks late, lost, thrown away; when each was heard.
        dropped_foreign: chunks of other turns that came meanwhile.
        pcm: what was heard, at 16 kHz, with silence where nothing was there.
    """

    device: str
    turn: int | None
    code: str | None
    transcript: str | None = None
    reply: str | None = None
    listening_ms: float | None = None
    stop_listening_ms: float | None = None
    play_ms: float | None = None
    first_audio_ms: float | None = None
    done_ms: float | None = None
    played_ms: float = 0.0
    playback: Playback = field(default_factory=lambda: Playback(0, "pcm16", 16_000), repr=False)
    dropped_foreign: int = 0
    pcm: Pcm = field(default_factory=lambda: np.zeros(0, np.int16), repr=False)

    @property
    def answered(self) -> bool:
        """Whether sound came and the turn did not fail."""
        return self.code is None and self.first_audio_ms is not None

    @property
    def late_chunks(self) -> int:
        """Chunks that arrived after their play time."""
        return self.playback.late

    @property
    def gaps(self) -> int:
        """Chunks that never came."""
        return self.playback.gaps

    @property
    def underruns(self) -> int:
        """Times the speaker ran dry inside a piece."""
        return self.playback.underruns


@dataclass
class Stopwatch:
    """Gathers the times of a turn while it goes on, on the toy's clock."""

    zero_ms: float
    """When speech ended; for text, when it was sent. The press, as long as nothing better is known."""
    press: int | None = None
    turn: int | None = None
    pressed_ms: float | None = None
    listening_ms: float | None = None
    stop_listening_ms: float | None = None
    play_ms: float | None = None
    done_ms: float | None = None
    transcript: str | None = None
    reply: str | None = None
    code: str | None = None
    foreign: int = 0
    """Foreign chunks the firmware had dropped before this turn."""

    def since_zero(self, clock_ms: float | None) -> float | None:
        """A time of the clock as ms from the end of speech."""
        return None if clock_ms is None else clock_ms - self.zero_ms

    def report(self, device: str, playback: Playback | None, foreign: int) -> TurnReport:
        """The turn as it was.

        Args:
            device: whose.
            playback: of this turn, if the speaker opened it.
            foreign: what the firmware has dropped by now. Decoding the sound costs 1 ms for each second of it.
        """
        playback = playback if playback and playback.turn == self.turn else None
        listening = self.listening_ms is not None and self.pressed_ms is not None
        report = TurnReport(
            device, self.turn, self.code, self.transcript, self.reply,
            listening_ms=self.listening_ms - self.pressed_ms if listening else None,  # type: ignore[operator]
            stop_listening_ms=self.since_zero(self.stop_listening_ms),
            play_ms=self.since_zero(self.play_ms),
            done_ms=self.since_zero(self.done_ms),
            dropped_foreign=foreign - self.foreign,
        )  # fmt: skip
        return report
