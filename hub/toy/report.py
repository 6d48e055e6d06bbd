"""What one turn was like, seen and heard from the toy."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hub.audio import Pcm
from hub.toy.playback import Playback


@dataclass(frozen=True)
class TurnReport:
    """One turn. Times are ms from the end of speech (text: from when it was sent); None: it never came to that.

    Where the end of speech is not known (a live microphone) it is the moment the hub stopped listening; in a turn the
    hub began by itself, the moment it opened it.

    Attributes:
        device: whose turn.
        turn: the hub's number; None when the hub never answered.
        code: why it failed: a code of the hub, ``interrupted``, ``no-answer`` or ``timeout``; None: it was answered.
        transcript: what the hub understood, if the toy overheard it.
        reply: what the hub says was heard of the answer, if the toy overheard it.
        listening_ms: from the press to ``listening``.
        stop_listening_ms: when the hub shut the microphone.
        play_ms: when the turn was opened for playing.
        first_audio_ms: when the first chunk arrived.
        done_ms: when the turn was over.
        zero_ms: the end of speech on the clock of ``time.monotonic``.
        dropped_foreign: chunks of other turns that came meanwhile.
        playback: chunks late, lost, thrown away; when each was heard. None: nothing was to be played.
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
    zero_ms: float | None = None
    dropped_foreign: int = 0
    playback: Playback | None = field(default=None, repr=False)

    @property
    def answered(self) -> bool:
        """Whether sound came and the turn did not fail."""
        return self.code is None and self.first_audio_ms is not None

    @cached_property
    def pcm(self) -> Pcm:
        """What was heard, at 16 kHz, with silence where nothing was there. Decoding costs 1 ms for each second."""
        return self.playback.sound() if self.playback else np.zeros(0, np.int16)

    @property
    def late_chunks(self) -> int:
        """Chunks that arrived after their play time."""
        return self.playback.late if self.playback else 0

    @property
    def gaps(self) -> int:
        """Chunks that never came."""
        return self.playback.gaps if self.playback else 0

    @property
    def underruns(self) -> int:
        """Times the speaker ran dry inside a piece."""
        return self.playback.underruns if self.playback else 0


@dataclass
class Stopwatch:
    """Gathers what a turn was like while it goes on; times are those of the toy's clock, in ms."""

    zero_ms: float
    """End of speech, or the best guess so far."""
    press: int | None = None
    turn: int | None = None
    pressed_ms: float = 0.0
    listening_ms: float | None = None
    stop_listening_ms: float | None = None
    play_ms: float | None = None
    done_ms: float | None = None
    code: str | None = None
    guessed: bool = False
    """Whether the end of speech is not known from the sound itself."""
    foreign_before: int = 0
    """Foreign chunks the firmware had dropped before this turn."""
    playback: Playback | None = None

    def report(self, device: str, foreign: int, transcript: str | None, reply: str | None) -> TurnReport:
        """The turn as it was.

        Args:
            device: whose.
            foreign: foreign chunks the firmware has dropped by now.
            transcript: what was overheard.
            reply: what was overheard.
        """
        first_ms = self.playback.first_at_ms if self.playback else None
        return TurnReport(
            device, self.turn, self.code, transcript, reply,
            listening_ms=None if self.listening_ms is None else self.listening_ms - self.pressed_ms,
            stop_listening_ms=self._since_zero(self.stop_listening_ms),
            play_ms=self._since_zero(self.play_ms),
            first_audio_ms=self._since_zero(first_ms),
            done_ms=self._since_zero(self.done_ms),
            zero_ms=self.zero_ms,
            dropped_foreign=foreign - self.foreign_before,
            playback=self.playback,
        )  # fmt: skip

    def _since_zero(self, clock_ms: float | None) -> float | None:
        return None if clock_ms is None else clock_ms - self.zero_ms
