"""The loudspeaker of this computer, for people who want to hear the simulated toy."""

import threading

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
        self._buffer = bytearray()
        self._lock = threading.Lock()  # the card asks for sound from a thread of its own
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
                self._turn_to(turn)
            case TurnOver(code="interrupted") | Mic(open=True):
                self._turn_to(None)
            case DownAudio(turn=turn) if turn == self._turn:
                self._play(thing)

    def _turn_to(self, turn: int | None) -> None:
        self._turn = turn
        with self._lock:
            self._buffer.clear()

    def _play(self, chunk: DownAudio) -> None:
        if chunk.flags & START:
            self._decoder = Decoder(self._codec, self._rate)
        try:
            sound = self._decoder.decode(chunk.data).tobytes()
        except AudioError:
            return  # a broken chunk is left out
        with self._lock:
            self._buffer += sound

    def _fill(self, out: bytearray, frames: int, *_: object) -> None:
        """Called by the card's own thread for the next ``frames`` samples; silence where there is no sound."""
        size = 2 * frames
        with self._lock:
            sound = bytes(self._buffer[:size])
            del self._buffer[:size]
        out[:] = sound.ljust(size, b"\0")
