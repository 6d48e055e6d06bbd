"""Codecs, resampling, and whole files from anywhere."""

import io
import wave
from typing import Any, get_args

import av
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.audio import RATE, Decoder, Encoder, Pcm, decode_file, encode, level_db, resample, to_wav
from hub.errors import AudioError
from hub.messages import AudioFormat

FORMATS = [
    AudioFormat(codec=codec, rate=rate, frame_ms=frame_ms)
    for codec in get_args(AudioFormat.model_fields["codec"].annotation)
    for rate in get_args(AudioFormat.model_fields["rate"].annotation)
    for frame_ms in get_args(AudioFormat.model_fields["frame_ms"].annotation)
]


def name(output: AudioFormat) -> str:
    return f"{output.codec}-{output.rate}-{output.frame_ms}"


def tone(seconds: float, rate: int = RATE, hertz: float = 440.0, level: float = 8000) -> Pcm:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def likeness_db(heard: Pcm, meant: Pcm) -> float:
    """How far what differs lies below the sound, at the best shift of up to 30 ms."""
    best = -99.0
    size = meant.size * 3 // 4
    start = meant.size // 8
    wanted = meant[start : start + size].astype(np.float64)
    for shift in range(-480, 481):
        part = heard[start + shift : start + shift + size].astype(np.float64)
        if part.size == size:
            best = max(best, 10 * float(np.log10(np.sum(wanted**2) / (np.sum((wanted - part) ** 2) + 1))))
    return best


def decoded(frames: list[bytes], output: AudioFormat) -> Pcm:
    decoder = Decoder(output.codec, output.rate)
    return np.concatenate([decoder.decode(frame) for frame in frames] + [decoder.decode(b"", last=True)])


class TestCodecs:
    @pytest.mark.parametrize("output", FORMATS, ids=name)
    def test_what_is_encoded_is_heard_again(self, output: AudioFormat) -> None:
        meant = tone(1.2)
        frames = encode(meant, RATE, output)
        assert len(frames) == 1200 // output.frame_ms
        heard = decoded(frames, output)
        assert abs(heard.size - meant.size) <= RATE * 0.03
        assert level_db(heard) == pytest.approx(level_db(meant), abs=1.0)
        assert likeness_db(heard, meant) > (20 if output.codec == "opus" else 35)

    @pytest.mark.parametrize("output", FORMATS, ids=name)
    def test_every_frame_is_as_long_as_was_asked(self, output: AudioFormat) -> None:
        frames = encode(tone(0.31), RATE, output)
        assert len(frames) == -(-310 // output.frame_ms)
        for frame in frames:
            if output.codec == "pcm16":
                assert len(frame) == output.rate * 2 * output.frame_ms // 1000
            else:
                assert 0 < len(frame) <= 500
                size = Decoder("opus").decode(frame, last=True).size
                assert size == pytest.approx(RATE * output.frame_ms / 1000, abs=RATE * 0.001)

    @pytest.mark.parametrize("output", FORMATS, ids=name)
    def test_nothing_is_nothing(self, output: AudioFormat) -> None:
        assert encode(np.zeros(0, np.int16), RATE, output) == []

    @pytest.mark.parametrize("output", [f for f in FORMATS if f.frame_ms != 40], ids=name)
    def test_a_live_stream_gives_the_same_however_it_is_cut(self, output: AudioFormat) -> None:
        sound = tone(0.6, output.rate)
        encoder, at, frames = Encoder(output), 0, list[bytes]()
        random = np.random.default_rng(1)
        while at < sound.size:
            step = int(random.integers(1, 3000))
            frames += encoder.encode(sound[at : at + step])
            at += step
        assert len(frames) == 600 // output.frame_ms
        assert likeness_db(decoded(frames, output), tone(0.6)) > 20

    @pytest.mark.parametrize("rate", [8000, 12000, 24000, 48000])
    def test_the_tail_of_a_stream_is_not_lost(self, rate: Any) -> None:
        sound = np.concatenate([np.zeros(rate, np.int16), tone(0.02, rate)])
        decoder = Decoder("pcm16", rate)
        parts = [decoder.decode(part.tobytes()) for part in np.array_split(sound, 17)]
        heard = np.concatenate([*parts, decoder.decode(b"", last=True)])
        assert abs(heard.size - 1.02 * RATE) <= 2
        assert level_db(heard[-int(0.02 * RATE) :]) == pytest.approx(level_db(tone(0.02)), abs=1.5)

    def test_a_long_sound_is_in_time_to_its_end(self) -> None:
        clicks = np.zeros(10 * RATE, np.int16)
        clicks[:: RATE // 2] = 20_000
        clicks[1 :: RATE // 2] = -20_000
        heard = decoded(encode(clicks, RATE, AudioFormat()), AudioFormat())
        at = [n * RATE // 2 + int(np.argmax(np.abs(heard[n * RATE // 2 :][: RATE // 4]))) for n in range(20)]
        shifts = [found - n * RATE // 2 for n, found in enumerate(at)]
        assert max(shifts) - min(shifts) <= 32
        assert 0 <= min(shifts) <= 0.03 * RATE


class TestRubbish:
    GOOD = {codec: encode(tone(1.2), RATE, AudioFormat(codec=codec)) for codec in ("opus", "pcm16")}

    @settings(max_examples=80, deadline=None)
    @given(st.lists(st.binary(max_size=300), max_size=6), st.sampled_from(["opus", "pcm16"]))
    @example([b"\xff" * 200, b"", b"\x00"], "opus")
    @example([b"\x03\xff" * 40], "opus")
    @example([b"", b"", b""], "pcm16")
    def test_a_chunk_is_sound_or_an_audio_error_and_the_next_is_taken(self, chunks: list[bytes], codec: Any) -> None:
        decoder = Decoder(codec)
        for chunk in chunks:
            try:
                pcm = decoder.decode(chunk)
            except AudioError:
                continue
            assert pcm.dtype == np.int16
            assert pcm.size <= RATE * 0.2
        heard = np.concatenate([decoder.decode(frame) for frame in self.GOOD[codec]])
        assert level_db(heard[-RATE // 2 :]) == pytest.approx(level_db(tone(1.2)), abs=2.0)

    @settings(max_examples=80, deadline=None)
    @given(st.binary(max_size=3000), st.sampled_from([b"", b"RIFF\x24\x00\x00\x00WAVE", b"OggS", b"ID3\x04", b"fLaC"]))
    def test_a_file_of_random_bytes_is_refused(self, data: bytes, magic: bytes) -> None:
        with pytest.raises(AudioError):
            decode_file(magic + data, 30)

    def test_what_is_no_sound_is_refused(self) -> None:
        for data in (b"", b"hello", b"%PDF-1.7 ...", to_wav(np.zeros(0, np.int16), RATE), picture()):
            with pytest.raises(AudioError):
                decode_file(data, 30)


def picture() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="avi") as container:
        stream: Any = container.add_stream("mjpeg", rate=5)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def file(container_name: str, codec: str, rate: int, layout: str, sample: str, seconds: float = 1.0) -> bytes:
    """A tone as PyAV writes it."""
    out = io.BytesIO()
    sound = tone(seconds, rate)
    channels = 2 if layout == "stereo" else 1
    frame = av.AudioFrame.from_ndarray(np.repeat(sound, channels)[None], format="s16", layout=layout)
    frame.sample_rate = rate
    with av.open(out, "w", format=container_name) as container:
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        size = stream.codec_context.frame_size
        converter = av.AudioResampler(format=sample, layout=layout, rate=rate, frame_size=size)
        for converted in [*converter.resample(frame), *converter.resample(None)]:
            container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return out.getvalue()


FILES = {
    "wav": ("wav", "pcm_s16le", "s16"), "wav 8 bit": ("wav", "pcm_u8", "u8"), "wav float": ("wav", "pcm_f32le", "flt"),
    "ogg opus": ("ogg", "libopus", "s16"), "mp3": ("mp3", "libmp3lame", "s16p"),
    "flac": ("flac", "flac", "s16"),
}  # fmt: skip


class TestFiles:
    @pytest.mark.parametrize("layout", ["mono", "stereo"])
    @pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
    @pytest.mark.parametrize("kind", FILES)
    def test_of_every_kind_are_read(self, kind: str, rate: int, layout: str) -> None:
        if kind == "ogg opus" and rate == 44100:
            pytest.skip("Opus has no 44.1 kHz")
        container, codec, sample = FILES[kind]
        pcm = decode_file(file(container, codec, rate, layout, sample), 30)
        assert RATE * 0.99 <= pcm.size <= RATE * 1.12, "its tail is missing, or it was stretched"
        assert level_db(pcm[: RATE * 9 // 10]) == pytest.approx(level_db(tone(1.0)), abs=1.5)
        crossings = np.count_nonzero(np.diff(np.signbit(pcm[1600:14400].astype(np.int32) + 1)))
        assert crossings == pytest.approx(2 * 440 * 0.8, rel=0.02)

    def test_the_tail_is_not_lost(self) -> None:
        sound = np.concatenate([np.zeros(44_100, np.int16), tone(0.02, 44_100)])
        pcm = decode_file(to_wav(sound, 44_100), 30)
        assert pcm.size == pytest.approx(1.02 * RATE, abs=4)
        assert level_db(pcm[-int(0.02 * RATE) :]) == pytest.approx(level_db(tone(0.02)), abs=2.0)

    def test_no_more_than_the_limit_is_taken(self) -> None:
        assert decode_file(to_wav(tone(3), RATE), 1.5).size == 1.5 * RATE
        assert decode_file(to_wav(tone(1), RATE), 1.5).size == RATE

    @pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
    def test_a_wav_that_breaks_off_is_refused(self, share: float) -> None:
        whole = to_wav(tone(1), RATE)
        assert decode_file(whole, 30).size == RATE
        with pytest.raises(AudioError):
            decode_file(whole[: int(len(whole) * share)], 30)

    @pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_FFFF, 0x7FFF_F000 + 36])
    def test_a_wav_written_to_a_pipe_is_read_as_far_as_it_goes(self, size: int) -> None:
        piped = bytearray(to_wav(tone(1), RATE))
        piped[4:8] = size.to_bytes(4, "little")
        piped[40:44] = (size - 36).to_bytes(4, "little")
        assert decode_file(bytes(piped), 30).size == RATE

    def test_our_own_wav_is_one(self) -> None:
        with wave.open(io.BytesIO(to_wav(tone(0.5, 24_000), 24_000))) as written:
            assert (written.getnchannels(), written.getsampwidth(), written.getframerate()) == (1, 2, 24_000)
            assert np.array_equal(np.frombuffer(written.readframes(99_999), "<i2"), tone(0.5, 24_000))


class TestLevels:
    def test_of_nothing_and_of_all(self) -> None:
        assert level_db(np.zeros(0, np.int16)) == -120
        assert level_db(np.zeros(100, np.int16)) == pytest.approx(-120)
        assert level_db(np.full(100, -32768, np.int16)) == pytest.approx(0, abs=0.001)

    def test_ten_times_less_is_20_db_less(self) -> None:
        assert level_db(tone(1, level=16_000)) - level_db(tone(1, level=1600)) == pytest.approx(20, abs=0.05)

    @pytest.mark.parametrize("rate", [8000, 12000, 24000, 48000])
    def test_resampling_keeps_length_and_level(self, rate: int) -> None:
        changed = resample(tone(1), RATE, rate)
        assert changed.size == rate
        assert level_db(changed) == pytest.approx(level_db(tone(1)), abs=0.2)
        assert resample(np.zeros(0, np.int16), RATE, rate).size == 0
