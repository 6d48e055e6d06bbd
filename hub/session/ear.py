"""The hub's ear for one turn: chunks from the toy in, end-pointing events out. No I/O."""

from collections.abc import Iterator

import numpy as np

from hub.audio import RATE, Decoder, Pcm
from hub.errors import AudioError
from hub.messages import Event, UpAudio
from hub.messages.audio import END
from hub.session.endpointing import Detector, Endpointer, Pauses
from hub.session.endpointing import Event as EarEvent
from hub.settings import EndpointSettings

_WRAP = 1 << 16
_FLUSH = np.zeros(RATE // 50, np.int16)


class Ear:
    """Decodes, drops what came twice, and finds the end of speech.

    Args:
        start: the toy's start event: codec, rate and mode of the audio.
        settings: of end-pointing.
        detector: voice activity, one for each ear.
        pauses: what is known of the speaker.
    """

    def __init__(self, start: Event, settings: EndpointSettings, detector: Detector, pauses: Pauses) -> None:
        self._decoder = Decoder(start.codec, start.rate)
        self._endpointer = Endpointer(settings, detector, pauses, push=start.mode == "push")
        self._settings = settings
        self._next_seq = 0
        self.last_chunk: float | None = None
        """When the last chunk came; None: none yet."""

    def hear(self, chunk: UpAudio, now: float) -> Iterator[EarEvent]:
        """Take one chunk.

        Raises:
            AudioError: it cannot be decoded; the next may be good again.
        """
        if self._endpointer.over or (chunk.seq - self._next_seq) % _WRAP >= _WRAP // 2:
            return  # after the end; came twice, or too late
        self._next_seq = (chunk.seq + 1) % _WRAP
        self.last_chunk = now
        last = bool(chunk.flags & END)
        try:
            pcm: Pcm = self._decoder.decode(chunk.data, last=last)
        except AudioError:
            if last:
                yield from self._endpointer.finish("stop")
            raise
        yield from self._endpointer.feed(pcm)
        if last:
            yield from self._endpointer.finish("stop")

    def stop(self) -> Iterator[EarEvent]:
        """The toy says that speech is over."""
        yield from self._endpointer.feed(_FLUSH)
        yield from self._endpointer.finish("stop")

    def lost_at(self, began: float) -> float:
        """When too long nothing has come, or chunks without sound have come for longer than anybody may speak."""
        waiting = (began if self.last_chunk is None else self.last_chunk) + self._patience_s
        return min(waiting, began + self._settings.no_speech_s + self._settings.max_speech_s + self._settings.lost_s)

    def lost(self) -> Iterator[EarEvent]:
        """Nothing comes any more: take what there is."""
        yield from self._endpointer.finish("lost")

    @property
    def _patience_s(self) -> float:
        return self._settings.no_speech_s if self.last_chunk is None else self._settings.lost_s
