"""Reads and writes audio files (PyAV): segments of stored files, and the conversion of foreign ones.

Only containers of audio are opened. Playlists are not: one that calls itself ``song.mp3`` could make FFmpeg read
other files or the network.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from hub.audio import FILE_OPTIONS
from workers.media.errors import MediaUnreadable

RATE = 48_000
"""Of everything stored (Hz): the only rate Opus decoders put out."""
LONGEST_S = 6 * 3600

# Opus and MP3 decoders need a run-up before a cut until their output is that of an uncut decoding.
_RUN_UP_MS = 500
_ERRORS = (av.FFmpegError, OSError, ValueError)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    try:
        with av.open(str(path), options=FILE_OPTIONS, metadata_errors="replace") as container:
            if not container.streams.audio:
                raise MediaUnreadable("holds no audio")
            yield container, container.streams.audio[0]
    except _ERRORS as error:
        text = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaUnreadable(text) from error


def tags(path: Path) -> dict[str, str]:
    """The tags of a file, of the container over those of the stream, keys in lower case.

    Raises:
        MediaUnreadable: no audio file.
    """
    with _opened(path) as (container, stream):
        found = {**stream.metadata, **container.metadata}
    return {key.lower(): value for key, value in found.items()}


def fingerprint(path: Path) -> str:
    """A fingerprint (hex) of the sound alone: another title or picture in the file does not change it.

    Raises:
        MediaUnreadable: no audio file.
    """
    state = hashlib.sha256()
    with _opened(path) as (container, stream):
        state.update(stream.codec_context.name.encode())
        for packet in container.demux(stream):
            state.update(bytes(packet))
    return state.hexdigest()[:32]


def read(path: Path, position_ms: int, length_ms: int) -> tuple[NDArray[np.int16], int, bool]:
    """Decode a segment.

    Segments asked for one after the other join without a gap: each begins at sample ``position_ms * rate // 1000``.

    Returns:
        The samples, shape (n,), mono, fewer than asked for at the end; their rate in Hz; whether the file ends there.

    Raises:
        MediaUnreadable: damaged.
    """
    with _opened(path) as (container, stream):
        rate: int = stream.codec_context.rate
        first, last = position_ms * rate // 1000, (position_ms + length_ms) * rate // 1000
        if position_ms > _RUN_UP_MS:
            before = (position_ms - _RUN_UP_MS) / 1000
            container.seek(int(before / stream.time_base) + (stream.start_time or 0), stream=stream)
        pieces: list[NDArray[np.int16]] = []
        end = 0
        for at, samples in _samples(container, stream, rate):
            pieces.append(samples[max(0, first - at) : max(0, last - at)])
            end = at + len(samples)
            if end > last:
                break
    joined = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    return joined, rate, end <= last


def _samples(container: Any, stream: Any, rate: int) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """Mono samples with the place of the first one, counted from the beginning of the file."""
    mono = AudioResampler(format="s16", layout="mono", rate=rate)
    at: int | None = None
    for frame in _frames(container, stream):
        if at is None:
            start = (stream.start_time or 0) * stream.time_base
            at = 0 if frame.pts is None else round((frame.pts * frame.time_base - start) * rate)
        for converted in mono.resample(frame):
            samples = _flat(converted)
            yield at, samples
            at += len(samples)


def _flat(frame: Any) -> NDArray[np.int16]:
    samples: NDArray[np.int16] = frame.to_ndarray().reshape(-1)
    return samples


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Decoded frames; a damaged packet is passed over as a player would, ten in a row end the file."""
    bad = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            bad += 1
            if bad == 10:
                raise
            continue
        bad = 0
        yield from frames


def convert(source: Path, target: Path, bit_rate: int, progress: Callable[[float], object]) -> int:
    """Convert any audio file to Ogg Opus, mono, 48 kHz.

    Args:
        source: the file to read.
        target: the file to write.
        bit_rate: bits per second.
        progress: called with the seconds converted since the last call.

    Returns:
        Its length in ms.

    Raises:
        MediaUnreadable: damaged, too long or without sound.
    """
    with _opened(source) as (container, stream):
        return write(target, _converted(container, stream, progress), bit_rate)


def _converted(container: Any, stream: Any, progress: Callable[[float], object]) -> Iterator[NDArray[np.int16]]:
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
    total = 0
    for frame in _frames(container, stream):
        frame.pts = None  # gaps and jumps in time stamps of foreign files are not sound
        for converted in resampler.resample(frame):
            samples = _flat(converted)
            total += len(samples)
            if total > LONGEST_S * RATE:
                raise MediaUnreadable(f"longer than {LONGEST_S // 3600} hours")
            progress(len(samples) / RATE)
            yield samples
    for converted in resampler.resample(None):
        yield _flat(converted)


def write(target: Path, blocks: Iterable[NDArray[np.int16]], bit_rate: int) -> int:
    """Write mono samples at 48 kHz as Ogg Opus.

    Args:
        target: the file to write.
        blocks: arrays of shape (n,).
        bit_rate: bits per second.

    Returns:
        The length in ms.

    Raises:
        MediaUnreadable: there was no sound at all.
    """
    total = 0
    with av.open(str(target), "w", format="ogg") as container:
        stream: Any = container.add_stream("libopus", rate=RATE, layout="mono")
        stream.bit_rate = bit_rate
        for block in blocks:
            if not len(block):
                continue
            frame = av.AudioFrame.from_ndarray(block[np.newaxis, :], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, total
            container.mux(stream.encode(frame))
            total += len(block)
        if total:
            container.mux(stream.encode(None))
    if not total:
        raise MediaUnreadable("holds no sound")
    return total * 1000 // RATE
