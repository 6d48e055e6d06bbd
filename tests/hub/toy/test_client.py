"""A whole toy on the in-memory broker, talked to by a scripted hub. Real time, but short."""

import asyncio
import functools

import numpy as np
import pytest

from hub import bus
from hub.audio import RATE
from hub.errors import BrokerError
from hub.messages import Hello, Packet
from hub.messages.parts import Codec
from hub.settings import BrokerSettings
from hub.toy import Recording, Toy
from hub.toy.outputs import TurnOpened
from tests.hub.toy.scripted_hub import scripted_hub
from tests.memory_broker import MemoryBroker

PCM = (np.sin(np.arange(RATE // 5) / 5) * 8000).astype(np.int16)  # 200 ms


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


def toy(broker: MemoryBroker, device: str = "bear", codec: Codec = "opus", **more: object) -> Toy:
    return Toy(device, connect=broker.connect, codec=codec, **more)  # type: ignore[arg-type]


def names(log: list[Packet], topic: str) -> list[bytes]:
    return [packet.payload for packet in log if packet.topic == topic]


@pytest.mark.parametrize("codec", ["opus", "pcm16"])
async def test_says_something_and_hears_the_answer(broker: MemoryBroker, codec: Codec) -> None:
    async with scripted_hub(broker) as hub, toy(broker, codec=codec, overhear=True) as bear:
        report = await bear.say(PCM, timeout_s=10)
    assert report.answered
    assert (report.turn, report.code, report.transcript, report.reply) == (
        101,
        None,
        "hello there",
        "you said hello there",
    )
    assert (report.late_chunks, report.gaps, report.underruns, report.dropped_foreign) == (0, 0, 0, 0)
    assert [chunk.seq for chunk in hub.heard[:5]] == [0, 1, 2, 3, 4]
    assert report.pcm.size == pytest.approx(0.6 * RATE, abs=2)
    assert np.argmax(np.abs(np.fft.rfft(report.pcm))) * RATE / report.pcm.size == pytest.approx(440, abs=3)
    assert report.listening_ms is not None
    assert report.listening_ms < 50
    assert report.first_audio_ms is not None
    assert report.done_ms is not None
    assert report.stop_listening_ms is not None
    assert report.stop_listening_ms <= report.first_audio_ms < report.done_ms - 500


async def test_comes_and_goes_with_presence(broker: MemoryBroker) -> None:
    async with toy(broker):
        assert names(broker.log, "toys/bear/up/presence") == [b"online"]
        assert len(names(broker.log, "toys/bear/up/hello")) == 1
    assert names(broker.log, "toys/bear/up/presence") == [b"online", b"offline"]
    assert all(packet.retain for packet in broker.log if packet.topic.endswith("presence"))


async def test_push_mode_ends_with_the_sound(broker: MemoryBroker) -> None:
    async with scripted_hub(broker, chunks=1000) as hub, toy(broker) as bear:
        report = await bear.say(PCM, mode="push", timeout_s=10)
        assert report.answered
        assert [event.event for event in hub.events if event.event != "played"] == ["start", "stop"]
        assert hub.heard[-1].flags


async def test_text(broker: MemoryBroker) -> None:
    async with scripted_hub(broker), toy(broker, overhear=True) as bear:
        report = await bear.text("hi", timeout_s=10)
    assert report.answered
    assert report.transcript == "hi"
    assert report.listening_ms is None


async def test_an_announcement(broker: MemoryBroker) -> None:
    async with scripted_hub(broker) as hub, toy(broker) as bear:
        hearing = asyncio.ensure_future(bear.listen_back(timeout_s=10))
        await asyncio.sleep(0)
        hub.say("dinner is ready")
        assert (await hearing).answered


async def test_saying_something_while_it_plays_interrupts(broker: MemoryBroker) -> None:
    async with scripted_hub(broker, answer_s=5.0) as hub, toy(broker) as bear:
        sound = await bear.prepare(PCM)
        first = asyncio.ensure_future(bear.say(sound, timeout_s=10))
        while not bear.firmware.speaker.sounding:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        hub.answer_s = 0.3
        second = await bear.say(sound, timeout_s=10)
        interrupted = await first
    assert interrupted.code == "interrupted"
    assert 0.05 < interrupted.pcm.size / RATE < 1.0
    assert second.answered
    finals = [event for event in hub.events if event.event == "played" and event.final]
    assert [event.turn for event in finals][:1] == [101]
    assert (finals[0].ms or 0) / 1000 == pytest.approx(interrupted.pcm.size / RATE, abs=0.002)


async def test_interrupt(broker: MemoryBroker) -> None:
    async with scripted_hub(broker, answer_s=5.0), toy(broker) as bear:
        turn = asyncio.ensure_future(bear.say(PCM, timeout_s=10))
        while not bear.firmware.speaker.sounding:
            await asyncio.sleep(0.01)
        bear.interrupt()
        assert (await turn).code == "interrupted"


async def test_a_code_of_the_hub_is_the_code_of_the_report(broker: MemoryBroker) -> None:
    async with scripted_hub(broker, code="late"), toy(broker) as bear:
        report = await bear.say(PCM, timeout_s=10)
    assert report.code == "late"
    assert not report.answered


async def test_nobody_there(broker: MemoryBroker) -> None:
    async with toy(broker) as bear:
        report = await bear.say(PCM, timeout_s=0.2)
        assert bear.firmware.phase == "idle"
    assert (report.code, report.turn, report.pcm.size) == ("timeout", None, 0)


async def test_what_cannot_be_read_is_counted_and_harms_nobody(broker: MemoryBroker) -> None:
    async with scripted_hub(broker) as hub, toy(broker) as bear, broker.connect(name="stranger") as stranger:
        await stranger.publish_raw("toys/bear/down/control", b"\xff")
        await stranger.publish_raw("toys/bear/down/audio", b"noise")
        await stranger.publish_raw("toys/bear/down/whatever", b"")
        assert (await bear.say(PCM, timeout_s=10)).answered
        assert bear.link.bad == 2
        assert hub.turn == 101


async def test_twenty_toys_in_one_process(broker: MemoryBroker) -> None:
    async def one(number: int) -> bool:
        device = f"toy-{number}"
        async with scripted_hub(broker, device=device), toy(broker, device) as each:
            report = await each.say(sound, timeout_s=20)
            return report.answered and report.turn == 101

    sound = Recording.of(PCM, Hello(device="x").output())
    assert all(await asyncio.gather(*map(one, range(20))))


async def test_press_and_release_by_hand(broker: MemoryBroker) -> None:
    seen: list[object] = []
    async with scripted_hub(broker, chunks=1000) as hub, toy(broker, tap=seen.append) as bear:
        press = bear.press(mode="push")
        async with asyncio.timeout(5):
            while len(hub.heard) < 2:
                await asyncio.sleep(0.01)
            bear.release()
            while not bear.firmware.speaker.sounding:
                await asyncio.sleep(0.01)
    assert TurnOpened(101, press) in seen


async def test_no_broker() -> None:
    impatient = functools.partial(bus.connect, patience_s=0.3)
    with pytest.raises(BrokerError, match="no MQTT broker"):
        async with Toy("bear", BrokerSettings(port=9), connect=impatient):
            pass
