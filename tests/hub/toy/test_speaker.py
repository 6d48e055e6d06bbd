"""The simulated speaker: time is passed in, so every millisecond can be asserted."""

import numpy as np
import pytest

from hub.audio import RATE, encode
from hub.messages import AudioFormat, DownAudio
from hub.messages.audio import END, START
from hub.messages.parts import Codec
from hub.toy.playback import chunk_ms
from hub.toy.speaker import Speaker

MS = 60
TURN = 7


def chunk(seq: int, flags: int = 0, *, ms: int = MS, value: int = 1000) -> DownAudio:
    data = np.full(ms * 16, value, "<i2").tobytes()
    return DownAudio("bear", TURN, seq % 0x10000, seq * MS, flags, data)


def speaker(buffer_ms: int = 2000, codec: Codec = "pcm16") -> Speaker:
    made = Speaker(buffer_ms, codec, RATE)
    made.open(TURN)
    return made


def played(one: Speaker) -> list[tuple[int, float, float]]:
    """seq, when, how long: of each chunk that was heard."""
    assert one.playback
    return [(span.chunk.seq, span.at_ms, span.heard_ms) for span in one.playback.spans]


def test_plays_at_real_time_from_the_first_chunk_to_the_end() -> None:
    one = speaker()
    for seq in range(3):
        assert one.push(chunk(seq, END if seq == 2 else 0), now_ms=100)
    assert one.sounding
    assert one.runs_out_ms() == 280
    assert one.position_ms(130) == 30
    one.advance(279)
    assert not one.finished
    one.advance(280)
    assert one.finished
    assert played(one) == [(0, 100, 60), (1, 160, 60), (2, 220, 60)]
    assert one.playback
    assert (one.playback.late, one.playback.gaps, one.playback.underruns) == (0, 0, 0)
    assert one.playback.ended_at_ms == 280
    assert one.position_ms(500) == 180


def test_plays_in_seq_order_whatever_the_order_of_arrival() -> None:
    one = speaker()
    one.push(chunk(0), 0)
    one.push(chunk(2), 1)
    one.push(chunk(1), 2)
    one.advance(1000)
    assert [seq for seq, *_ in played(one)] == [0, 1, 2]
    assert one.playback
    assert one.playback.gaps == 0


def test_a_lost_chunk_is_silence_of_its_length_and_what_follows_stays_in_time() -> None:
    one = speaker()
    one.push(chunk(0, value=500), 0)
    one.push(chunk(3, END, value=700), 1)
    one.advance(1000)
    assert played(one) == [(0, 0, 60), (3, 180, 60)]
    assert one.playback
    assert one.playback.gaps == 2
    assert one.position_ms(1000) == 240
    sound = one.playback.sound()
    assert sound.size == 240 * 16
    assert set(sound[: 60 * 16]) == {500}
    assert set(sound[60 * 16 : 180 * 16]) == {0}
    assert set(sound[180 * 16 :]) == {700}


def test_a_chunk_that_comes_after_it_was_given_up_is_late_and_not_heard() -> None:
    one = speaker()
    one.push(chunk(0), 0)
    one.push(chunk(2), 1)
    one.advance(70)
    assert not one.push(chunk(1), 70)
    assert one.playback
    assert (one.playback.late, one.playback.gaps, one.playback.duplicates) == (1, 1, 0)


def test_running_dry_inside_a_piece_is_an_underrun_and_the_next_chunk_is_late() -> None:
    one = speaker()
    one.push(chunk(0), 0)
    one.push(chunk(1, END), 100)
    one.advance(1000)
    assert played(one) == [(0, 0, 60), (1, 100, 60)]
    assert one.playback
    assert (one.playback.underruns, one.playback.late, one.playback.pauses) == (1, 1, 0)
    assert one.playback.dry_ms == 40
    assert one.take_dry() == [40]
    assert one.take_dry() == []
    assert one.position_ms(1000) == 120
    assert one.playback.sound().size == 160 * 16


def test_running_dry_between_two_pieces_is_a_pause() -> None:
    one = speaker()
    one.push(chunk(0, START), 0)
    one.push(chunk(1, START | END), 500)
    assert one.playback
    assert (one.playback.underruns, one.playback.late, one.playback.pauses) == (0, 0, 1)


def test_a_chunk_that_comes_in_the_very_last_moment_is_in_time() -> None:
    one = speaker()
    one.push(chunk(0), 0)
    one.push(chunk(1, END), 60)
    assert one.playback
    assert (one.playback.underruns, one.playback.late) == (0, 0)


def test_what_does_not_fit_into_the_buffer_is_thrown_away() -> None:
    one = speaker(buffer_ms=150)
    assert [one.push(chunk(seq), 0) for seq in range(4)] == [True, True, False, False]
    assert one.playback
    assert one.playback.overflows == 2
    assert one.playback.peak_ms == 120
    assert one.push(chunk(2), 90)  # there is room again


def test_duplicates_are_heard_once() -> None:
    one = speaker()
    one.push(chunk(0), 0)
    one.push(chunk(1), 0)
    assert not one.push(chunk(1), 0)
    one.advance(60)
    assert not one.push(chunk(0), 60)
    assert one.playback
    assert one.playback.duplicates == 2


def test_flush_stops_in_the_middle_of_a_chunk_and_forgets_the_rest() -> None:
    one = speaker()
    for seq in range(5):
        one.push(chunk(seq), 0)
    one.flush(80)
    assert one.finished
    assert not one.sounding
    assert one.position_ms(500) == 80
    assert one.seq == 1
    assert played(one) == [(0, 0, 60), (1, 60, 20)]
    assert not one.push(chunk(5), 90)
    assert one.playback
    assert one.playback.sound().size == 80 * 16


def test_drain_plays_what_is_there_when_the_end_was_lost() -> None:
    one = speaker()
    one.push(chunk(0), 0)
    one.drain(10)
    assert not one.finished
    one.advance(60)
    assert one.finished
    other = speaker()
    other.drain(5)
    assert other.finished


def test_seq_counts_on_past_its_sixteen_bits() -> None:
    one = speaker()
    one._expected = 0xFFFE
    for seq in range(0xFFFE, 0x10002):
        assert one.push(chunk(seq), 0)
    one.advance(10_000)
    assert [seq for seq, *_ in played(one)] == [0xFFFE, 0xFFFF, 0, 1]
    assert one.playback
    assert one.playback.gaps == 0


def test_nonsense_timestamps_never_make_a_long_silence() -> None:
    one = speaker()
    one.push(chunk(0), 0)
    one.push(DownAudio("bear", TURN, 5, 2**32 - 1, 0, b"\0" * 1920), 0)
    one.advance(60 + 2000)
    assert played(one)[-1][:2] == (5, 2060)


@pytest.mark.parametrize(("frame_ms", "rate"), [(20, 16_000), (40, 16_000), (60, 16_000), (60, 24_000), (20, 48_000)])
def test_the_length_of_an_opus_packet_is_read_from_its_header(frame_ms: int, rate: int) -> None:
    to = AudioFormat.model_validate({"codec": "opus", "rate": rate, "frame_ms": frame_ms})
    packets = encode(np.zeros(RATE, np.int16), RATE, to)
    assert {chunk_ms(packet, "opus", rate) for packet in packets} == {frame_ms}


@pytest.mark.parametrize(("packet", "ms"), [(b"", 0), (b"\x03", 0), (b"\x0b\x03", 60), (b"\x09", 40), (b"\xe0", 2.5)])
def test_odd_opus_headers(packet: bytes, ms: float) -> None:
    assert chunk_ms(packet, "opus", 16_000) == ms


def test_opus_comes_out_as_the_sound_that_went_in() -> None:
    tone = (np.sin(np.arange(RATE * 6 // 10) * 2 * np.pi * 440 / RATE) * 8000).astype(np.int16)
    one = speaker(codec="opus")
    packets = encode(tone, RATE, AudioFormat())
    for piece in range(2):  # the second piece resets the decoder
        for index, packet in enumerate(packets):
            flags = START if index == 0 else END if piece and index == len(packets) - 1 else 0
            seq = piece * len(packets) + index
            one.push(DownAudio("bear", TURN, seq, seq * MS, flags, packet), 0)
    one.advance(10_000)
    assert one.playback
    sound = one.playback.sound()
    assert sound.size == 2 * tone.size
    for half in (sound[: tone.size], sound[tone.size :]):
        spectrum = np.abs(np.fft.rfft(half))
        assert np.argmax(spectrum) * RATE / half.size == pytest.approx(440, abs=3)


def test_a_broken_packet_is_silence_and_the_rest_is_heard() -> None:
    one = speaker(codec="opus")
    packets = encode((np.sin(np.arange(RATE // 2) / 5) * 8000).astype(np.int16), RATE, AudioFormat())
    packets[3] = b"\x5b\x01" + b"\xff" * 3
    for seq, packet in enumerate(packets):
        one.push(DownAudio("bear", TURN, seq, seq * MS, 0, packet), 0)
    one.advance(10_000)
    assert one.playback
    sound = one.playback.sound()
    assert sound.size == sum(round(span.heard_ms * 16) for span in one.playback.spans)
    assert np.abs(sound[-3000:]).max() > 3000
