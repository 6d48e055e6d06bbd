"""`toyhub bench turn`: spoken commands through the engines of the settings, from the toy's side."""

from rich.console import Console
from rich.progress import track

from hub.audio import Pcm
from hub.bench.report import Report, spread
from hub.bench.rig import rig
from hub.errors import HubError
from hub.stage import stage_names
from hub.toy import Toy, TurnReport
from hub.toy.microphone import spoken

COMMANDS = (
    "what time is it", "tell me a joke", "who are you", "louder", "quieter", "what day is it", "hello", "goodbye",
    "thank you", "what can you do", "tell me a riddle", "count to five",
)  # fmt: skip
_VOICES = ("en-gb", "en-us+f3")
_TURN_S = 40.0


async def turn(rounds: int) -> Report:
    """Say each command in each voice ``rounds`` times, in real time, and measure how soon the answer begins.

    Raises:
        HubError: a command got no answer.
    """
    pcms = [await spoken(text, voice) for voice in _VOICES for text in COMMANDS]
    async with rig(stage_names(), {"LIMITS__BURST": "1000"}) as settings, Toy("bench", settings.broker) as toy:
        for pcm in pcms[:2]:  # the first turn of a process pays for what is loaded when it is used
            await toy.say(pcm, timeout_s=_TURN_S)
        said = track(pcms * rounds, "speaking", console=Console(stderr=True), transient=True)
        reports = [await _one(toy, pcm) for pcm in said]
    report = Report("spoken commands through the embedded engines, at the toy")
    decided = [_between(r.stop_listening_ms, r.first_audio_ms) for r in reports]
    report.spreads = {
        "end-point decided to first chunk": spread(decided),
        "end of speech to first chunk": spread([r.first_audio_ms or 0.0 for r in reports]),
        "silence waited for": spread([r.stop_listening_ms or 0.0 for r in reports]),
        "press to listening": spread([r.listening_ms or 0.0 for r in reports]),
    }
    report.promises = {
        "end-point decided to first chunk: p50 at most 150 ms": spread(decided).p50 <= 150,
        "no chunk later than its play time": not any(r.late_chunks for r in reports),
    }
    return report


async def _one(toy: Toy, pcm: Pcm) -> TurnReport:
    report = await toy.say(pcm, timeout_s=_TURN_S)
    if not report.answered:
        raise HubError(f"a command got no answer: {report.code}")
    return report


def _between(begin: float | None, end: float | None) -> float:
    return (end or 0.0) - (begin or 0.0)
