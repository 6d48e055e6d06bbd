"""When speech begins and ends. No I/O and no clock: 16 kHz sound in, events out; time is counted in samples.

An energy gate stands before the voice activity detector, so an idle room costs nothing; inside speech the detector
looks at every third frame only, which changes its verdict on a pause by less than a frame and a half.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hub.audio import RATE, Pcm, level_db
from hub.settings import EndpointSettings

FRAME = 512
"""Samples the detector wants at once: 32 ms."""
FRAME_MS = FRAME * 1000 // RATE
_STRIDE = 3
_GATE_OVER_FLOOR_DB = 8.0
_RELEASE = 0.7
"""Below this share of the threshold a frame in speech counts as silence: no flicker at the edge."""

Detector = Callable[[bytes], float]
"""Probability of speech in one frame of FRAME samples, PCM16 little endian."""


@dataclass(frozen=True)
class SpeechStarted:
    """Somebody began to speak ``at_ms`` after listening began."""

    at_ms: int


@dataclass(frozen=True)
class SpeechEnded:
    """An utterance is complete.

    Attributes:
        pcm: the speech with a little sound around it, 16 kHz.
        silence_ms: how long it has been silent at its end; the price of being sure.
        reason: ``silence``, ``limit`` (too long), ``stop`` (the toy said so) or ``lost`` (no more chunks came).
    """

    pcm: Pcm
    silence_ms: int
    reason: Literal["silence", "limit", "stop", "lost"]


@dataclass(frozen=True)
class NoSpeech:
    """Listening is over and nobody spoke."""


Event = SpeechStarted | SpeechEnded | NoSpeech


class Pauses:
    """Learns how long one speaker pauses inside a sentence, and so how long silence must be to end it."""

    def __init__(self, settings: EndpointSettings, learned_ms: float | None = None) -> None:
        self._settings = settings
        self.learned_ms = learned_ms
        """Moving average of pauses that turned out not to be the end; None before the first."""

    @property
    def silence_ms(self) -> int:
        """Silence that ends speech of this speaker."""
        if self.learned_ms is None:
            return self._settings.silence_ms
        wanted = self.learned_ms * 1.4 + 150
        return int(min(max(wanted, self._settings.min_silence_ms), self._settings.max_silence_ms))

    def inside(self, pause_ms: int) -> None:
        """Speech went on after a pause."""
        before = self.learned_ms if self.learned_ms is not None else (self._settings.silence_ms - 150) / 1.4
        self.learned_ms = before + 0.25 * (pause_ms - before)

    def cut_off(self) -> None:
        """The speaker went on right after we had decided that it was the end."""
        self.inside(self.silence_ms * 2)


class Endpointer:
    """Finds one utterance in a stream of sound.

    Args:
        settings: thresholds and limits.
        detector: keeps state over the stream; one for each endpointer.
        pauses: what is known of the speaker; learns while listening.
        push: the toy says when speech ends; silence does not end it.
    """

    def __init__(self, settings: EndpointSettings, detector: Detector, pauses: Pauses, *, push: bool = False) -> None:
        self._settings, self._detector, self._pauses, self._push = settings, detector, pauses, push
        self._rest: Pcm = np.zeros(0, np.int16)
        before = 0 if push else max(1, settings.before_ms // FRAME_MS + -(-settings.start_ms // FRAME_MS))
        self._before: deque[Pcm] = deque(maxlen=before or None)
        self._speech: list[Pcm] = []
        self._floor_db = settings.gate_db - _GATE_OVER_FLOOR_DB
        self._probability = 0.0
        self._since_detected = 0
        self._run_ms = self._silence_ms = self._heard_ms = 0
        self.over = False

    @property
    def speaking(self) -> bool:
        """Whether speech has begun."""
        return bool(self._speech)

    def feed(self, pcm: Pcm) -> Iterator[Event]:
        """Take the next sound of any length."""
        self._rest = np.concatenate([self._rest, pcm]) if self._rest.size else pcm
        while self._rest.size >= FRAME and not self.over:
            frame, self._rest = self._rest[:FRAME], self._rest[FRAME:]
            self._heard_ms += FRAME_MS
            yield from self._frame(frame)

    def finish(self, reason: Literal["stop", "lost"]) -> Iterator[Event]:
        """No more sound will come."""
        if self.over:
            return
        if self._rest.size and self._speech:
            self._speech.append(self._rest)
        yield from self._end(reason)

    def _frame(self, frame: Pcm) -> Iterator[Event]:
        loud = self._is_speech(frame)
        if not self._speech:
            yield from self._before_speech(frame, loud=loud)
            return
        self._speech.append(frame)
        if loud:
            if not self._push and self._silence_ms >= 2 * FRAME_MS:
                self._pauses.inside(self._silence_ms)
            self._silence_ms = 0
        else:
            self._silence_ms += FRAME_MS
        if not self._push and self._silence_ms >= self._pauses.silence_ms:
            yield from self._end("silence")
        elif len(self._speech) * FRAME_MS >= self._settings.max_speech_s * 1000:
            yield from self._end("limit")

    def _before_speech(self, frame: Pcm, *, loud: bool) -> Iterator[Event]:
        self._before.append(frame)
        self._run_ms = self._run_ms + FRAME_MS if loud else max(0, self._run_ms - FRAME_MS)
        if self._run_ms >= self._settings.start_ms:
            self._speech = list(self._before)
            self._before.clear()
            yield SpeechStarted(max(0, self._heard_ms - self._run_ms))
        elif not self._push and self._heard_ms >= self._settings.no_speech_s * 1000:
            yield from self._end("silence")
        elif self._push and self._heard_ms >= self._settings.max_speech_s * 1000:
            yield from self._end("limit")

    def _is_speech(self, frame: Pcm) -> bool:
        level = level_db(frame - frame.mean(dtype=np.float32))  # a microphone's DC is no sound
        self._floor_db = min(level, self._floor_db + 0.1) if level > self._floor_db else level
        self._floor_db = max(self._floor_db, -80.0)
        if level < max(self._settings.gate_db, min(self._floor_db + _GATE_OVER_FLOOR_DB, -35.0)):
            self._probability = 0.0
            return False
        self._since_detected += 1
        if not self._speech or self._since_detected >= _STRIDE:
            self._since_detected = 0
            self._probability = self._detector(frame.astype("<i2").tobytes())
        threshold = self._settings.speech_probability
        return self._probability >= (threshold * _RELEASE if self._speech else threshold)

    def _end(self, reason: Literal["silence", "limit", "stop", "lost"]) -> Iterator[Event]:
        self.over = True
        if not self._speech:
            yield NoSpeech()
            return
        pcm = np.concatenate(self._speech)
        surplus = 0 if self._push else max(0, self._silence_ms - self._settings.after_ms) * RATE // 1000
        yield SpeechEnded(pcm[: pcm.size - surplus], self._silence_ms, reason)
