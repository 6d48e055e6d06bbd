"""Pieces of a reply in any order and at any time come out as chunks in order, paced, and end once."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.messages import Action, AudioFormat, Piece, Place, Request, Speech, Track
from hub.messages.audio import END, START
from hub.session.playout import Begun, Chunk, Playout

OPUS = AudioFormat(codec="opus", rate=16000, frame_ms=60)
MORE = Action(name="play", slots={"item": "song", "position": 9})
SORRY = "Oh dear."


def speech(index: int, frames: int, text: str = "", **more: Any) -> Speech:
    """Every frame is told from all others by its content."""
    return Speech(
        device="bear", turn=7, index=index, text=text, frames=[f"{index}/{n}".encode() for n in range(frames)], **more
    )


def song(index: int, frames: int, position: int = 0, **more: Any) -> Track:
    place = Place(item="song", title="A Song", kind="music", position=position)
    return Track(device="bear", turn=7, index=index, title="A Song", place=place, frames=[b"track"] * frames, **more)


def playout(ahead_ms: int = 400, max_data: int = 900, output: AudioFormat = OPUS) -> Playout:
    return Playout(output, ahead_ms, max_data)


@dataclass
class Toy:
    """Plays what is sent without delay, as long as it has something; checks what every toy relies on."""

    ahead_ms: int
    frame_ms: int = 60
    chunks: list[Chunk] = field(default_factory=list)
    begun: list[Piece] = field(default_factory=list)
    buffered_ms: float = 0.0
    now: float | None = None

    def take(self, steps: list[Chunk | Begun], now: float) -> None:
        self.buffered_ms = max(0.0, self.buffered_ms - (now - (now if self.now is None else self.now)) * 1000)
        self.now = now
        for step in steps:
            if isinstance(step, Begun):
                self.begun.append(step.piece)
                continue
            assert not self.ended, "a chunk after the last"
            assert step.seq == len(self.chunks)
            if self.chunks:
                assert step.timestamp_ms == self.sent_ms
            self.chunks.append(step)
            if step.data:
                self.buffered_ms += self.frame_ms
            assert self.buffered_ms <= max(self.ahead_ms, self.frame_ms) + 0.01, "more than the toy's buffer holds"

    @property
    def ended(self) -> bool:
        return bool(self.chunks and self.chunks[-1].flags & END)

    @property
    def sent_ms(self) -> int:
        return sum(self.frame_ms for chunk in self.chunks if chunk.data)

    @property
    def frames(self) -> list[bytes]:
        return [chunk.data for chunk in self.chunks if chunk.data]


def play_to_end(reply: Playout, toy: Toy, now: float) -> float:
    """Wake up exactly when the playout asks for it."""
    for _ in range(10_000):
        toy.take(reply.due(now), now)
        due = reply.next_due()
        if due is None:
            return now
        assert due > now, "asks for a time at which it does nothing"
        now = due
    pytest.fail("never comes to an end")


@dataclass(frozen=True)
class Arrival:
    """A piece, and how long after the one before."""

    index: int
    after_s: float


@st.composite
def replies(draw: st.DrawFn) -> tuple[list[int], list[Arrival]]:
    """How many frames each piece has, and the arrivals: each piece at least once, in any order."""
    lengths = draw(st.lists(st.integers(0, 12), min_size=1, max_size=7))
    order = draw(st.permutations(range(len(lengths))))
    again = draw(st.lists(st.integers(0, len(lengths) - 1), max_size=4))
    indexes = [*order]
    for index in again:
        indexes.insert(draw(st.integers(0, len(indexes))), index)
    gaps = st.floats(0, 3, allow_nan=False)
    return lengths, [Arrival(index, draw(gaps)) for index in indexes]


class TestAnyOrder:
    @given(replies(), st.sampled_from([60, 100, 400, 2000]), st.floats(0, 1e6))
    def test_every_frame_is_sent_once_in_order_and_in_time(
        self, reply: tuple[list[int], list[Arrival]], ahead_ms: int, start: float
    ) -> None:
        lengths, arrivals = reply
        pieces = [speech(i, n, last=i == len(lengths) - 1) for i, n in enumerate(lengths)]
        out, toy, now = playout(ahead_ms), Toy(ahead_ms), start
        taken: set[int] = set()
        for arrival in arrivals:
            until = now + arrival.after_s
            while (due := out.next_due()) is not None and due <= until:
                now = max(now, due)
                toy.take(out.due(now), now)
            now = until
            assert out.add(pieces[arrival.index]) == (arrival.index not in taken)
            taken.add(arrival.index)
            toy.take(out.due(now), now)
        play_to_end(out, toy, now)
        assert toy.frames == [frame for piece in pieces for frame in piece.frames]
        assert [piece.index for piece in toy.begun] == list(range(len(pieces)))
        assert [bool(c.flags & END) for c in toy.chunks] == [False] * (len(toy.chunks) - 1) + [True]
        assert out.finished
        assert not out.dry
        assert out.sent_ms == toy.sent_ms == 60 * sum(lengths)
        starts = [c.data.split(b"/")[1] for c in toy.chunks if c.flags & START]
        assert starts == [b"0"] * sum(n > 0 for n in lengths), "each piece begins anew for the decoder"
        assert out.due(now + 100) == []
        assert not out.add(speech(0, 3))

    def test_a_reply_without_any_sound_is_an_end_without_sound(self) -> None:
        out = playout()
        out.add(speech(0, 0, last=True))
        assert out.due(1.0) == [Begun(speech(0, 0, last=True)), Chunk(0, 0, END, b"")]
        assert out.finished

    def test_frames_without_content_are_left_out(self) -> None:
        out, toy = playout(), Toy(400)
        out.add(Speech(device="bear", turn=7, text="", frames=[b"", b"a", b""], last=True))
        play_to_end(out, toy, 0.0)
        assert toy.frames == [b"a"]

    def test_numbers_of_chunks_wrap(self) -> None:
        out = playout(ahead_ms=5000)
        out.add(speech(0, 2, last=True))
        out._seq = 0xFFFF
        assert [step.seq for step in out.due(0.0) if isinstance(step, Chunk)] == [0xFFFF, 0]


class TestPace:
    def test_the_buffer_is_filled_at_once_and_then_kept_full(self) -> None:
        out, toy = playout(ahead_ms=400), Toy(400)
        out.add(speech(0, 100, last=True))
        toy.take(out.due(10.0), 10.0)
        assert len(toy.frames) == 6
        assert play_to_end(out, toy, 10.0) == pytest.approx(10.0 + 6.0 - 0.4, abs=0.001)

    def test_a_toy_that_ran_dry_is_filled_anew_and_not_flooded_with_what_it_missed(self) -> None:
        out, toy = playout(ahead_ms=400), Toy(400)
        out.add(speech(0, 2))
        toy.take(out.due(10.0), 10.0)
        assert out.dry
        out.add(speech(1, 50, last=True))
        toy.take(out.due(20.0), 20.0)
        assert len(toy.frames) == 2 + 6
        play_to_end(out, toy, 20.0)

    def test_a_clock_that_jumps_does_not_flood_the_toy(self) -> None:
        out, toy = playout(ahead_ms=400), Toy(400)
        out.add(speech(0, 100, last=True))
        for now in (10.0, 12.5, 12.6, 18.0):
            toy.take(out.due(now), now)
        assert not toy.ended

    def test_position_by_wall_clock_stops_where_sending_stopped(self) -> None:
        out = playout(ahead_ms=400)
        assert out.played_by(5.0) == 0
        out.add(speech(0, 4))
        out.due(10.0)
        assert [out.played_by(now) for now in (9.0, 10.0, 10.125, 10.25, 99.0)] == [0, 0, 125, 240, 240]
        assert out.ends_at() == pytest.approx(10.24)


class TestPcm:
    @given(
        st.sampled_from([8000, 12000, 16000, 24000, 48000]), st.sampled_from([20, 40, 60]), st.integers(64, 2000),
        st.integers(1, 30),
    )  # fmt: skip
    def test_is_cut_to_what_the_toy_can_take_without_losing_time(
        self, rate: Any, frame_ms: Any, max_data: int, frames: int
    ) -> None:
        output = AudioFormat(codec="pcm16", rate=rate, frame_ms=frame_ms)
        size = rate * 2 * frame_ms // 1000
        sound = [bytes([n]) * size for n in range(frames)]
        out = playout(ahead_ms=10_000, max_data=max_data, output=output)
        out.add(Speech(device="bear", turn=7, text="", frames=sound, last=True, output=output))
        chunks = [step for step in out.due(0.0) if isinstance(step, Chunk)]
        assert b"".join(chunk.data for chunk in chunks) == b"".join(sound)
        assert max(len(chunk.data) for chunk in chunks) <= max_data
        assert not any(len(chunk.data) % 2 for chunk in chunks), "a sample was torn apart"
        assert out.sent_ms == frames * frame_ms, "its time runs slower than that of the sound"
        sent = 0
        for chunk in chunks:
            assert abs(chunk.timestamp_ms - sent * 1000 / (rate * 2)) <= 1
            sent += len(chunk.data)
        assert [chunk.flags for chunk in chunks] == [START] * (len(chunks) > 1) + [0] * (len(chunks) - 2) + [
            END if len(chunks) > 1 else START | END
        ]

    def test_an_opus_packet_stays_whole(self) -> None:
        out = playout(max_data=64)
        out.add(Speech(device="bear", turn=7, text="", frames=[b"x" * 300], last=True))
        assert [len(step.data) for step in out.due(0.0) if isinstance(step, Chunk)] == [300]


class TestHeard:
    TEXTS = ("One two three four.", "Five six seven eight nine.", "Ten.")

    def reply(self) -> Playout:
        out = playout(ahead_ms=60_000)
        for index, text in enumerate(self.TEXTS):
            out.add(speech(index, 10, text, last=index == 2))
        out.due(0.0)
        return out

    def test_the_whole_reply_at_its_end(self) -> None:
        assert self.reply().heard(1800) == " ".join(self.TEXTS)

    def test_a_sentence_is_cut_at_a_word(self) -> None:
        assert self.reply().heard(900) == "One two three four. Five six…"
        assert self.reply().heard(300) == "One two…"

    def test_nothing_before_the_first_word_is_out(self) -> None:
        assert self.reply().heard(0) == ""
        assert self.reply().heard(100) == ""

    @given(st.lists(st.integers(0, 2500), min_size=2, max_size=20))
    def test_it_only_grows(self, positions: list[int]) -> None:
        reply = self.reply()
        texts = [reply.heard(position).rstrip("…").split() for position in sorted(positions)]
        for less, more in pairwise(texts):
            assert more[: len(less)] == less
        assert " ".join(self.TEXTS).split()[: len(texts[-1])] == texts[-1]

    def test_what_was_never_sent_was_not_heard(self) -> None:
        out = playout(ahead_ms=60)
        out.add(speech(0, 1, "One."))
        out.add(speech(1, 1, "Two.", last=True))
        out.due(0.0)
        assert out.heard(out.sent_ms) == "One."


class TestPlace:
    def test_music_goes_on_at_the_millisecond(self) -> None:
        out = playout(ahead_ms=60_000)
        out.add(speech(0, 10, "Here it is."))
        out.add(song(1, 100, position=5000, last=True))
        out.due(0.0)
        assert out.place(599) is None
        at = {position: out.place(position) for position in (600, 1600, 6600)}
        assert [(p[0].position, p[1]) for p in at.values() if p] == [(5000, False), (6000, False), (11_000, True)]

    def test_music_of_which_more_is_to_come_is_not_over(self) -> None:
        out = playout(ahead_ms=60_000)
        out.add(song(0, 100, last=True, more=MORE))
        out.due(0.0)
        place = out.place(6000)
        assert place is not None
        assert (place[0].position, place[1]) == (6000, False)

    def test_a_sentence_of_a_story_that_was_cut_is_told_again(self) -> None:
        out = playout(ahead_ms=60_000)
        for index in range(3):
            where = Place(item="tale", title="A Tale", kind="story", position=20 + index)
            out.add(speech(index, 10, "Once upon a time.", place=where, last=index == 2))
        out.due(0.0)
        places = [out.place(position) for position in (0, 599, 600, 1100, 1800)]
        assert [place[0].position for place in places if place] == [20, 20, 21, 21, 23]
        assert [place[1] for place in places if place] == [False] * 4 + [True]

    @given(st.lists(st.integers(0, 4000), min_size=2, max_size=20), st.sampled_from(["music", "story"]))
    def test_it_only_moves_on(self, positions: list[int], kind: Any) -> None:
        out, at = playout(ahead_ms=60_000), 0
        for index in range(5):
            where = Place(item="x", title="X", kind=kind, position=index if kind == "story" else at)
            out.add(speech(index, 10, "Text.", place=where, last=index == 4))
            at += 600
        out.due(0.0)
        found = [out.place(position) for position in sorted(positions)]
        reached = [place[0].position for place in found if place]
        assert len(reached) == len(positions)
        assert reached == sorted(reached)


class TestMore:
    def test_is_asked_for_once_in_time_for_each_part(self) -> None:
        out, toy, now = playout(), Toy(400), 0.0
        asked: list[tuple[int, int]] = []
        out.add(song(0, 100, last=True, more=MORE))
        while len(asked) < 3:
            toy.take(out.due(now), now)
            for _ in range(2):
                if wanted := out.wants_more(1000):
                    asked.append((wanted[0], out.sent_ms))
                    assert wanted[1] == MORE
                    out.add(song(wanted[0], 100, last=True, more=MORE))
            now += 0.05
        assert [index for index, _ in asked] == [1, 2, 3]
        for part, (_, sent_ms) in enumerate(asked, 1):
            assert 0 <= part * 6000 - sent_ms <= 1000
        assert not toy.ended

    def test_is_asked_once_also_when_it_does_not_come(self) -> None:
        out = playout(ahead_ms=60_000)
        out.add(song(0, 10, last=True, more=MORE))
        out.due(0.0)
        assert [out.wants_more(1000) for _ in range(3)] == [(1, MORE), None, None]
        assert out.dry
        assert not out.finished

    def test_is_not_asked_for_a_reply_that_is_complete(self) -> None:
        out = playout(ahead_ms=60_000)
        assert out.wants_more(1000) is None
        out.add(song(0, 10, last=True))
        out.due(0.0)
        assert out.wants_more(1000) is None


class TestApology:
    @given(
        st.integers(0, 3), st.integers(1, 30), st.floats(0, 4), st.booleans(), st.booleans(), st.integers(0, 9),
    )  # fmt: skip
    def test_comes_at_once_and_is_the_end(
        self, there: int, frames: int, at: float, last: bool, more: bool, length: int
    ) -> None:
        out, toy, now = playout(), Toy(400), 0.0
        for index in range(there):
            is_last = last and index == there - 1
            out.add(speech(index, frames, "Text.", last=is_last, more=MORE if is_last and more else None))
        out.add(speech(there + 1, frames, "After a gap."))
        while now < at and not out.finished:
            toy.take(out.due(now), now)
            now += 0.05
        if out.finished:
            return  # there is nothing left to replace; the session does not try
        before = toy.sent_ms
        out.replace_rest(Speech(device="_sounds", turn=0, text=SORRY, frames=[b"sorry"] * length, last=True))
        toy.take(out.due(now), now)
        assert out.next_index == toy.begun[-1].index + 1
        play_to_end(out, toy, now)
        assert toy.frames[before // 60 :] == [b"sorry"] * length
        assert toy.ended
        assert out.wants_more(6000) is None
        heard = out.heard(out.sent_ms)
        assert heard.endswith(SORRY)
        assert "gap" not in heard

    def test_a_song_that_it_cuts_is_not_over(self) -> None:
        out = playout(ahead_ms=600)
        out.add(song(0, 20, last=True))
        out.due(0.0)
        out.replace_rest(speech(0, 1, SORRY))
        out.due(0.6)
        place = out.place(out.sent_ms)
        assert place is not None
        assert (place[0].position, place[1]) == (600, False)

    def test_cuts_the_sentence_it_falls_into(self) -> None:
        out = playout(ahead_ms=600)
        out.add(speech(0, 20, "One two three four.", last=True))
        out.due(0.0)
        out.replace_rest(speech(0, 1, SORRY))
        out.due(0.6)
        assert out.finished
        assert out.heard(out.sent_ms) == f"One two… {SORRY}"


def test_an_action_is_begun_in_its_place_and_has_no_sound() -> None:
    out = playout(ahead_ms=60_000)
    louder = Request(device="bear", turn=7, index=1, action=Action(name="louder"), last=True)
    out.add(louder)
    assert out.due(0.0) == []
    assert not out.ready
    out.add(speech(0, 1, "Louder."))
    assert out.ready
    steps = out.due(0.0)
    assert [type(step).__name__ for step in steps] == ["Begun", "Chunk", "Begun", "Chunk"]
    assert steps[2] == Begun(louder)
