"""The loudspeaker of this computer, for people who want to hear the simulated toy."""

import numpy as np

from hub.audio import RATE, Decoder
from hub.errors import AudioError
from hub.messages import DownAudio, Hello
from hub.messages.audio import START
from hub.messages.parts import Codec
from hub.toy.microphone import sound_device
from hub.toy.outputs import Mic, TurnOpened, TurnOver


class Loudspeaker:
    """Plays what a Toy's ``tap`` passes on; the card's own clock paces it.

    Raises:
        AudioError: there is no sound card, or no package for it.
    """

    def __init__(self) -> None:
        card = sound_device()
        self._codec: Codec = "opus"
        self._rate = RATE
        self._decoder = Decoder(self._codec, self._rate)
        self._turn: int | None = None
        self._buffer = b""
        try:
            self._stream = card.RawOutputStream(samplerate=RATE, channels=1, dtype="int16", callback=self._fill)
            self._stream.start()
        except card.PortAudioError as error:
            raise AudioError("no loudspeaker that can be opened") from error

    def take(self, thing: object) -> None:
        """Play the chunks of the open turn; be silent when it is over or the microphone opens."""
        match thing:
            case Hello():
                self._codec, self._rate = thing.codecs[0], thing.rate
            case TurnOpened(turn):
                self._turn, self._buffer = turn, b""
            case TurnOver(code="interrupted") | Mic(open=True):
                self._turn, self._buffer = None, b""
            case DownAudio(turn=turn) if turn == self._turn:
                self._play(thing)

    def _play(self, chunk: DownAudio) -> None:
        if chunk.flags & START:
            self._decoder = Decoder(self._codec, self._rate)
        try:
            self._buffer += self._decoder.decode(chunk.data).tobytes()
        except AudioError:
            return  # a broken chunk is left out

    def _fill(self, out: bytearray, frames: int, *_: object) -> None:
        """Called by the card's own thread for the next ``frames`` samples."""
        size = 2 * frames
        sound, self._buffer = self._buffer[:size], self._buffer[size:]
        out[:] = sound + bytes(np.zeros(size - len(sound), np.uint8))
