"""What came out of a toy's speaker in one turn: which milliseconds, when, and the sound itself."""

from dataclasses import dataclass, field

import numpy as np

from hub.audio import RATE, Decoder, Pcm
from hub.errors import AudioError
from hub.messages import DownAudio
from hub.messages.audio import START
from hub.messages.parts import Codec

_OPUS_MS = (10.0, 20.0, 40.0, 60.0) * 3 + (10.0, 20.0) * 2 + (2.5, 5.0, 10.0, 20.0) * 4
"""Length of one frame in each of the 32 configurations: SILK, hybrid, CELT."""


def chunk_ms(data: bytes, codec: Codec, rate: int) -> float:
    """How long the sound of one chunk lasts, read from its header without decoding it.

    Args:
        data: one Opus packet, or PCM16 mono.
        codec: which of the two.
        rate: hertz of PCM16; Opus says its durations itself.

    Returns:
        Milliseconds; 0 for an empty chunk.
    """
    if codec == "pcm16":
        return len(data) // 2 * 1000 / rate
    if not data:
        return 0.0
    kind, count = data[0] >> 3, data[0] & 3  # RFC 6716, section 3.1: configuration, stereo, number of frames
    frame_ms = _OPUS_MS[kind]
    if count < 3:
        return frame_ms * (1, 2, 2)[count]
    return frame_ms * (data[1] & 0x3F) if len(data) > 1 else 0.0


@dataclass(slots=True)
class Span:
    """One chunk while it was heard."""

    chunk: DownAudio
    at_ms: float
    """The toy's clock when it began."""
    position_ms: float
    """Where in the turn's stream it begins."""
    ms: float
    """How long it lasts."""
    heard_ms: float = 0.0
    """How much of it came out; less than ``ms`` when it was cut off."""


@dataclass
class Playback:
    """One turn at the speaker.

    Attributes:
        chunks: arrived, whatever became of them.
        late: arrived after their play time: what follows is heard later, or the chunk was given up before.
        gaps: chunks that never came and were filled with silence.
        underruns: times the speaker ran dry inside a piece.
        pauses: times it ran dry between two pieces (the next began with START): the next sentence was not made yet.
        overflows: chunks thrown away because the buffer was full.
        duplicates: chunks that had come already.
        undecodable: chunks that were no packet of the codec; known after ``sound``.
        dry_ms: silence of underruns and pauses together.
        peak_ms: most sound that was ever buffered.
        first_at_ms: the toy's clock when the first chunk arrived.
        ended_at_ms: the toy's clock when the last sound was out, or was cut off.
        arrivals: for each chunk in the order of arrival: clock in ms, and how many ms before its play time it came.
    """

    turn: int
    codec: Codec
    rate: int
    chunks: int = 0
    late: int = 0
    gaps: int = 0
    underruns: int = 0
    pauses: int = 0
    overflows: int = 0
    duplicates: int = 0
    undecodable: int = 0
    dry_ms: float = 0.0
    peak_ms: float = 0.0
    first_at_ms: float | None = None
    ended_at_ms: float | None = None
    arrivals: list[tuple[float, float]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def sound(self) -> Pcm:
        """What was heard, at 16 kHz from the first sound to the last, with silence where nothing was there."""
        if not self.spans:
            return np.zeros(0, np.int16)
        begin, last = self.spans[0].at_ms, self.spans[-1]
        out = np.zeros(_samples(last.at_ms + last.heard_ms - begin), np.int16)
        self.undecodable = 0
        for piece in self._pieces():
            pcm = self._decoded(piece)
            at_ms = 0.0
            for span in piece:
                heard = pcm[_samples(at_ms) : _samples(at_ms) + _samples(span.heard_ms)]
                place = _samples(span.at_ms - begin)
                fits = min(heard.size, out.size - place)
                out[place : place + fits] = heard[:fits]
                at_ms += span.ms
        return out

    def _pieces(self) -> list[list[Span]]:
        """The spans between two resets of the decoder."""
        pieces: list[list[Span]] = []
        for span in self.spans:
            if not pieces or span.chunk.flags & START:
                pieces.append([])
            pieces[-1].append(span)
        return pieces

    def _decoded(self, piece: list[Span]) -> Pcm:
        """The sound of a piece, each chunk as long as it says it is."""
        decoder, parts = Decoder(self.codec, self.rate), list[Pcm]()
        for span in piece:
            try:
                parts.append(decoder.decode(span.chunk.data))
            except AudioError:
                self.undecodable += 1
                parts += [decoder.decode(b"", last=True), np.zeros(_samples(span.ms), np.int16)]
                decoder = Decoder(self.codec, self.rate)
        parts.append(decoder.decode(b"", last=True))
        return np.concatenate(parts)


def _samples(ms: float) -> int:
    return round(ms * RATE / 1000)
