"""Codecs and resampling: PyAV for Opus and files, soxr between rates. Blocking; sound is int16 mono numpy arrays.

Inside the hub speech is 16 kHz. Opus decoders always put out 48 kHz whatever was encoded, so what comes from a toy
is resampled as a stream.
"""

import io
import wave
from collections.abc import Iterator
from typing import Any

import av
import av.error
import numpy as np
import numpy.typing as npt
import soxr

from hub.errors import AudioError
from hub.messages.parts import AudioFormat, Codec

Pcm = npt.NDArray[np.int16]
RATE = 16_000
"""Hertz of speech inside the hub."""
FILE_FORMATS = "aac,aiff,ape,asf,au,caf,flac,matroska,mov,mp3,ogg,tta,w64,wav,wv"
"""Containers that are taken from outside: sound and nothing else. A playlist could have FFmpeg open other files."""
FILE_OPTIONS = {"format_whitelist": FILE_FORMATS, "protocol_whitelist": "file"}
_SMALL_BYTES = 65_536
_OPUS_RATE = 48_000
_MAX_PACKET_MS = 120


def resample(pcm: Pcm, from_rate: int, to_rate: int) -> Pcm:
    """The whole of ``pcm`` at another rate, tail included."""
    if from_rate == to_rate or not pcm.size:
        return pcm
    changed: Pcm = soxr.resample(pcm, from_rate, to_rate)
    return changed


def encode(pcm: Pcm, rate: int, to: AudioFormat) -> list[bytes]:
    """One piece of sound as codec frames of ``to.frame_ms`` each; the last is filled up with silence.

    Raises:
        AudioError: the encoder refused.
    """
    pcm = resample(pcm, rate, to.rate)
    size = to.rate * to.frame_ms // 1000
    if short := -pcm.size % size:
        pcm = np.concatenate([pcm, np.zeros(short, np.int16)])
    if to.codec == "pcm16":
        raw = pcm.astype("<i2").tobytes()
        return [raw[at : at + 2 * size] for at in range(0, len(raw), 2 * size)]
    try:
        return list(_opus_packets(pcm, to, size))
    except av.error.FFmpegError as error:
        raise AudioError("opus encoder") from error


def _opus_packets(pcm: Pcm, to: AudioFormat, size: int) -> Iterator[bytes]:
    encoder = _opus_encoder(to)
    for at in range(0, pcm.size, size):
        yield from _opus_packet(encoder, pcm[at : at + size], to.rate, at)
    # the flush would add a frame for the 6.5 ms look-ahead: silence, since pieces end in silence


def _opus_encoder(to: AudioFormat) -> Any:
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.format, encoder.layout = to.rate, "s16", "mono"
    encoder.bit_rate = 24_000 if to.rate <= RATE else 32_000
    encoder.options = {
        "application": "voip" if to.rate <= RATE else "audio",
        "frame_duration": str(to.frame_ms),
        "compression_level": "5",  # half the CPU of 10; no difference to be heard from a toy's speaker
    }
    return encoder


def _opus_packet(encoder: Any, pcm: Pcm, rate: int, at: int) -> list[bytes]:
    frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts = rate, at
    return list(map(bytes, encoder.encode(frame)))


class Encoder:
    """A live stream of sound as codec frames; what fills no frame yet waits for more.

    Args:
        to: codec, rate and length of the frames.
    """

    def __init__(self, to: AudioFormat) -> None:
        self._to, self._size = to, to.rate * to.frame_ms // 1000
        self._opus = _opus_encoder(to) if to.codec == "opus" else None
        self._rest: Pcm = np.zeros(0, np.int16)
        self._at = 0

    def encode(self, pcm: Pcm) -> list[bytes]:
        """The frames that ``pcm`` (mono, ``to.rate`` hertz) completes.

        Raises:
            AudioError: the encoder refused.
        """
        pcm, packets = np.concatenate([self._rest, pcm]), list[bytes]()
        whole = pcm.size - pcm.size % self._size
        try:
            for at in range(0, whole, self._size):
                packets += self._frame(pcm[at : at + self._size])
        except av.error.FFmpegError as error:
            raise AudioError("opus encoder") from error
        self._rest = pcm[whole:]
        return packets

    def _frame(self, pcm: Pcm) -> list[bytes]:
        if self._opus is None:
            return [pcm.astype("<i2").tobytes()]
        self._at += pcm.size
        return _opus_packet(self._opus, pcm, self._to.rate, self._at - pcm.size)


class Decoder:
    """A stream of chunks from a toy, decoded to 16 kHz.

    Args:
        codec: ``opus`` (one packet a chunk) or ``pcm16`` (little endian).
        rate: hertz of pcm16; Opus says it itself.
    """

    def __init__(self, codec: Codec, rate: int = RATE) -> None:
        self._codec = codec
        source = _OPUS_RATE if codec == "opus" else rate
        self._resampler = soxr.ResampleStream(source, RATE, 1, dtype="int16") if source != RATE else None
        self._opus: Any = av.CodecContext.create("opus", "r") if codec == "opus" else None

    def decode(self, data: bytes, *, last: bool = False) -> Pcm:
        """The sound of one chunk; with ``last`` also what the resampler held back.

        Raises:
            AudioError: not a packet of this codec. The stream can go on with the next chunk.
        """
        pcm = self._opus_pcm(data) if self._codec == "opus" else _pcm16(data)
        if self._resampler is None:
            return pcm
        out: Pcm = self._resampler.resample_chunk(pcm, last=last)
        return out

    def _opus_pcm(self, data: bytes) -> Pcm:
        if not data:
            return np.zeros(0, np.int16)
        try:
            frames = self._opus.decode(av.Packet(data))
        except av.error.FFmpegError as error:
            raise AudioError("not an Opus packet") from error
        return _mono(frames)


def _mono(frames: list[Any]) -> Pcm:
    """Decoded frames of any layout and sample format as int16 mono."""
    parts: list[Pcm] = []
    for frame in frames:
        data = frame.to_ndarray()
        channels = len(frame.layout.channels)
        if not frame.format.is_planar:
            data = data.reshape(-1, channels).T
        if data.dtype.kind == "f":
            data = np.clip(data * 32767.0, -32768, 32767)
        elif data.dtype != np.int16:
            raise AudioError("sample format")
        parts.append(data.mean(axis=0).astype(np.int16) if channels > 1 else data[0].astype(np.int16))
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _pcm16(data: bytes) -> Pcm:
    if len(data) % 2:
        raise AudioError("odd number of bytes")
    return np.frombuffer(data, "<i2").astype(np.int16)


def decode_file(data: bytes, limit_s: float) -> Pcm:
    """A whole audio file (WAV, Ogg and other containers of FILE_FORMATS) at 16 kHz, at most ``limit_s`` seconds of it.

    Raises:
        AudioError: not an audio file, or one that breaks off.
    """
    if _breaks_off(data):
        raise AudioError("the file breaks off: its header promises more than there is")
    pcm = _plain_wav(data, limit_s)
    if pcm is None:
        pcm = _any_file(data, limit_s)
    if not pcm.size:
        raise AudioError("no sound in the file")
    return pcm[: int(limit_s * RATE)]


def decode_small(data: bytes, limit_s: float) -> Pcm | None:
    """As ``decode_file``, if that takes less than handing it to a thread: a short PCM16 WAV. None: it does not."""
    if len(data) > _SMALL_BYTES or _breaks_off(data):
        return None
    pcm = _plain_wav(data, limit_s)
    return pcm if pcm is not None and pcm.size else None


def _plain_wav(data: bytes, limit_s: float) -> Pcm | None:
    """A PCM16 WAV, read in a tenth of the time FFmpeg takes to open it; None: it is something else."""
    if data[:4] != b"RIFF":
        return None
    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getsampwidth() != 2 or not 4000 <= file.getframerate() <= 192_000:
                return None
            channels, rate = file.getnchannels(), file.getframerate()
            samples = np.frombuffer(file.readframes(int(limit_s * rate)), "<i2")
    except (wave.Error, EOFError, ValueError):
        return None
    samples = samples[: samples.size // channels * channels].reshape(-1, channels)
    mono = samples[:, 0] if channels == 1 else samples.mean(axis=1)
    return resample(mono.astype(np.int16), rate, RATE)


def _any_file(data: bytes, limit_s: float) -> Pcm:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    parts: list[Pcm] = []
    samples = 0
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="ignore", options=FILE_OPTIONS) as container:
            if not container.streams.audio:
                raise AudioError("no sound in the file")
            for frame in container.decode(container.streams.audio[0]):
                for out in resampler.resample(frame):
                    parts.append(out.to_ndarray()[0])
                    samples += parts[-1].size
                if samples > limit_s * RATE:
                    break
            parts.extend(out.to_ndarray()[0] for out in resampler.resample(None))
    except (av.error.FFmpegError, ValueError, EOFError) as error:
        raise AudioError("not an audio file, or a damaged one") from error
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _breaks_off(data: bytes) -> bool:
    """Whether a WAV is shorter than its header says; programs that write to a pipe put a huge number there."""
    promised = int.from_bytes(data[4:8], "little") + 8 if data[:4] == b"RIFF" else 0
    return len(data) < promised < 0x7FFF_0000


def to_wav(pcm: Pcm, rate: int) -> bytes:
    """A WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.astype("<i2").tobytes())
    return out.getvalue()


def level_db(pcm: Pcm) -> float:
    """Loudness in dB of full scale; -120 for nothing."""
    if not pcm.size:
        return -120.0
    power = float(np.mean(np.square(pcm, dtype=np.float32)))
    return 10 * float(np.log10(power / 32768.0**2 + 1e-12))
