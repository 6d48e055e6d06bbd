"""Sound for a toy's microphone, in real time: arrays, WAV files, text spoken by espeak-ng, a sound card.

What can be recorded beforehand is encoded beforehand, so that twenty toys in one process cost no codec while they talk.
"""

import asyncio
import importlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hub.audio import RATE, Encoder, Pcm, decode_file, encode, level_db
from hub.errors import AudioError, EngineError
from hub.messages import AudioFormat

_SOUND_DB = -45.0
_WINDOW_MS = 10
_SPEAK_S = 20.0
_LONGEST_S = 300.0


class Microphone(Protocol):
    """Something a toy can record from."""

    @property
    def speech_ms(self) -> float | None:
        """Where its last speech ends, in ms from its beginning; None: not known."""

    def frames(self, began_ms: float) -> AsyncGenerator[bytes, None]:
        """Codec frames, each when it is complete.

        Args:
            began_ms: clock (``time.monotonic``) at which the microphone was opened.
        """


@dataclass(frozen=True)
class Recording:
    """Sound that is known beforehand; many toys may say the same one.

    Attributes:
        data: codec frames.
        format: of the frames.
        speech_ms: where the last sample above -45 dB lies.
        tail: whether silence follows for ever, as in a room, or the recording ends with its last frame.
    """

    data: tuple[bytes, ...]
    format: AudioFormat
    speech_ms: float | None
    tail: bool = True

    @classmethod
    def of(cls, pcm: Pcm, to: AudioFormat, *, rate: int = RATE, tail: bool = True) -> "Recording":
        """Encode ``pcm`` (mono, ``rate`` hertz). Blocking, about 7 ms for each second of it.

        Raises:
            AudioError: the encoder refused.
        """
        return cls(tuple(encode(pcm, rate, to)), to, speech_end_ms(pcm, rate), tail)

    async def frames(self, began_ms: float) -> AsyncGenerator[bytes, None]:
        """See Microphone."""
        index = 0
        for frame in self.data:
            index += 1
            await _until(began_ms + index * self.format.frame_ms)
            yield frame
        silence = _silence(self.format) if self.tail else ()
        while silence:
            index += 1
            await _until(began_ms + index * self.format.frame_ms)
            yield silence[index % len(silence)]


class SoundCard:
    """The microphone of this computer, through the optional package sounddevice.

    Raises:
        AudioError: there is no such package, no PortAudio or no microphone.
    """

    speech_ms: float | None = None

    def __init__(self, to: AudioFormat) -> None:
        self._to, self._device = to, sound_device()

    async def frames(self, began_ms: float) -> AsyncGenerator[bytes, None]:  # noqa: ARG002 - the card has its own clock
        """See Microphone."""
        loop, blocks = asyncio.get_running_loop(), asyncio.Queue[bytes]()

        def recorded(block: Any, *_: object) -> None:
            loop.call_soon_threadsafe(blocks.put_nowait, bytes(block))

        encoder = Encoder(self._to)
        try:
            stream = self._device.RawInputStream(
                samplerate=self._to.rate, channels=1, dtype="int16", callback=recorded,
                blocksize=self._to.rate * self._to.frame_ms // 1000,
            )  # fmt: skip
        except self._device.PortAudioError as error:
            raise AudioError("no microphone that can be opened") from error
        with stream:
            while True:
                for frame in encoder.encode(np.frombuffer(await blocks.get(), np.int16)):
                    yield frame


def sound_device() -> Any:
    """The package sounddevice.

    Raises:
        AudioError: it or the PortAudio library is not installed.
    """
    try:
        return importlib.import_module("sounddevice")
    except (ImportError, OSError) as error:
        raise AudioError(
            "no sound card support: install the Python package sounddevice and the PortAudio library (libportaudio2)"
        ) from error


def speech_end_ms(pcm: Pcm, rate: int = RATE) -> float | None:
    """Where the last 10 ms above -45 dB end; None when all is silence."""
    size = rate * _WINDOW_MS // 1000
    for at in range(pcm.size - pcm.size % size, -1, -size):
        if level_db(pcm[at : at + size]) > _SOUND_DB:
            return min(at + size, pcm.size) * 1000 / rate
    return None


def read_sound(path: Path) -> Pcm:
    """A sound file of any kind, at 16 kHz.

    Raises:
        AudioError: it cannot be read or holds no sound.
    """
    try:
        return decode_file(path.read_bytes(), _LONGEST_S)
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror}") from error


async def spoken(text: str, voice: str = "en-us") -> Pcm:
    """Text as speech at 16 kHz, through espeak-ng.

    Args:
        text: what to say.
        voice: a voice of espeak-ng, such as ``en-us+f3``.

    Raises:
        EngineError: espeak-ng is not installed, does not know the voice, or takes longer than 20 s.
    """
    try:
        program = await asyncio.create_subprocess_exec(
            "espeak-ng", "-v", voice, "--stdin", "--stdout",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise EngineError("espeak-ng is not installed; the simulated toy speaks with it") from error
    try:
        async with asyncio.timeout(_SPEAK_S):
            sound, complaint = await program.communicate(text.encode())
    except TimeoutError:
        raise EngineError(f"espeak-ng took longer than {_SPEAK_S:.0f} s") from None
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    if program.returncode or not sound:
        raise EngineError(f"espeak-ng: {complaint.decode(errors='replace').strip() or 'no sound'}")
    return await asyncio.to_thread(decode_file, sound, _LONGEST_S)


@cache
def _silence(to: AudioFormat) -> tuple[bytes, ...]:
    """One second of it."""
    return tuple(encode(np.zeros(RATE, np.int16), RATE, to))


async def _until(clock_ms: float) -> None:
    await asyncio.sleep(max(clock_ms / 1000 - time.monotonic(), 0))
