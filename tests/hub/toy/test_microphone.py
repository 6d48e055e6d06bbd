"""Sound for the microphone: paced, spoken, read from files."""

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.audio import RATE, Decoder, Encoder, to_wav
from hub.errors import AudioError, EngineError
from hub.messages import AudioFormat, DownAudio, Hello
from hub.messages.audio import START
from hub.toy.loudspeaker import Loudspeaker
from hub.toy.microphone import Recording, SoundCard, read_sound, sound_device, speech_end_ms, spoken
from hub.toy.outputs import TurnOpened, TurnOver

TONE = (np.sin(np.arange(RATE // 4) / 5) * 8000).astype(np.int16)  # 250 ms


def test_the_end_of_speech_is_the_last_sound() -> None:
    assert speech_end_ms(np.concatenate([TONE, np.zeros(RATE, np.int16)])) == 250
    assert speech_end_ms(np.zeros(RATE, np.int16)) is None
    assert speech_end_ms(np.zeros(0, np.int16)) is None
    assert speech_end_ms(TONE) == 250


async def test_frames_come_in_real_time_and_silence_follows() -> None:
    recording = Recording.of(TONE, AudioFormat(codec="pcm16", frame_ms=20))
    began, frames = time.monotonic(), list[bytes]()
    async for frame in recording.frames(began * 1000):
        frames.append(frame)
        if len(frames) == 20:
            break
    assert 0.4 <= time.monotonic() - began < 0.6
    assert np.frombuffer(b"".join(frames), "<i2")[: TONE.size].tolist() == TONE.tolist()
    assert not any(frames[13])


async def test_without_a_tail_it_ends() -> None:
    recording = Recording.of(TONE[:1000], AudioFormat(codec="pcm16", frame_ms=20), tail=False)
    assert len([frame async for frame in recording.frames(0)]) == 4


async def test_text_is_spoken() -> None:
    pcm = await spoken("hello")
    assert 0.3 < pcm.size / RATE < 2
    with pytest.raises(EngineError, match="espeak-ng"):
        await spoken("hello", "xx-nobody")


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(to_wav(TONE, RATE))
    assert read_sound(path).size == TONE.size
    with pytest.raises(AudioError, match=r"none\.wav"):
        read_sound(tmp_path / "none.wav")


def test_without_a_sound_card_there_is_a_clear_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(AudioError, match="install"):
        sound_device()


@pytest.mark.parametrize("codec", ["opus", "pcm16"])
def test_a_live_stream_in_blocks_of_any_size(codec: str) -> None:
    to = AudioFormat.model_validate({"codec": codec, "frame_ms": 20})
    encoder, decoder = Encoder(to), Decoder(to.codec)
    tone = (np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE) * 8000).astype(np.int16)
    packets = [packet for at in range(0, RATE, 177) for packet in encoder.encode(tone[at : at + 177])]
    assert len(packets) == 50
    heard = np.concatenate([*(decoder.decode(packet) for packet in packets), decoder.decode(b"", last=True)])
    assert np.argmax(np.abs(np.fft.rfft(heard))) * RATE / heard.size == pytest.approx(440, abs=2)


class Card:
    """Stands where sounddevice is not."""

    PortAudioError = OSError

    def __init__(self) -> None:
        self.fill: Callable[..., None] = lambda *_: None

    def RawOutputStream(self, *, callback: Callable[..., None], **_: object) -> "Card":  # noqa: N802 - the package's name
        self.fill = callback
        return self

    def RawInputStream(self, *, callback: Callable[..., None], **_: object) -> Any:  # noqa: N802 - the package's name
        for at in range(0, TONE.size, 320):
            callback(TONE[at : at + 320].tobytes(), 320)
        return contextlib.nullcontext()

    def start(self) -> None: ...

    def next(self, samples: int) -> list[int]:
        out = bytearray(2 * samples)
        self.fill(out, samples, None, None)
        return list(map(int, np.frombuffer(out, "<i2")))


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Card:
    made = Card()
    monkeypatch.setitem(sys.modules, "sounddevice", made)
    return made


async def test_the_microphone_of_this_computer(card: Card) -> None:
    microphone = SoundCard(AudioFormat(codec="pcm16", frame_ms=20))
    heard = b""
    async with contextlib.aclosing(microphone.frames(0)) as frames:
        async for frame in frames:
            heard += frame
            if len(heard) >= 2 * 3840:
                break
    assert heard == TONE[:3840].tobytes()


def test_the_loudspeaker_of_this_computer(card: Card) -> None:
    loudspeaker = Loudspeaker()
    chunk = DownAudio("bear", 7, 0, 0, START, TONE[:4].tobytes())
    for thing in (Hello(device="bear", codecs=["pcm16"]), chunk, TurnOpened(7, None), chunk, "anything else"):
        loudspeaker.take(thing)
    assert card.next(2) == TONE[:2].tolist()
    assert card.next(4) == [*TONE[2:4].tolist(), 0, 0]
    loudspeaker.take(chunk)
    loudspeaker.take(TurnOver(7, None, "interrupted"))
    loudspeaker.take(chunk)
    assert card.next(2) == [0, 0]
