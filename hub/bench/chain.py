"""`toyhub bench chain`: what the chain itself costs, with engines that take no time."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator

import numpy as np

from hub import bus
from hub.audio import RATE, to_wav
from hub.bench import floor
from hub.bench.report import Report, spread
from hub.bench.rig import rig
from hub.errors import HubError
from hub.messages import Control, DownAudio, Presence, UtteranceFile

HOPS = 7
"""up/utterance, utterance, transcript, prompt, sentence, speech, down/audio."""
_DEVICE = "bench"
_WARM_UP = 20
_TURN_S = 10.0
_PAUSE_S = 0.1
"""Between two turns, and two trips of the floor: what is stored of the last is not on the way of the next."""
_NOOP = {f"STAGES__{stage}__ENGINE": "noop" for stage in ("STT", "LLM", "TTS")} | {"LIBRARY": "{starter: false}"}


async def chain(turns: int) -> Report:
    """Measure ``turns`` turns, and as many trips of the floor in the same run.

    Raises:
        HubError: a turn got no answer.
    """
    async with rig(["stt", "memory", "llm", "tts"], _NOOP) as settings:
        where = (settings.broker.host, settings.broker.port)
        async with _echoes(*where):
            async with bus.connect(settings.broker, "bench-toy") as on:
                times = await _turns(on, _WARM_UP + turns)
            bare = await asyncio.to_thread(floor.measure, *where, HOPS, _WARM_UP + turns, _PAUSE_S)
    report = Report("utterance published to first audio chunk received, engines that take no time")
    report.spreads = {"chain": spread(times[_WARM_UP:]), f"floor: {HOPS} bare hops": spread(bare[_WARM_UP:])}
    ours, theirs = report.spreads.values()
    report.ratios = {"chain p50 / floor p50": round(ours.p50 / theirs.p50, 2)}
    report.promises = {"p50 at most 3 times the floor": ours.p50 <= 3 * theirs.p50, "p99 at most 15 ms": ours.p99 <= 15}
    return report


@contextlib.asynccontextmanager
async def _echoes(host: str, port: int) -> AsyncIterator[None]:
    """The floor's processes: one for each of ours, the first also in the place where the hub comes in again."""
    command = (sys.executable, "-m", "hub.bench.floor", host, str(port))
    hops = [["0", str(HOPS - 2)], *([str(hop)] for hop in range(1, HOPS - 2))]
    echoes = [await asyncio.create_subprocess_exec(*command, *taken) for taken in hops]
    try:
        yield
    finally:
        for echo in echoes:
            echo.terminate()
        await asyncio.gather(*(echo.wait() for echo in echoes))


async def _turns(on: bus.Bus, count: int) -> list[float]:
    first: asyncio.Future[float] | None = None
    over = asyncio.Event()

    def audio(_: bus.Delivery) -> None:
        if first is not None and not first.done():
            first.set_result(time.perf_counter())

    def control(delivery: bus.Delivery) -> None:
        delivery.ack()
        if Control.decode(delivery.topic, delivery.payload).control == "done":
            over.set()

    await on.subscribe(DownAudio.topic.format(device=_DEVICE), audio, qos=0)
    await on.subscribe(Control.topic.format(device=_DEVICE), control)
    await on.publish(Presence(device=_DEVICE, text="online"))
    file = UtteranceFile(device=_DEVICE, data=to_wav(np.zeros(RATE // 10, np.int16), RATE))
    times: list[float] = []
    for _ in range(count):
        await asyncio.sleep(_PAUSE_S)
        first, sent = asyncio.get_running_loop().create_future(), time.perf_counter()
        over.clear()
        await on.publish(file)
        try:
            async with asyncio.timeout(_TURN_S):
                times.append((await first - sent) * 1000)
                await over.wait()
        except TimeoutError:
            raise HubError(f"turn {len(times) + 1} of the bench got no answer within {_TURN_S:g} s") from None
    return times
