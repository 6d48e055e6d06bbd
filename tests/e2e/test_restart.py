"""Whatever dies in the middle of a turn: somebody says so, the child hears something, and the next turn works."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hub.messages import Set, Speech, Worker
from hub.toy import Toy, TurnReport, spoken
from tests.e2e.home import Home, Seen, alive, begins_to_answer, tell, until

pytestmark = [pytest.mark.broker, pytest.mark.slow]

VOICE = "en-us+f3"
ANSWER_S = 3
NEEDS_SOUND = "what can you do"
JOB_OF = {"stt": "utterance", "memory": "transcript", "llm": "prompt", "tts": "sentence", "media": "request"}
"""The message on which each worker is killed: its job is there and not done."""


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """A short patience, so that an apology for lost work does not take long."""
    return {"TURN__ANSWER_S": str(ANSWER_S)}


@pytest.fixture(scope="module", autouse=True)
def _stories(home: Home) -> None:
    """The worker of media has a library to answer from, and apologies are spoken."""
    asyncio.run(_warm(home))


async def _warm(home: Home) -> None:
    await home.until_stories()
    async with home.toy("bear") as toy:
        await begins_to_answer(home, toy, toy.text("hello"))


@pytest.mark.parametrize("stage", sorted(JOB_OF))
async def test_a_worker_that_is_killed_with_a_job_comes_back_and_the_child_is_told(home: Home, stage: str) -> None:
    lines = len(home.lines)
    pid = home.pids()[stage]
    async with home.watch(f"turns/+/+/{JOB_OF[stage]}", "workers/#") as seen, home.toy("bear") as toy:
        home.kill(stage, signal.SIGSTOP)  # so that the job is surely not done when it dies
        turn = asyncio.create_task(_ask(toy, stage), name="turn")
        await until(lambda: [c for c in seen.all if c.topic.startswith("turns/bear/")], 15, "the job never came")
        home.kill(stage, signal.SIGKILL)
        report = await turn
        assert report.answered or (report.code == "late" and _is_audible(report)), report
        tell(f"{stage}: {report.code or 'answered'}, first sound after {report.first_audio_ms:.0f} ms")
        said = await home.until_said(stage, "was killed by SIGKILL", lines)
        assert "restart 1 in" in said
        await home.until_said(stage, "ready: ", lines)
        assert home.pids()[stage] != pid
        await until(lambda: _gone(seen, stage), 5, "its last will does not say that it is gone")
        await begins_to_answer(home, toy, _ask(toy, stage))


async def _ask(toy: Toy, stage: str) -> TurnReport:
    if stage == "stt":
        return await toy.say(await spoken(NEEDS_SOUND, VOICE))
    return await toy.text("tell me a story" if stage == "media" else NEEDS_SOUND)


def _is_audible(report: TurnReport) -> bool:
    return report.pcm.size > 0 and int(np.abs(report.pcm).max()) > 1000


def _gone(seen: Seen, stage: str) -> bool:
    """Its last will, or that the hub has cleared it away since."""
    told = [c for c in seen.all if c.topic.startswith(f"workers/{stage}/")]
    return any(not c.payload or Worker.decode(c.topic, c.payload).state == "offline" for c in told)


async def test_a_start_that_falls_into_the_death_of_the_hub_is_answered_by_the_next_one(home: Home) -> None:
    lines, pid = len(home.lines), home.pids()["hub"]
    async with home.toy("bear") as toy:
        recording = await toy.prepare(await spoken("what's my name", VOICE))
        playing = asyncio.create_task(toy.text("tell me a story"), name="story")
        await until(lambda: toy.firmware.speaker.sounding, 20, "no story")
        home.kill("hub", signal.SIGKILL)
        report = await toy.say(recording, timeout_s=40)
        assert (await playing).code == "interrupted"
        assert "restart 1 in" in await home.until_said("hub", "was killed by SIGKILL", lines)
        await home.until_said("hub", "ready", lines)
        assert home.pids()["hub"] != pid
        assert report.answered, report
        assert (report.late_chunks, report.gaps) == (0, 0)
        tell(f"listening {report.listening_ms:.0f} ms after the press")
        await begins_to_answer(home, toy, toy.text("what's my name"))


async def test_a_worker_that_is_told_to_go_finishes_its_job_first(home: Home) -> None:
    lines, long = len(home.lines), " ".join(f"number {number} of a very long list" for number in range(60))
    async with home.watch("leases/#", "turns/#", "workers/tts/#") as seen:
        await seen.bus.publish(Set(device="drained", what="say", text=long))
        await until(lambda: [c for c in seen.all if c.topic.startswith("leases/drained/")], 10, "nobody took the job")
        assert not _spoken(seen)
        home.kill("tts", signal.SIGTERM)
        await until(lambda: _spoken(seen), 10, "the job's result was never published")
        await until(lambda: "offline" in _states(seen), 5, "it never left")
        states = _states(seen)
        assert states.index("draining") < states.index("offline")
        assert _at(seen, "draining") < _spoken(seen)[0] < _at(seen, "offline")
        await home.until_said("tts", "ended with exit code 0", lines)
        await home.until_said("tts", "ready: ", lines)
        await seen.bus.publish(Set(device="drained", what="stop", text=""))


def _spoken(seen: Seen) -> list[float]:
    nouns = ("/speech",)
    return [c.at_ms for c in seen.all if c.topic.startswith("turns/drained/") and c.topic.endswith(nouns)
            and Speech.decode(c.topic, c.payload).frames]  # fmt: skip


def _told(seen: Seen) -> list[tuple[float, str]]:
    told = [c for c in seen.all if c.topic.startswith("workers/tts/") and c.payload]
    return [(c.at_ms, Worker.decode(c.topic, c.payload).state) for c in told]


def _states(seen: Seen) -> list[str]:
    return [state for _, state in _told(seen)]


def _at(seen: Seen, state: str) -> float:
    return next(at_ms for at_ms, its in _told(seen) if its == state)


async def test_ctrl_c_in_the_middle_of_a_story_leaves_nothing_behind(
    folder: Path, free_port: Callable[[], int]
) -> None:
    with Home(folder, free_port()) as home:
        processes = home.pids()
        assert len(processes) >= 9
        await home.until_stories()
        async with home.toy("bear") as toy:
            story = asyncio.create_task(toy.text("tell me a story", timeout_s=60), name="story")
            await until(lambda: toy.firmware.speaker.sounding, 20, "no story")
            code = await asyncio.to_thread(home.end)
            story.cancel()
    assert code == 0
    assert home.lines[-1].endswith("stopped")
    assert [line for line in home.lines if "Traceback" in line or "killed" in line] == []
    await asyncio.sleep(1)
    assert [name for name, pid in processes.items() if alive(pid)] == []
