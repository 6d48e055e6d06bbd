"""A toy that is interrupted is silent at once, nothing of the old turn comes again, and only what was heard is kept."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest

from hub.bus import Bus
from hub.messages import Cancel, DownAudio, Event, Request, Sentence, Set, Speech, Text, Track
from hub.toy import Toy, TurnReport, spoken
from hub.toy.microphone import Microphone
from hub.toy.playback import Playback
from tests.e2e.home import Came, Home, Kept, Seen, tell, until

pytestmark = [pytest.mark.broker, pytest.mark.slow]

STORY = "tell me a story"
SILENT_MS = 100
IN_FLIGHT_MS = 400
"""What a worker had finished when the Cancel went out may still come by, for so long."""
WATCHED_S = 1.5
ROUNDS = 4
FRAME_MS = 60

Interrupt = Callable[[Toy, Bus], Awaitable[None]]


async def interrupt_event(toy: Toy, on: Bus) -> None:
    await on.publish(Event(device=toy.firmware.device, event="interrupt"))


async def start_event(toy: Toy, on: Bus) -> None:
    """As from a second button, of which the speaker does not know: the hub has to silence it."""
    await on.publish(Event(device=toy.firmware.device, event="start", press=random.getrandbits(31)))


async def set_stop(toy: Toy, on: Bus) -> None:
    await on.publish(Set(device=toy.firmware.device, what="stop", text=""))


async def up_text(toy: Toy, on: Bus) -> None:
    await on.publish(Text(device=toy.firmware.device, text="what time is it"))


async def own_press(toy: Toy, on: Bus) -> None:
    toy.press()


async def own_interrupt(toy: Toy, on: Bus) -> None:
    toy.interrupt()


WAYS: tuple[Interrupt, ...] = (interrupt_event, start_event, set_stop, up_text, own_press, own_interrupt)


class Interrupted(NamedTuple):
    """One turn that was interrupted while it played."""

    way: str
    at_ms: float
    turn: int
    playback: Playback
    spans_then: int
    audio: list[tuple[float, int]]
    """Every chunk that arrived at the toy: when, and of which turn."""

    @property
    def silent_ms(self) -> float:
        """From the interruption to the end of the last sound of the turn."""
        last = self.playback.spans[-1]
        return last.at_ms + last.heard_ms - self.at_ms

    @property
    def heard_ms(self) -> float:
        return sum(span.heard_ms for span in self.playback.spans)


async def test_whatever_interrupts_a_story_silences_it_at_once_and_for_good(home: Home) -> None:
    await home.until_stories()
    async with home.watch("turns/#") as seen, asyncio.TaskGroup() as tasks:
        left_alone = tasks.create_task(_a_whole_story(home), name="left-alone")
        running = [
            tasks.create_task(_interrupted_again_and_again(home, way, number, seen.bus), name=way.__name__)
            for number, way in enumerate(WAYS)
        ]
        await asyncio.wait(running)
        made = [came.at_ms for came in _ends(seen, "toy-left-alone", "speech")]
        left_alone.cancel()
    assert made[-1] - made[0] > 10_000, "a story that nobody interrupts is not made on and on"
    told = [(f"toy-{way.__name__.replace('_', '-')}", case) for way, task in zip(WAYS, running, strict=True)
            for case in task.result()]  # fmt: skip
    cases = [case for _, case in told]
    worst = {way.__name__: round(max(c.silent_ms for c in cases if c.way == way.__name__), 1) for way in WAYS}
    tell(f"{len(cases)} interruptions; ms until silence, the longest of each: {worst}")

    assert len(cases) >= 20
    for case in cases:
        assert case.playback.spans[case.spans_then - 1].heard_ms > 0
        assert case.playback.ended_at_ms is not None
    assert [(c.way, c.silent_ms) for c in cases if c.silent_ms > SILENT_MS] == []
    assert [(c.way, c.turn) for c in cases if _sounds_after(c)] == []
    assert [c.way for c in cases if c.playback.late or c.playback.gaps] == []
    for device, case in told:
        _work_stops(seen, device, case)
        _history_holds_what_was_heard(home, seen, device, case)


async def _a_whole_story(home: Home) -> TurnReport:
    """Shows that work would have gone on: nobody interrupts this one."""
    async with home.toy("toy-left-alone") as toy:
        return await toy.text(STORY, timeout_s=120)


async def _interrupted_again_and_again(home: Home, way: Interrupt, number: int, on: Bus) -> list[Interrupted]:
    chance = random.Random(number)
    device = f"toy-{way.__name__.replace('_', '-')}"
    audio: list[tuple[float, int]] = []

    def tap(thing: object) -> None:
        if isinstance(thing, DownAudio):
            audio.append((asyncio.get_running_loop().time() * 1000, thing.turn))

    async with Toy(device, home.broker, tap=tap) as toy:
        return [await _once(toy, way, on, chance.uniform(0.3, 4.0), audio) for _ in range(ROUNDS)]


async def _once(toy: Toy, way: Interrupt, on: Bus, after_s: float, audio: list[tuple[float, int]]) -> Interrupted:
    asked = asyncio.create_task(toy.text(STORY), name="story")
    speaker = toy.firmware.speaker
    await until(lambda: toy.firmware.phase == "playing" and speaker.sounding, 20, "no story")
    await asyncio.sleep(after_s)
    await until(lambda: speaker.sounding, 5, "the story fell silent by itself")
    playback, turn = speaker.playback, toy.firmware.turn
    assert playback is not None
    assert turn is not None
    at_ms, spans = asyncio.get_running_loop().time() * 1000, len(playback.spans)
    await way(toy, on)
    report = await asked
    assert (report.code, report.turn) == ("interrupted", turn)
    await asyncio.sleep(WATCHED_S)
    if toy.firmware.phase in ("starting", "listening", "waiting"):
        toy.interrupt()  # what the press began; nobody speaks
    return Interrupted(way.__name__, at_ms, turn, playback, spans, audio)


def _sounds_after(case: Interrupted) -> bool:
    """Whether a chunk of the old turn reached the toy after it was silent; what the hub sent before is on its way."""
    return any(turn == case.turn and at_ms > case.at_ms + SILENT_MS for at_ms, turn in case.audio)


def _of(seen: Seen, kind: type, device: str, turn: int) -> list[Came]:
    return seen.on(kind.topic.format(device=device, turn=str(turn)))  # type: ignore[attr-defined]


def _work_stops(seen: Seen, device: str, case: Interrupted) -> None:
    """Cancelled once, and no stage makes anything more of the turn; the story that nobody interrupts goes on."""
    cancels = _of(seen, Cancel, device, case.turn)
    assert len(cancels) == 1, case.way
    over_ms = cancels[0].at_ms + IN_FLIGHT_MS
    for kind in (Request, Sentence, Speech, Track):
        assert [c.topic for c in _of(seen, kind, device, case.turn) if c.at_ms > over_ms] == [], case.way
    assert len(_of(seen, Speech, device, case.turn)) >= 2


def _history_holds_what_was_heard(home: Home, seen: Seen, device: str, case: Interrupted) -> None:
    """The words kept are those whose sound came out of the speaker, give or take the one in which it broke off."""
    kept = home.turns(device).get(case.turn)
    assert kept is not None, case.way
    assert (kept.said, kept.outcome) == (STORY, "interrupted")
    topic = Speech.topic.format(device=device, turn=str(case.turn))
    pieces = {piece.index: piece for piece in (Speech.decode(topic, c.payload) for c in seen.on(topic))}
    words: list[str] = []
    heard, at_ms = 0.0, 0.0
    for index in sorted(pieces):
        text, length_ms = pieces[index].text.split(), len(pieces[index].frames) * FRAME_MS
        share = min(max((case.heard_ms - at_ms) / length_ms, 0.0), 1.0) if length_ms else 0.0
        words += text
        heard += len(text) * share
        at_ms += length_ms
    remembered = kept.heard.replace("…", "").split()
    assert remembered == words[: len(remembered)], case.way
    assert abs(len(remembered) - heard) <= 1, (case.way, len(remembered), heard)


async def test_a_long_sentence_that_is_being_made_is_given_up(home: Home) -> None:
    """Two announcements of the same length; one is stopped while tts works on it and is never published."""
    long = " ".join(f"number {number} of a very long list" for number in range(60))
    async with home.watch("turns/+/+/sentence", "turns/+/+/speech", "leases/#", "turns/+/+/cancel") as seen:
        for device, stop in (("toy-patient", False), ("toy-stopped", True)):
            await seen.bus.publish(Set(device=device, what="say", text=f"{device} {long}"))
            lease = f"leases/{device}/"
            await until(lambda: [c for c in seen.all if c.topic.startswith(lease)], 10, "nobody took it")  # noqa: B023
            if stop:
                await set_stop_for(seen.bus, device)
                await until(lambda: _ends(seen, "toy-stopped", "cancel"), 5, "not cancelled")
            else:
                await until(lambda: _ends(seen, "toy-patient", "speech"), 20, "not spoken")
        await asyncio.sleep(1 + 2 * _making_s(seen))
        assert _making_s(seen) > 0.05, "too quick to be interrupted"
        assert _ends(seen, "toy-stopped", "speech") == []
        await set_stop_for(seen.bus, "toy-patient")


async def set_stop_for(on: Bus, device: str) -> None:
    await on.publish(Set(device=device, what="stop", text=""))


def _ends(seen: Seen, device: str, noun: str) -> list[Came]:
    return [c for c in seen.all if c.topic.startswith(f"turns/{device}/") and c.topic.endswith(f"/{noun}")]


def _making_s(seen: Seen) -> float:
    """How long tts took for the sentence that it was allowed to finish."""
    return (_ends(seen, "toy-patient", "speech")[0].at_ms - _ends(seen, "toy-patient", "sentence")[0].at_ms) / 1000


async def test_a_child_that_speaks_up_in_the_middle_is_understood_and_the_story_goes_on_later(home: Home) -> None:
    """The press that interrupts is a turn of its own, and its answer is whole."""
    await home.until_stories()
    async with home.toy("toy-speaks-up") as toy:
        question: Microphone = await toy.prepare(await spoken("what's my name", "en-us+f3"))
        story = asyncio.create_task(toy.text(STORY), name="story")
        await until(lambda: toy.firmware.speaker.sounding, 20, "no story")
        await asyncio.sleep(2.5)
        pressed_ms = asyncio.get_running_loop().time() * 1000
        answer = await toy.say(question)
        told = await story
    assert told.code == "interrupted"
    assert told.playback is not None
    assert told.playback.ended_at_ms is not None
    assert told.playback.ended_at_ms - pressed_ms <= SILENT_MS
    assert answer.answered
    assert (answer.late_chunks, answer.gaps, answer.dropped_foreign) == (0, 0, 0)
    kept = home.turns("toy-speaks-up")
    assert isinstance(kept[told.turn or 0], Kept)
    assert kept[told.turn or 0].outcome == "interrupted"
