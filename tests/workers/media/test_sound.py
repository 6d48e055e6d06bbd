"""Reading and writing audio: long files in parts that join, and files that are not what they say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.workers.media.conftest import Samples
from workers.media import sound
from workers.media.errors import MediaUnreadable

Write = Callable[..., Path]


@pytest.fixture
def stored(tmp_path: Path, melody: Samples) -> Path:
    """Seven seconds as the library stores them."""
    path = tmp_path / "melody.opus"
    assert sound.write(path, [melody[:100_000], melody[100_000:]], 64_000) == 7000
    return path


def test_length_is_kept_to_the_sample(stored: Path, melody: Samples) -> None:
    samples, rate, ended = sound.read(stored, 0, 60_000)
    assert (len(samples), rate, ended) == (len(melody), 48_000, True)
    assert samples.dtype == np.int16


@pytest.mark.parametrize("step_ms", [1000, 333, 2500])
def test_parts_join_without_a_gap(stored: Path, step_ms: int) -> None:
    whole, _, _ = sound.read(stored, 0, 60_000)
    parts, ended, at = [], False, 0
    while not ended:
        part, _, ended = sound.read(stored, at, step_ms)
        parts.append(part)
        at += step_ms
    joined = np.concatenate(parts)
    assert len(joined) == len(whole)
    assert np.abs(joined.astype(int) - whole).max() <= 16, "the decoder's run-up is long enough"


@pytest.mark.parametrize("position_ms", [1, 20, 499, 501, 1234, 3999, 6990])
def test_resumes_at_the_very_sample(stored: Path, position_ms: int) -> None:
    whole, _, _ = sound.read(stored, 0, 60_000)
    part, _, ended = sound.read(stored, position_ms, 500)
    first = position_ms * 48
    assert np.abs(part.astype(int) - whole[first : first + 24_000]).max() <= 16
    assert ended == (position_ms + 500 >= 7000)


def test_past_the_end_there_is_nothing(stored: Path) -> None:
    samples, _, ended = sound.read(stored, 60_000, 1000)
    assert (len(samples), ended) == (0, True)


def test_the_last_part_knows_that_it_is_the_last(stored: Path) -> None:
    assert sound.read(stored, 6000, 1000)[2]
    assert not sound.read(stored, 6000, 999)[2]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.wav", "pcm_s16le"), ("a.mp3", "libmp3lame"), ("a.flac", "flac"), ("a.m4a", "aac"), ("a.ogg", "libopus")],
)
def test_any_format_can_be_read_in_the_middle(
    tmp_path: Path, melody: Samples, write_audio: Write, name: str, codec: str
) -> None:
    path = write_audio(tmp_path / name, melody, codec)
    samples, rate, ended = sound.read(path, 2000, 1000)
    assert (len(samples), rate, ended) == (48_000, 48_000, False)
    # Where is this second in the original? Lossy codecs shift a file by their own delay, by a frame or two at most.
    wanted = np.fft.rfft(melody[86_400:153_600].astype(float), 131_072)
    lag = int(np.fft.irfft(wanted * np.conj(np.fft.rfft(samples.astype(float), 131_072))).argmax())
    assert lag == pytest.approx(9600, abs=2400)


def test_a_playlist_in_disguise_is_refused(tmp_path: Path, stored: Path) -> None:
    for text in (f"#EXTM3U\n#EXTINF:7,\n{stored}\n", f"ffconcat version 1.0\nfile '{stored}'\n"):
        liar = tmp_path / "song.mp3"
        liar.write_text(text)
        with pytest.raises(MediaUnreadable):
            sound.read(liar, 0, 1000)


@pytest.mark.parametrize(
    "data", [b"", b"not audio at all " * 99, b"OggS" + bytes(500), b"RIFF\xff\xff\xff\xffWAVEfmt "]
)
def test_rubbish_is_unreadable(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.mp3"
    path.write_bytes(data)
    with pytest.raises(MediaUnreadable):
        sound.convert(path, tmp_path / "out", 64_000, lambda _: None)


def test_a_damaged_middle_is_passed_over(tmp_path: Path, melody: Samples, write_audio: Write) -> None:
    path = write_audio(tmp_path / "a.mp3", melody, "libmp3lame")
    data = bytearray(path.read_bytes())
    data[20_000:22_000] = np.random.default_rng(3).bytes(2000)
    path.write_bytes(data)
    assert 6000 < sound.convert(path, tmp_path / "out", 64_000, lambda _: None) <= 7200


def test_a_fingerprint_is_of_the_sound_not_of_the_tags(tmp_path: Path, melody: Samples, write_audio: Write) -> None:
    one = write_audio(tmp_path / "one.flac", melody, "flac", title="One")
    two = write_audio(tmp_path / "two.flac", melody, "flac", title="Two", artist="Somebody")
    other = write_audio(tmp_path / "other.flac", melody[::-1].copy(), "flac", title="One")
    assert one.read_bytes() != two.read_bytes()
    assert sound.fingerprint(one) == sound.fingerprint(two) != sound.fingerprint(other)
    assert sound.tags(two) == sound.tags(two) | {"title": "Two", "artist": "Somebody"}
