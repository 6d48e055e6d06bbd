"""The state machine of turns: what comes in at what time, and what follows from it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub.messages import (
    Action,
    AudioFormat,
    Control,
    Done,
    DownAudio,
    Place,
    Reply,
    Request,
    Sentence,
    Speech,
    State,
    Track,
    Transcript,
    TurnMessage,
    Utterance,
)
from hub.session.effects import Listen
from hub.session.endpointing import NoSpeech, SpeechEnded, SpeechStarted
from hub.settings import PlayoutSettings, Settings
from tests.hub.session.desk import DEVICE, EPOCH_S, SORRY, Desk, brief, lines, of_turn, speech_pcm

SONG = Place(item="song", title="A Song", kind="music", position=1000)
MORE = Action(name="play", slots={"item": "song", "position": 9000})


@pytest.fixture
def desk() -> Desk:
    """A toy that does not report what it played."""
    return Desk()


@pytest.fixture
def reporting() -> Desk:
    """A toy that does."""
    return Desk(reports_played=True)


def test_a_whole_turn(desk: Desk) -> None:
    assert desk.start(press=5) == ["ear open 1", "listening 1", "= listening 1"]
    assert desk.wait(2.0) == []
    assert desk.spoken() == ["ear shut 1", "stop_listening 1", "utterance 1", "= thinking 1"]
    assert desk.transcript(1) == ["(transcript 1)"]
    assert desk.wait(0.3) == []
    assert desk.speech(1, 0, 0.3) == ["play 1", "= speaking 1", "audio 1"]
    assert desk.speech(1, 1, 0.6, last=True) == ["audio 1"]
    assert desk.wait(0.6) == ["audio 1", "audio 1 END"]
    assert desk.wait(1.0) == ["DONE 1 answered: This is piece 0. This is piece 1.", "(reply 1)", "done 1", "= idle"]
    assert desk.session.next_wake(desk.now) is None
    (done,) = desk.done
    assert (done.said, done.place, done.code) == ("Hello.", None, None)
    steps = {"end of speech decided": 600, "first transcript": 600, "first speech": 900, "first chunk": 900}
    assert done.times_ms == steps


class TestStart:
    def test_is_answered_with_the_press_and_where_to_begin(self, desk: Desk) -> None:
        desk.start(press=5)
        answer = next(effect for effect in desk.all if isinstance(effect, Control))
        assert (answer.control, answer.turn, answer.press, answer.from_seq) == ("listening", 1, 5, 0)

    def test_again_with_the_same_press_is_only_answered_again(self, desk: Desk) -> None:
        desk.start(press=5)
        assert desk.start(press=5) == ["listening 1"]
        desk.spoken()
        assert desk.start(press=5) == [], "it has been heard long ago"
        desk.speech(1, 0, 2.0)
        assert desk.start(press=5) == []
        assert desk.turn_ids == [1]

    def test_again_after_the_turn_is_told_that_it_is_over(self, desk: Desk) -> None:
        desk.start(press=5)
        desk.do(desk.session.heard, NoSpeech())
        assert desk.start(press=5) == ["error 1 no-speech"]
        desk.wait(11)
        assert "listening 2" in desk.start(press=5), "a toy that was switched on again counts from 1 again"

    def test_with_another_press_is_another_turn(self, desk: Desk) -> None:
        desk.start(press=5)
        assert desk.start(press=6) == [
            "ear shut 1", "flush 1", "DONE 1 interrupted", "ear open 2", "listening 2", "= listening 2",
        ]  # fmt: skip

    def test_without_a_press_is_always_another_turn(self, desk: Desk) -> None:
        desk.start()
        desk.start()
        assert desk.turn_ids == [1, 2]
        assert [done.turn for done in desk.done] == [1]

    def test_soon_after_the_end_of_speech_means_the_child_was_cut_off(self, desk: Desk) -> None:
        desk.thinking()
        desk.wait(0.5)
        assert desk.start()[0] == "cut off"

    @pytest.mark.parametrize("how", ["late", "by button", "text", "answered"])
    def test_otherwise_it_was_not(self, desk: Desk, how: str) -> None:
        if how == "text":
            desk.text()
        else:
            desk.listening()
            desk.spoken(reason="stop" if how == "by button" else "silence")
        if how == "answered":
            desk.speech(1)
        desk.wait(1.0 if how == "late" else 0.1)
        assert "cut off" not in desk.start()


class TestListening:
    def test_when_nobody_speaks_the_turn_is_over(self, desk: Desk) -> None:
        desk.start()
        assert desk.do(desk.session.heard, NoSpeech()) == [
            "ear shut 1",
            "stop_listening 1",
            "DONE 1 nothing-said no-speech",
            "(reply 1)",
            "done 1 no-speech",
            "= idle",
        ]

    def test_a_beginning_of_speech_changes_nothing(self, desk: Desk) -> None:
        desk.start()
        assert desk.do(desk.session.heard, SpeechStarted(300)) == []

    def test_the_ear_is_not_believed_when_nobody_listens(self, desk: Desk) -> None:
        assert desk.spoken() == []
        desk.thinking()
        assert desk.spoken() == []
        assert desk.do(desk.session.heard, NoSpeech()) == []

    def test_the_utterance_holds_what_was_said_and_until_when_it_is_of_use(self, desk: Desk) -> None:
        desk.start()
        desk.spoken()
        utterance = next(effect for effect in desk.all if isinstance(effect, Utterance))
        assert utterance.pcm == speech_pcm().tobytes()
        assert utterance.deadline_ms == int((desk.now + EPOCH_S + desk.settings.turn.answer_s) * 1000)

    def test_a_recording_is_an_utterance(self, desk: Desk) -> None:
        assert desk.do(desk.session.utterance, speech_pcm()) == ["utterance 1", "= thinking 1"]

    def test_text_is_a_transcript(self, desk: Desk) -> None:
        assert desk.text("Stop.") == ["transcript 1", "= thinking 1"]
        assert isinstance(desk.all[0], Transcript)
        assert (desk.all[0].text, desk.all[0].source) == ("Stop.", "text")


class TestMessagesOfTheChain:
    def test_of_other_turns_and_revisions_are_dropped(self, desk: Desk) -> None:
        turn = desk.thinking()
        for other in (turn - 1, turn + 1):
            assert desk.transcript(other) == desk.speech(other) == desk.failure(other) == []
        assert desk.speech(turn, revision=2) == desk.failure(turn, revision=0) == []
        assert desk.state == "thinking"

    def test_before_the_end_of_speech_are_dropped(self, desk: Desk) -> None:
        turn = desk.listening()
        assert desk.speech(turn) == desk.failure(turn) == desk.transcript(turn) == []
        assert desk.state == "listening"

    def test_out_of_order_are_heard_in_order(self, desk: Desk) -> None:
        turn = desk.thinking()
        assert desk.speech(turn, 2, text="Three.", last=True) == []
        assert desk.speech(turn, 1, text="Two.") == []
        desk.speech(turn, 0, text="One.")
        desk.settle()
        assert desk.done[0].heard == "One. Two. Three."

    def test_twice_are_heard_once(self, desk: Desk) -> None:
        turn = desk.thinking()
        for _ in range(2):
            desk.transcript(turn, "Hello.")
            desk.speech(turn, 0, text="One.")
            desk.speech(turn, 1, text="Two.", last=True)
        desk.transcript(turn, "Something else.")
        desk.settle()
        assert (desk.done[0].heard, desk.done[0].said) == ("One. Two.", "Hello.")
        assert [brief(effect) for effect in desk.all].count("(transcript 1)") == 1
        assert sum(isinstance(effect, DownAudio) for effect in desk.all) == 10

    def test_a_request_that_hands_over_is_left_to_the_other_stage(self, desk: Desk) -> None:
        turn = desk.thinking()
        assert desk.request(turn, MORE, last=True) == []
        desk.speech(turn, 0, text="Here.", last=True)
        desk.settle()
        assert desk.done[0].heard == "Here."

    @pytest.mark.parametrize(
        ("action", "effect"),
        [
            (Action(name="louder"), "volume +15"), (Action(name="quieter"), "volume -15"),
            (Action(name="volume", slots={"level": 30}), "volume 30"), (Action(name="volume"), None),
            (Action(name="volume", slots={"level": "loud"}), None), (Action(name="stop"), None),
            (Action(name="remember", slots={"fact": "Blue."}), None),
        ],
    )  # fmt: skip
    def test_an_action_is_carried_out_in_its_place(self, desk: Desk, action: Action, effect: str | None) -> None:
        turn = desk.thinking()
        assert desk.request(turn, action, 1, last=True) == []
        out = desk.speech(turn, 0, 0.3) + desk.settle()
        volumes = [line for line in out if line.startswith("volume")]
        assert volumes == ([effect] if effect else [])
        assert desk.done[0].actions == [action]
        if effect:
            assert out.index("audio 1") < out.index(effect) < out.index("audio 1 END")

    def test_an_action_that_was_never_come_to_is_not_carried_out(self, desk: Desk) -> None:
        turn = desk.speaking(3.0)
        desk.request(turn, Action(name="louder"), 1, last=True)
        desk.wait(1.0)
        assert not any(line.startswith("volume") for line in desk.stop())
        desk.settle()
        assert desk.done[0].actions == []


PHASES: dict[str, Callable[[Desk], int]] = {
    "listening": Desk.listening, "thinking": Desk.thinking, "speaking": Desk.speaking,
}  # fmt: skip
INTERRUPTIONS: dict[str, Callable[[Desk], list[str]]] = {
    "start": lambda desk: desk.start(press=9), "interrupt": lambda desk: desk.event("interrupt"),
    "its own interrupt": lambda desk: desk.event("interrupt", turn=desk.turn_ids[-1]),
    "pause": lambda desk: desk.event("pause"), "stop": Desk.stop, "gone": Desk.gone, "text": Desk.text,
    "recording": lambda desk: desk.do(desk.session.utterance, speech_pcm()),
}  # fmt: skip


class TestInterruption:
    @pytest.mark.parametrize("reports_played", [False, True])
    @pytest.mark.parametrize("how", INTERRUPTIONS)
    @pytest.mark.parametrize("phase", PHASES)
    def test_in_every_phase_by_everything(self, phase: str, how: str, reports_played: bool) -> None:
        desk = Desk(reports_played=reports_played)
        turn = PHASES[phase](desk)
        desk.wait(1.0)
        before = len(desk.all)
        out = INTERRUPTIONS[how](desk)
        assert [line for line in out if line.startswith("flush")] == [f"flush {turn}"]
        assert (f"cancel {turn}" in out) == (phase != "listening")
        assert ("ear shut 1" in out) == (phase == "listening")
        desk.speech(turn, 1, last=True)
        desk.failure(turn)
        desk.transcript(turn)
        desk.wait(1.0)
        after = desk.all[before:]
        assert [brief(effect) for effect in of_turn(after, turn)] == (["ear shut 1"] if phase == "listening" else [])
        done = [effect for effect in after if isinstance(effect, Done) and effect.turn == turn]
        assert len(done) == 1
        assert done[0].outcome == "interrupted"
        assert bool(done[0].heard) == (phase == "speaking")
        expected = {"start": "listening", "text": "thinking", "recording": "thinking"}.get(how, "idle")
        assert desk.state == expected

    @pytest.mark.parametrize("name", ["interrupt", "pause"])
    def test_of_another_turn_changes_nothing(self, desk: Desk, name: str) -> None:
        desk.event("interrupt")
        turn = desk.speaking()
        assert desk.event(name, turn=turn - 1) == []
        assert desk.event(name, turn=turn + 1) == []
        assert desk.state == "speaking"

    def test_without_a_turn_changes_nothing(self, desk: Desk) -> None:
        assert desk.event("interrupt") == desk.stop() == desk.event("pause") == desk.gone() == []

    def test_what_was_heard_is_taken_from_wall_clock(self, desk: Desk) -> None:
        desk.speaking(3.0)
        desk.wait(1.6)
        desk.stop()
        assert desk.done[0].heard == "One two three…"

    def test_what_was_heard_is_taken_from_what_the_toy_says(self, reporting: Desk) -> None:
        turn = reporting.speaking(3.0)
        reporting.wait(1.6)
        assert "DONE" not in " ".join(reporting.stop())
        reporting.wait(0.1)
        out = reporting.event("played", turn=turn, ms=1100, final=True)
        assert out == ["DONE 1 interrupted: One two…", "(reply 1)"]

    def test_a_toy_that_does_not_say_it_is_not_waited_for_long(self, reporting: Desk) -> None:
        reporting.speaking(3.0)
        reporting.wait(1.6)
        reporting.stop()
        assert reporting.wait(reporting.settings.turn.played_s - 0.01) == []
        assert reporting.wait(0.02) == ["DONE 1 interrupted: One two three…", "(reply 1)"]

    def test_a_toy_that_has_said_it_already_is_not_waited_for(self, reporting: Desk) -> None:
        turn = reporting.speaking(3.0)
        reporting.wait(1.6)
        assert "DONE 1 interrupted: One two…" in reporting.event("played", turn=turn, ms=1100, final=True)
        assert reporting.event("interrupt", turn=turn) == []

    def test_an_earlier_report_is_carried_on_by_wall_clock(self, desk: Desk) -> None:
        turn = desk.speaking(3.0)
        desk.wait(1.0)
        desk.event("played", turn=turn, ms=600)
        desk.wait(0.5)
        desk.stop()
        desk.wait(1.0)
        assert desk.done[0].heard == "One two…"

    def test_more_than_was_sent_was_not_played(self, desk: Desk) -> None:
        turn = desk.speaking(0.3, "One two three.")
        desk.speech(turn, 5, 3.0, "Never sent.")
        desk.event("played", turn=turn, ms=99_000)
        desk.stop()
        desk.wait(1.0)
        assert desk.done[0].heard == "One two three."

    def test_a_song_that_was_paused_goes_on_where_it_was(self, desk: Desk) -> None:
        turn = desk.thinking()
        desk.chain(Track(device=DEVICE, turn=turn, title="A Song", place=SONG, frames=[b"x"] * 100, last=True))
        assert desk.state == "playing"
        desk.wait(2.0)
        out = desk.event("pause")
        assert "DONE 1 interrupted" in out
        assert (place := desk.done[0].place)
        assert place.position == 3000
        assert desk.event("resume") == ["request 2", "= thinking 2"]
        request = next(effect for effect in desk.all if isinstance(effect, Request))
        assert request.action == Action(name="play", slots={"item": "song", "position": 3000})

    def test_what_was_played_to_its_end_is_not_resumed(self, desk: Desk) -> None:
        turn = desk.thinking()
        desk.chain(Track(device=DEVICE, turn=turn, title="A Song", place=SONG, frames=[b"x"] * 10, last=True))
        desk.settle()
        assert desk.done[0].place_ended
        assert desk.event("resume") == desk.event("button") == []


class TestReports:
    @pytest.mark.parametrize("phase", ["listening", "thinking"])
    def test_of_a_turn_that_has_not_sounded_change_nothing(self, desk: Desk, phase: str) -> None:
        turn = PHASES[phase](desk)
        desk.wait(7.0)
        assert desk.event("played", turn=turn, ms=0, final=True) == []
        assert desk.state == phase
        assert not desk.profile.reports_played

    def test_of_other_turns_and_without_a_position_change_nothing(self, desk: Desk) -> None:
        turn = desk.speaking()
        for report in ({"turn": turn - 1, "ms": 5}, {"turn": turn + 1, "ms": 5}, {"ms": 5}, {"turn": turn}):
            assert desk.event("played", final=True, **report) == []
        assert not desk.profile.reports_played


class TestHeldMessages:
    def test_the_next_turn_is_handed_on_when_the_last_is_closed(self, reporting: Desk) -> None:
        turn = reporting.speaking()
        reporting.wait(1.0)
        assert reporting.text() == ["flush 1", "cancel 1", "= thinking 2"]
        assert reporting.event("played", turn=turn, ms=500, final=True) == [
            "DONE 1 interrupted: One…", "(reply 1)", "transcript 2",
        ]  # fmt: skip

    def test_at_the_latest_when_the_toy_has_said_nothing(self, reporting: Desk) -> None:
        reporting.speaking()
        reporting.wait(1.0)
        reporting.text()
        assert reporting.wait(1.0) == ["DONE 1 interrupted: One two…", "(reply 1)", "transcript 2"]

    def test_a_third_turn_takes_the_place_of_the_second(self, reporting: Desk) -> None:
        reporting.speaking()
        reporting.text("Two.")
        assert reporting.text("Three.") == ["flush 2", "cancel 2", "DONE 2 interrupted", "= thinking 3"]
        assert reporting.wait(1.0)[-1:] == ["transcript 3"]
        sent = [effect for effect in reporting.all if isinstance(effect, Transcript)]
        assert [(message.turn, message.text) for message in sent] == [(3, "Three.")]

    @pytest.mark.parametrize("how", ["start", "interrupt", "stop"])
    def test_of_a_turn_that_was_itself_interrupted_are_never_handed_on(self, reporting: Desk, how: str) -> None:
        turn = reporting.speaking()
        reporting.text()
        INTERRUPTIONS[how](reporting)
        out = reporting.event("played", turn=turn, ms=500, final=True) + reporting.wait(5.0)
        assert "transcript 2" not in out
        assert [done.turn for done in reporting.done] == [2, 1]

    def test_two_turns_may_be_closing_at_once(self, reporting: Desk) -> None:
        first = reporting.speaking()
        reporting.stop()
        second = reporting.speaking()  # so fast are only tests
        reporting.speech(second, 0, 3.0)
        reporting.text()
        out = reporting.event("played", turn=first, ms=60, final=True)
        out += reporting.event("played", turn=second, ms=60, final=True)
        assert out.index("transcript 3") == len(out) - 1
        assert [done.turn for done in reporting.done] == [first, second]

    def test_that_which_is_said_next_waits_too(self, reporting: Desk) -> None:
        reporting.speaking()
        reporting.stop()
        assert reporting.say() == ["= thinking 2"]
        assert reporting.wait(1.0)[-1] == "sentence 2"


class TestDeadlines:
    def test_no_answer_is_an_apology(self, desk: Desk) -> None:
        desk.thinking()
        assert desk.wait(desk.settings.turn.answer_s - 0.01) == []
        assert desk.wait(0.02) == ["cancel 1", "play 1", "= speaking 1", "audio 1", "audio 1 END"]
        assert desk.wait(1.0) == [f"DONE 1 failed late: {SORRY}", "(reply 1)", "done 1 late", "= idle"]
        assert [effect.code for effect in desk.all if isinstance(effect, State)][-1] == "late"

    def test_a_recording_that_cannot_be_read_is_told(self, desk: Desk) -> None:
        assert "play 1" in desk.do(desk.session.unreadable, "bad-audio")
        desk.settle()
        assert (desk.done[0].outcome, desk.done[0].code) == ("failed", "bad-audio")

    def test_no_step_gives_time(self, desk: Desk) -> None:
        turn = desk.thinking()
        desk.wait(7.0)
        desk.transcript(turn)
        assert desk.wait(0.9) == []
        assert "play 1" in desk.wait(0.2)

    def test_a_message_that_comes_twice_gives_none(self, desk: Desk) -> None:
        turn = desk.thinking()
        desk.transcript(turn)
        desk.wait(7.0)
        desk.transcript(turn)
        assert "play 1" in desk.wait(1.5)

    def test_a_reply_that_stops_in_the_middle_is_ended_with_an_apology(self, desk: Desk) -> None:
        desk.speaking(1.2, "One two.")
        assert desk.wait(1.1) == ["audio 1"]
        assert desk.wait(desk.settings.turn.next_s) == []
        assert desk.wait(0.2) == ["cancel 1", "audio 1", "audio 1 END"]
        desk.settle()
        assert (desk.done[0].outcome, desk.done[0].code, desk.done[0].heard) == ("failed", "late", f"One two. {SORRY}")

    def test_a_failure_cuts_what_was_not_sent(self, desk: Desk) -> None:
        turn = desk.speaking(3.0)
        desk.wait(1.0)
        assert desk.failure(turn, "media-failed") == ["cancel 1"]
        assert desk.settle()[-4:] == [
            f"DONE 1 failed media-failed: One two… {SORRY}", "(reply 1)", "done 1 media-failed", "= idle",
        ]  # fmt: skip

    def test_a_failure_before_the_first_sound_is_said_at_once(self, desk: Desk) -> None:
        turn = desk.thinking()
        assert desk.failure(turn) == ["cancel 1", "play 1", "= speaking 1", "audio 1", "audio 1 END"]

    def test_a_failure_during_the_apology_changes_nothing(self, desk: Desk) -> None:
        turn = desk.thinking()
        desk.failure(turn, "engine-failed")
        assert desk.failure(turn, "media-failed") == []
        assert desk.speech(turn, 0) == desk.speech(turn, 1) == []
        desk.settle()
        assert [(done.code, done.heard) for done in desk.done] == [("engine-failed", SORRY)]

    def test_a_failure_after_the_end_changes_nothing(self, desk: Desk) -> None:
        turn = desk.speaking(0.3, "Yes.", last=True)
        assert desk.failure(turn) == []
        desk.settle()
        assert [(done.outcome, done.code) for done in desk.done] == [("answered", None)]
        assert desk.failure(turn) == []

    def test_an_apology_can_be_interrupted(self, desk: Desk) -> None:
        turn = desk.thinking()
        desk.failure(turn)
        desk.stop()
        assert [(done.outcome, done.code) for done in desk.done] == [("interrupted", "engine-failed")]

    def test_a_toy_that_reports_has_a_moment_to_say_that_all_was_played(self, reporting: Desk) -> None:
        turn = reporting.speaking(0.3, "Yes.", last=True)
        assert reporting.wait(1.0) == []
        assert reporting.event("played", turn=turn, ms=150) == []
        assert reporting.event("played", turn=turn, ms=300, final=True)[0] == "DONE 1 answered: Yes."

    def test_and_not_for_ever(self, reporting: Desk) -> None:
        reporting.speaking(0.3, "Yes.", last=True)
        assert "DONE 1 answered: Yes." in reporting.wait(2.5)


class TestMore:
    def test_the_next_part_is_asked_for_and_goes_on_without_a_break(self) -> None:
        desk = Desk(settings=Settings(playout=PlayoutSettings(more_ms=1000)))
        turn = desk.thinking()
        desk.chain(Track(device=DEVICE, turn=turn, title="A", place=SONG, frames=[b"x"] * 50, last=True, more=MORE))
        assert "request 1" not in desk.wait(1.5)
        assert "request 1" in desk.wait(0.3)
        request = next(effect for effect in desk.all if isinstance(effect, Request))
        assert (request.index, request.action) == (1, MORE)
        desk.chain(Track(device=DEVICE, turn=turn, index=1, title="A", place=SONG, frames=[b"y"] * 50, last=True))
        desk.settle()
        sound = [effect for effect in desk.all if isinstance(effect, DownAudio)]
        assert [chunk.timestamp_ms for chunk in sound] == [60 * n for n in range(100)]
        assert desk.done[0].outcome == "answered"

    def test_a_part_that_does_not_come_is_an_apology(self, desk: Desk) -> None:
        turn = desk.thinking()
        desk.chain(Track(device=DEVICE, turn=turn, title="A", place=SONG, frames=[b"x"] * 50, last=True, more=MORE))
        desk.settle()
        assert (desk.done[0].outcome, desk.done[0].code) == ("failed", "late")
        assert (place := desk.done[0].place)
        assert place.position == 4000
        assert not desk.done[0].place_ended


class TestSay:
    def test_is_said_at_once_when_nothing_is_going_on(self, desk: Desk) -> None:
        assert desk.say("Dinner.") == ["sentence 1", "= thinking 1"]
        sentence = desk.all[0]
        assert isinstance(sentence, Sentence)
        assert (sentence.text, sentence.last) == ("Dinner.", True)

    def test_waits_for_its_turn_and_keeps_its_order(self, desk: Desk) -> None:
        desk.speaking(0.3, last=True)
        assert desk.say("A.") == desk.say("B.") == []
        for turn, text in ((2, "A."), (3, "B.")):
            out = desk.wait(3.0)
            assert f"sentence {turn}" in out
            desk.speech(turn, 0, 0.3, text, last=True)
        desk.settle()
        assert [done.heard for done in desk.done][1:] == ["A.", "B."]

    def test_only_so_many_wait(self, desk: Desk) -> None:
        desk.thinking()
        for n in range(50):
            desk.say(f"{n}.")
        desk.settle()
        assert sum(isinstance(effect, Sentence) for effect in desk.all) == 10

    def test_stop_means_stop(self, desk: Desk) -> None:
        desk.speaking()
        desk.say()
        desk.stop()
        assert desk.settle() == []
        assert desk.state == "idle"


class TestTheToyLeaves:
    def test_nobody_is_spoken_to(self, reporting: Desk) -> None:
        reporting.speaking()
        reporting.say()
        assert reporting.gone() == ["flush 1", "cancel 1", "= idle"]
        assert reporting.settle() == ["DONE 1 interrupted"]
        assert reporting.state == "idle"


class TestFormats:
    def test_a_turn_asks_for_the_format_and_the_buffer_of_its_toy(self) -> None:
        desk = Desk()
        desk.profile.output = AudioFormat(codec="pcm16", rate=24000, frame_ms=20)
        desk.profile.buffer_ms, desk.profile.max_packet = 100, 600
        turn = desk.thinking()
        assert {e.output for e in desk.all if isinstance(e, TurnMessage)} == {desk.profile.output}
        frames = [bytes(960)] * 50
        desk.chain(Speech(device=DEVICE, turn=turn, text="", frames=frames, last=True, output=desk.profile.output))
        first = [effect for effect in desk.all if isinstance(effect, DownAudio)]
        assert sum(len(chunk.data) for chunk in first) <= 24000 * 2 // 10
        desk.settle()
        sound = [effect for effect in desk.all if isinstance(effect, DownAudio)]
        assert sum(len(chunk.data) for chunk in sound) == 50 * 960
        for chunk in sound:
            packet = chunk.encode()
            assert len(packet.payload) + len(packet.topic) + 7 <= 600
        assert desk.done[0].times_ms["first chunk"] == 600


class AnyHistory(RuleBasedStateMachine):
    """Anything may happen to a session at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(settings=Settings(playout=PlayoutSettings(more_ms=1000)))
        self.presses = 0

    def recent(self, data: st.DataObject) -> int:
        """Mostly the present turn, sometimes one before or one to come."""
        newest = len(self.desk.turn_ids)
        return max(0, newest - data.draw(st.sampled_from([0, 0, 0, 0, 1, 2, -1])))

    @rule(seconds=st.floats(0.001, 12))
    def time_passes(self, seconds: float) -> None:
        self.desk.wait(seconds)

    @rule(again=st.booleans(), numbered=st.booleans())
    def start(self, again: bool, numbered: bool) -> None:
        self.presses += not again
        self.desk.start(press=self.presses if numbered else None)

    @rule(how=st.sampled_from(["spoken", "stop", "nobody", "started"]))
    def ear(self, how: str) -> None:
        heard = {
            "spoken": SpeechEnded(speech_pcm(), 600, "silence"), "stop": SpeechEnded(speech_pcm(), 0, "stop"),
            "nobody": NoSpeech(), "started": SpeechStarted(0),
        }[how]  # fmt: skip
        self.desk.do(self.desk.session.heard, heard)

    @rule(what=st.sampled_from(["text", "say", "stop", "gone", "recording", "interrupt", "pause", "resume", "button"]))
    def person(self, what: Any) -> None:
        simple: dict[str, Callable[[Desk], Any]] = {"say": Desk.say, **INTERRUPTIONS}
        if what in simple:
            simple[what](self.desk)
        else:
            self.desk.event(what)

    @precondition(lambda self: self.desk.turn_ids)
    @rule(data=st.data(), what=st.sampled_from(["interrupt", "pause"]))
    def interrupt_of_a_turn(self, data: st.DataObject, what: str) -> None:
        self.desk.event(what, turn=self.recent(data))

    @rule(data=st.data(), ms=st.integers(0, 20_000), final=st.booleans())
    def played(self, data: st.DataObject, ms: int, final: bool) -> None:
        self.desk.event("played", turn=self.recent(data), ms=ms, final=final)

    @rule(
        data=st.data(), what=st.sampled_from(["transcript", "failure", "louder", "hands over"]), index=st.integers(0, 3)
    )
    def worker(self, data: st.DataObject, what: str, index: int) -> None:
        turn = self.recent(data)
        if what == "transcript":
            self.desk.transcript(turn)
        elif what == "failure":
            self.desk.failure(turn)
        else:
            action = Action(name="louder") if what == "louder" else MORE
            self.desk.request(turn, action, index, last=data.draw(st.booleans()))

    @rule(
        data=st.data(), index=st.integers(0, 3), frames=st.integers(0, 60), last=st.booleans(), more=st.booleans(),
        song=st.booleans(),
    )  # fmt: skip
    def sound(self, data: st.DataObject, index: int, frames: int, last: bool, more: bool, song: bool) -> None:
        fields = {
            "device": DEVICE, "turn": self.recent(data), "index": index, "frames": [b"x"] * frames, "last": last,
            "more": MORE if more and last else None,
        }  # fmt: skip
        kind = Track.model_validate(fields | {"title": "A", "place": SONG}) if song else None
        self.desk.chain(kind or Speech.model_validate(fields | {"text": "Some words are here."}))

    @invariant()
    def at_most_one_turn_is_open_and_none_is_closed_twice(self) -> None:
        closed = [done.turn for done in self.desk.done]
        assert len(closed) == len(set(closed))
        assert set(closed) <= set(self.desk.turn_ids)

    @invariant()
    def the_state_that_was_said_is_the_state(self) -> None:
        said = [effect for effect in self.desk.all if isinstance(effect, State)]
        assert self.desk.state == (said[-1].state if said else "idle")
        if said and said[-1].state != "idle":
            assert said[-1].turn == self.desk.turn_ids[-1]
            assert said[-1].turn not in [done.turn for done in self.desk.done]
        listening = self.desk.session.listening_turn
        assert (listening is not None) == (self.desk.state == "listening")

    @invariant()
    def the_ear_is_open_exactly_while_listening(self) -> None:
        marks = [line for line in map(brief, self.desk.all) if line.startswith("ear ")]
        assert [mark.split()[1] for mark in marks] == ["open" if n % 2 == 0 else "shut" for n in range(len(marks))]
        assert bool(marks and "open" in marks[-1]) == (self.desk.state == "listening")

    @invariant()
    def nothing_is_done_for_a_turn_after_its_end(self) -> None:
        over: set[int] = set()
        for effect in self.desk.all:
            turn = getattr(effect, "turn", None)
            if turn in over:
                assert isinstance(effect, Reply) or brief(effect).startswith(("done ", "error ")), brief(effect)
            if isinstance(effect, Done):
                over.add(effect.turn)

    @invariant()
    def nothing_of_a_flushed_turn_is_heard(self) -> None:
        flushed: set[int | None] = set()
        for effect in self.desk.all:
            if isinstance(effect, Control) and effect.control == "flush":
                flushed.add(effect.turn)
            elif isinstance(effect, DownAudio | Listen) or (isinstance(effect, Control) and effect.control == "play"):
                assert effect.turn not in flushed

    @invariant()
    def the_turns_sound_is_whole(self) -> None:
        for turn in self.desk.turn_ids[-2:]:
            sound = [effect for effect in self.desk.all if isinstance(effect, DownAudio) and effect.turn == turn]
            assert [chunk.seq for chunk in sound] == list(range(len(sound)))
            assert [chunk.timestamp_ms for chunk in sound] == [60 * n for n in range(len(sound))]

    def teardown(self) -> None:
        """When nothing happens any more every turn comes to its end; listening does so by the ear."""
        for _ in range(20):
            if self.desk.state == "listening":
                self.desk.do(self.desk.session.heard, NoSpeech())
            self.desk.settle()
        assert self.desk.state == "idle"
        assert sorted(done.turn for done in self.desk.done) == self.desk.turn_ids
        assert self.desk.session.next_wake(self.desk.now) is None
        assert lines(self.desk.session.tick(self.desk.now + 1e6)) == []


AnyHistory.TestCase.settings = hypothesis_settings(max_examples=120, stateful_step_count=30, deadline=None)
TestAnyHistory = AnyHistory.TestCase
