"""Twenty toys talk at the same time, and each gets its own answer, whole and in time."""

import asyncio
import re
import statistics
from collections.abc import Sequence
from itertools import pairwise

import pytest

from hub.messages import Done, Speech
from hub.toy import TurnReport, spoken
from tests.e2e.home import Home, Seen, tell

pytestmark = [pytest.mark.broker, pytest.mark.slow]

NAMES = (
    "Ada", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack",
    "Kate", "Leo", "Mary", "Noah", "Olive", "Peter", "Rosie", "Simon", "Tessa", "Victor",
)  # fmt: skip
ABOUT_ME = "what do you know about me"
SPOKEN = ("what's my name", "what can you do", "what's my name")
"""Sentences that the built-in recogniser hears from all these voices."""
VOICES = ("en-us", "en-us+f2", "en-us+f3", "en-us+f5")


async def test_twenty_toys_talk_at_once_and_nothing_is_mixed_up_late_or_lost(home: Home) -> None:
    talks = [[await spoken(text, voice) for text in SPOKEN] for voice in VOICES]
    async with home.watch(Speech.topic.filter, Done.topic.filter) as seen, asyncio.TaskGroup() as tasks:
        before = home.cpu_s()
        began = asyncio.get_running_loop().time()
        talking = [
            tasks.create_task(_converse(home, name, talks[number % len(talks)], number), name=name)
            for number, name in enumerate(NAMES)
        ]
        await asyncio.wait(talking)
        took_s = asyncio.get_running_loop().time() - began
        after = home.cpu_s()
    reports = {name: task.result() for name, task in zip(NAMES, talking, strict=True)}
    all_turns = [report for turns in reports.values() for report in turns]
    tell(*_where_the_time_went(seen, all_turns))
    _report(all_turns, {name: (after[name] - before.get(name, 0.0)) / took_s for name in after}, took_s)

    assert [(r.device, r.code) for r in all_turns if not r.answered] == []
    assert [(r.device, r.dropped_foreign) for r in all_turns if r.dropped_foreign] == []
    assert [(r.device, r.late_chunks) for r in all_turns if r.late_chunks] == []
    assert [(r.device, r.gaps, r.underruns) for r in all_turns if r.gaps or r.underruns] == []
    _each_heard_its_own(reports)
    assert [(r.device, r.turn) for r in all_turns if _arrived(r) != _made(seen, r)] == []


async def _converse(home: Home, name: str, talk: Sequence[object], number: int) -> list[TurnReport]:
    """Tell the name by text, ask aloud with pauses of different length, ask by text at the end."""
    async with home.toy(f"toy-{name.lower()}") as toy:
        said = [await toy.prepare(pcm) for pcm in talk]  # type: ignore[arg-type]
        reports = [await toy.text(f"my name is {name}")]
        for turn, recording in enumerate(said):
            await asyncio.sleep(0.3 + (number * 7 + turn * 3) % 20 / 10)
            reports.append(await toy.say(recording))
        return [*reports, await toy.text(ABOUT_ME)]


def _each_heard_its_own(reports: dict[str, list[TurnReport]]) -> None:
    """Who was understood heard the own name; whoever was not heard nobody's."""
    for name, turns in reports.items():
        words = set(re.findall(r"\w+", " ".join(report.reply or "" for report in turns)))
        assert words.isdisjoint(set(NAMES) - {name}), name
        assert name in re.findall(r"\w+", turns[-1].reply or ""), turns[-1].reply
    aloud = [name in (turns[1].reply or "") for name, turns in reports.items()]
    tell(f"{sum(aloud)} of {len(aloud)} heard their name after having asked aloud")
    assert sum(aloud) >= len(NAMES) // 2, "hardly any spoken question was understood: the test would prove nothing"


def _arrived(report: TurnReport) -> list[bytes]:
    assert report.playback is not None
    return [span.chunk.data for span in report.playback.spans if span.chunk.data]


def _made(seen: Seen, report: TurnReport) -> list[bytes]:
    """The frames that tts made for this very turn, in the order of the sentences."""
    topic = Speech.topic.format(device=report.device, turn=str(report.turn))
    pieces = {piece.index: piece for piece in (Speech.decode(topic, came.payload) for came in seen.on(topic))}
    return [frame for index in sorted(pieces) for frame in pieces[index].frames]


STEPS = ("end of speech decided", "first transcript", "first sentence", "first speech", "first chunk")


def _where_the_time_went(seen: Seen, reports: list[TurnReport]) -> list[str]:
    """Of spoken turns, as the hub notes it in their Done."""
    spent: dict[str, list[int]] = {step: [] for step in STEPS[1:]}
    for report in reports:
        topic = Done.topic.format(device=report.device, turn=str(report.turn))
        for times in (Done.decode(topic, came.payload).times_ms for came in seen.on(topic)):
            if all(step in times for step in STEPS):
                for before, step in pairwise(STEPS):
                    spent[step].append(times[step] - times[before])
    return [
        f"until {step}: p50 {statistics.median(each):.0f} ms, max {max(each)} of {len(each)}"
        for step, each in spent.items()
        if each
    ]


def _report(reports: list[TurnReport], cpu: dict[str, float], took_s: float) -> None:
    waited = sorted(
        r.first_audio_ms - r.stop_listening_ms
        for r in reports if r.first_audio_ms is not None and r.stop_listening_ms is not None
    )  # fmt: skip
    margins = sorted(ahead for r in reports if r.playback for _, ahead in r.playback.arrivals[8:])
    typed = sorted(r.first_audio_ms for r in reports if r.first_audio_ms is not None and r.stop_listening_ms is None)
    lines = [f"{len(reports)} turns in {took_s:.1f} s"]
    for what, times in (("end-point to first audio", waited), ("text to first audio", typed)):
        p50, p99 = statistics.median(times), times[int(0.99 * len(times))]
        lines.append(f"{what}: p50 {p50:.0f} ms, p99 {p99:.0f}, max {times[-1]:.0f} of {len(times)}")
    lines.append(f"sound in a toy's buffer when a chunk came: at least {margins[0]:.0f} ms")
    lines.append(f"pauses between sentences: {sum(r.playback.pauses for r in reports if r.playback)}")
    tell(*lines, f"processor: {', '.join(f'{name} {share:.0%}' for name, share in cpu.items())}")
