"""Makes an utterance ready for a recogniser: 16 kHz, without the silence around it, on a floor of faint noise."""

import numpy as np
import numpy.typing as npt

from hub.audio import Pcm, resample

RATE = 16_000
_STEP = RATE // 100
_QUIETEST = 60.0
"""Root mean square of 10 ms, in sample units (-55 dB of full scale): what is never louder is silence."""
_BELOW_PEAK = 0.02
"""Part of the loud frames' level (-34 dB) below which a frame is no speech."""
_MARGIN = 10
"""Frames kept around the speech: 100 ms."""
_SHORTEST = 12
"""Frames of sound that can be a word: 120 ms; less is a click."""
_FLOOR = 40.0
"""Standard deviation of the noise added, in sample units (-58 dB of full scale).

Codecs and noise gates leave digital silence, whose logarithm pulls the mean that the recogniser subtracts. The floor
raised right commands of the tuning voices from 220 to 247 of 292."""


def samples(pcm: bytes) -> Pcm:
    """The samples of 16-bit little-endian bytes; half a sample at the end is left out."""
    return np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(np.int16)


def speech(pcm: bytes, rate: int) -> bytes:
    """The part of ``pcm`` in which somebody speaks, as 16 kHz bytes; empty if nobody does."""
    sound = resample(samples(pcm), rate, RATE)
    level = _levels(sound)
    if not level.size:
        return b""
    threshold = max(_QUIETEST, float(np.quantile(level, 0.95)) * _BELOW_PEAK)
    loud = np.flatnonzero(level > threshold)
    if loud.size < _SHORTEST:
        return b""
    start, end = max(0, int(loud[0]) - _MARGIN), int(loud[-1]) + 1 + _MARGIN
    cut = sound[start * _STEP : end * _STEP].astype(np.float32)
    # the same noise each time: the same utterance is always heard the same way
    cut += np.random.default_rng(0).normal(0.0, _FLOOR, cut.size).astype(np.float32)
    return np.clip(cut, -32768, 32767).astype("<i2").tobytes()


def _levels(sound: Pcm) -> npt.NDArray[np.float32]:
    """Root mean square of each 10 ms, in sample units."""
    frames = sound[: sound.size // _STEP * _STEP].reshape(-1, _STEP).astype(np.float32)
    levels: npt.NDArray[np.float32] = np.sqrt(np.mean(frames * frames, axis=1)).astype(np.float32)
    return levels
