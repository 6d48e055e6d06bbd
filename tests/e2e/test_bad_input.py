"""Nothing a toy sends harms the hub or another toy: it is counted, logged without its content, and forgotten."""

import asyncio
import contextlib
import json
import random
import socket
import struct
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import numpy as np
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from hub import bus
from hub.audio import RATE, encode, to_wav
from hub.broker import mosquitto_binary
from hub.messages import AudioFormat, Control, Event, HubHealth, Packet, Text, UpAudio
from hub.toy import Recording, Toy, TurnReport, spoken
from hub.toy.playback import Playback
from tests.e2e.home import Home, Seen, begins_to_answer, tell, until

pytestmark = [pytest.mark.broker, pytest.mark.slow]

MARKER = "zanzibar"
"""Stands in every payload and must stand in no log."""
VOICE = "en-us+f3"
UP = ("hello", "presence", "audio", "utterance", "text", "event")
CHAIN = (
    "utterance", "transcript", "prompt", "sentence", "speech", "request", "track", "failure", "done", "cancel",
)  # fmt: skip
HUB_READS = ("transcript", "sentence", "speech", "track", "request", "failure", "done")
WORKERS_READ = {
    "stt": ("utterance", "cancel"), "memory": ("transcript", "done", "cancel"), "llm": ("prompt", "cancel"),
    "tts": ("sentence", "cancel"), "media": ("request", "cancel"),
}  # fmt: skip
WHATS = ("say", "ask", "volume", "persona", "stop", "mode")
LIVES = ("broker", "hub", "stt", "memory", "llm", "tts", "media")


@pytest.fixture(autouse=True)
def nobody_dies_and_nothing_is_told(home: Home) -> Iterator[None]:
    """Whatever a test of this file does: no process ends, and no line of a log holds what was sent."""
    processes, lines = home.pids(), len(home.lines)
    yield
    new = home.lines[lines:]
    assert [line for line in new if MARKER in line.lower()] == []
    assert [line for line in new if "Traceback" in line or "; restart " in line] == [], "\n".join(new[-40:])
    assert home.pids() == processes
    assert set(LIVES) <= processes.keys()


@contextlib.asynccontextmanager
async def somebody_else_listens_to_a_story(home: Home) -> AsyncIterator[None]:
    """Inside the block a neighbour hears story after story, and gets every chunk in time."""
    await home.until_stories()
    heard: list[Playback] = []
    async with home.toy("neighbour") as toy:

        async def listen() -> None:
            while True:
                report = await toy.text("tell me a story", timeout_s=300)
                assert report.answered
                assert report.playback is not None
                heard.append(report.playback)

        listening = asyncio.create_task(listen(), name="neighbour")
        await until(lambda: toy.firmware.speaker.sounding, 20, "the neighbour hears nothing")
        yield
        await asyncio.sleep(0.5)
        assert not listening.done()
        if toy.firmware.speaker.playback:
            heard.append(toy.firmware.speaker.playback)
        foreign = toy.firmware.dropped_foreign
        toy.interrupt()
        await asyncio.sleep(0.2)  # so that it is out before the toy leaves, and the next neighbour hears nothing of it
        listening.cancel()
        assert sum(playback.chunks for playback in heard) > 10
        for playback in heard:
            assert (playback.late, playback.gaps, playback.underruns, playback.pauses) == (0, 0, 0, 0)
        assert foreign == 0


async def the_next_turn_works(home: Home, *devices: str) -> None:
    """A good question of the same toys gets its answer."""
    await asyncio.gather(*(_asks_and_is_answered(home, device) for device in devices))


async def _asks_and_is_answered(home: Home, device: str) -> None:
    """Listens until it is clear that an answer comes."""
    async with home.toy(device) as toy:
        report = await begins_to_answer(home, toy, toy.text("who are you", timeout_s=15))
    assert report.transcript == "who are you"


class Raw(NamedTuple):
    """Any bytes on any topic."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False

    def encode(self) -> Packet:
        return Packet(self.topic, self.payload, self.qos, self.retain)


async def put(on: bus.Bus, *raw: Raw) -> None:
    await on.publish(*raw)  # type: ignore[arg-type]


async def until_counted(seen: Seen, *kinds: str) -> None:
    """The hub's health names each of these as rejected; it comes every 5 s."""
    with contextlib.suppress(AssertionError):
        await until(lambda: set(kinds) <= seen.rejected().keys(), 12, "")
    assert [kind for kind in kinds if kind not in seen.rejected()] == []


def logged(home: Home, name: str, kind: str, topic: str) -> bool:
    """Whether a line of program ``name`` says that this kind was refused, and on which topic."""
    return any(line.startswith(name) and f"rejected {kind} (" in line and topic in line for line in home.lines)


# -- any bytes anywhere

WRONG_TYPES: dict[str, object] = {
    name: [MARKER]
    for name in (
        "event", "press", "codecs", "rate", "text", "state", "pcm", "outcome", "stage", "code", "index", "action",
        "frames", "revision", "persona", "chat", "title",
    )
}  # fmt: skip


def garbage() -> list[bytes]:
    chance = random.Random(1)
    whole = msgpack.packb({"event": "start", "text": MARKER, "firmware": MARKER, "pcm": bytes(500)})
    assert isinstance(whole, bytes)
    packed = msgpack.packb(WRONG_TYPES)
    assert isinstance(packed, bytes)
    return [
        b"\xff" + MARKER.encode() + chance.randbytes(20),
        chance.randbytes(1000),
        whole[: len(whole) // 2],
        packed,
        json.dumps(WRONG_TYPES).encode(),
        f'{{"{MARKER}":'.encode() * 50_000,
        b"\x81\xa1" + MARKER[0].encode() + b"\x81\xa1a" * 50_000,
        b"\xdf\xff\xff\xff\xff" + MARKER.encode(),
    ]


async def test_any_bytes_on_any_topic_are_counted_and_logged(home: Home) -> None:
    async with home.watch(HubHealth.topic.filter, "workers/#") as seen, somebody_else_listens_to_a_story(home):
        for payload in garbage():
            up = [Raw(f"toys/victim/up/{noun}", payload) for noun in UP]
            chain = [Raw(f"turns/victim/7/{noun}", payload) for noun in CHAIN]
            wishes = [Raw(f"toys/victim/set/{what}", payload) for what in WHATS]
            await put(seen.bus, *up, *chain, *wishes)
            await asyncio.sleep(0.3)
        nouns = (*HUB_READS, "hello", "event")
        reasons = [f"{noun}:{reason}" for noun in nouns for reason in ("malformed", "bad-field")]
        others = ["text:malformed", "text:bad-field", "presence:malformed", "utterance:bad-audio", "set:malformed"]
        await until_counted(seen, *reasons, *others)
        for stage, reads in WORKERS_READ.items():
            expected = {f"{noun}:malformed" for noun in reads}
            await until(lambda: expected <= _counted_by(seen, stage), 15, f"{stage} counts less than {expected}")  # noqa: B023
            for noun in reads:
                assert logged(home, stage, f"{noun}:malformed", f"turns/victim/7/{noun}")
        for kind in (*reasons, *others):
            assert logged(home, "hub", kind, "/victim/"), kind
    await the_next_turn_works(home, "victim")


def _counted_by(seen: Seen, stage: str) -> set[str]:
    told = [came for came in seen.all if came.topic.startswith(f"workers/{stage}/") and came.payload]
    return set(json.loads(told[-1].payload)["rejected"]) if told else set()


STRANGE_WISHES = {
    "volume": ("²", "-5", "101", "9" * 1999, MARKER, ""), "say": ("", " "), "ask": ("",), "mode": (MARKER,),
    "persona": ("",), MARKER[:3]: (MARKER,),
}  # fmt: skip
STRANGE_PERSONAS = (MARKER, "../" + MARKER, "\0")
HALF_A_PAIR = "\ud800"
"""Can be written in JSON, and is no text."""
NOT_QUITE: tuple[tuple[str, dict[str, object], str], ...] = (
    ("hello", {"capabilities": [HALF_A_PAIR]}, "malformed"), ("hello", {"firmware": MARKER * 9}, "bad-field"),
    ("hello", {"codecs": [MARKER]}, "bad-field"), ("hello", {"buffer_ms": -1}, "bad-field"),
    ("event", {"event": "played", "turn": 1, "ms": -1}, "bad-field"),
    ("event", {"event": "start", "press": float("inf")}, "bad-field"), ("event", {"event": HALF_A_PAIR}, "malformed"),
    ("event", {"event": "battery", "level": float("nan")}, "bad-field"),
)  # fmt: skip
NO_NAMES = {
    "my bear": "bad-device", "bär": "bad-device", "x" * 65: "bad-device", "": "bad-topic", "\u200b": "bad-device",
    "bear;rm": "bad-device", "_sounds": "reserved-device", "_other": "reserved-device", "熊": "bad-device",
}  # fmt: skip


async def test_what_does_not_fit_is_counted_one_by_one_and_does_nothing(home: Home) -> None:
    """Wishes without sense, text that is no text, names that are no names, state that is cleared away."""
    expected: Counter[str] = Counter()
    raw: list[Raw] = []
    for what, values in STRANGE_WISHES.items():
        raw += [Raw(f"toys/odd/set/{what}", value.encode()) for value in values]
        expected["set:bad-field"] += len(values)
    raw += [Raw("toys/odd/set/persona", value.encode()) for value in STRANGE_PERSONAS]
    expected["set:unknown-persona"] += len(STRANGE_PERSONAS)
    for noun, body, reason in NOT_QUITE:
        raw.append(Raw(f"toys/odd/up/{noun}", json.dumps(body).encode()))
        expected[f"{noun}:{reason}"] += 1
    for name, reason in NO_NAMES.items():
        raw += [Raw(f"toys/{name}/up/text", b"who are you"), Raw(f"toys/{name}/set/say", MARKER.encode())]
        expected.update([f"text:{reason}", f"set:{reason}"])
    raw += [Raw("toys/a/b/up/text", MARKER.encode()), Raw("toys/odd/up", b""), Raw("toys/odd/up/nothing", b"x")]
    raw += [Raw(f"toys/odd/up/{noun}", b"", retain=True) for noun in ("presence", "hello", "event", "text")]
    expected.update(["hello:malformed", "event:malformed", "text:bad-field"])  # an empty presence is cleared state
    raw += [Raw(topic, b"", retain=True) for topic in ("workers/tts/nobody", "toys/odd/state", "toys/odd/down/config")]

    async with home.watch(HubHealth.topic.filter, "toys/#") as seen, somebody_else_listens_to_a_story(home):
        await until(lambda: seen.on(HubHealth.topic.filter), 12, "no health")
        await asyncio.sleep(5.2)  # all that came before is counted
        before = seen.rejected()
        await put(seen.bus, *raw)
        assert not await asyncio.to_thread(_stays_connected_after, home, "toys/+/up/text")
        assert not await asyncio.to_thread(_stays_connected_after, home, "toys/#")
        wanted = Counter(before) + expected
        with contextlib.suppress(AssertionError):
            await until(lambda: seen.rejected() == wanted, 8, "")
        assert Counter(seen.rejected()) - Counter(before) == expected
        answers = [f"toys/{name}/{told}" for name in NO_NAMES for told in ("state", "down/config", "down/control")]
        assert [topic for topic in answers if seen.on(topic)] == []
    for kind, topic in (
        ("text:bad-device", "toys/my bear/up/text"), ("text:reserved-device", "toys/_sounds/up/text"),
        ("text:bad-topic", "toys//up/text"),
    ):  # fmt: skip
        assert logged(home, "hub", kind, topic)
    await the_next_turn_works(home, "odd")


def _stays_connected_after(home: Home, topic: str) -> bool:
    """Publish on a topic that no client library lets through."""
    name = topic.encode()
    body = struct.pack(">H", len(name)) + name + MARKER.encode()
    with socket.create_connection((home.broker.host, home.broker.port), 5) as wire:
        wire.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01w")
        assert wire.recv(4) == b"\x20\x02\x00\x00"
        wire.sendall(bytes([0x30, len(body)]) + body + b"\xc0\x00")
        wire.settimeout(3)
        try:
            return wire.recv(4) != b""
        except ConnectionResetError:
            return False


CHAIN_ODDITIES = (
    ("utterance", {"pcm": b"\1" * 64_000, "rate": 0}), ("utterance", {"pcm": b"\1" * 64_000, "rate": -8000}),
    ("utterance", {"pcm": b"\1" * 63_999, "rate": 2**40}), ("utterance", {"pcm": b"", "rate": 16_000}),
    ("request", {"index": 0, "action": {"name": "play", "slots": {MARKER: [1]}}}),
    ("request", {"index": 0, "action": {"name": "continue", "slots": {"item": MARKER, "position": -5}}}),
    ("request", {"index": -1, "action": {"name": MARKER, "slots": {}}}),
    ("sentence", {"text": MARKER, "voice": {"name": "../../nobody", "speed": 2.0}}),
    ("sentence", {"text": "\0[[_::::]]<speak>", "output": {"codec": "pcm16", "rate": 48_000}}),
    ("done", {"outcome": "answered", "times_ms": {MARKER: "x"}}),
    ("done", {"outcome": "answered", "said": "x", "heard": "y", "actions": [{"name": "remember", "slots": {}}]}),
    ("speech", {"index": -5, "text": "x", "frames": [b""]}),
    ("speech", {"index": 0, "text": "x", "frames": [b"x" * 70_000]}),
)  # fmt: skip


async def test_a_chain_message_with_strange_values_kills_no_worker(home: Home) -> None:
    processes = home.pids()
    async with home.watch(HubHealth.topic.filter) as seen, somebody_else_listens_to_a_story(home):
        for number, (noun, body) in enumerate(CHAIN_ODDITIES):
            payload = msgpack.packb(body)
            assert isinstance(payload, bytes)
            await put(seen.bus, Raw(f"turns/odd/{number + 1}/{noun}", payload))
        for noun, key in (("transcript", "text"), ("sentence", "text")):
            await put(seen.bus, Raw(f"turns/odd/99/{noun}", json.dumps({key: "\ud800", "source": "text"}).encode()))
        await asyncio.sleep(2)
        for name, kind in (
            ("stt", "utterance:bad-field"),
            ("media", "request:bad-field"),
            ("tts", "sentence:malformed"),
        ):
            assert home.said(name, f"rejected {kind} ("), kind
    assert home.pids() == processes
    await the_next_turn_works(home, "odd")


async def test_an_unknown_codec_is_told_to_the_toy(home: Home) -> None:
    async with home.watch("toys/futuristic/down/control") as seen, somebody_else_listens_to_a_story(home):
        start = {"event": "start", "press": 77, "codec": MARKER}
        await put(seen.bus, Raw("toys/futuristic/up/event", json.dumps(start).encode()))
        (told,) = await until(lambda: seen.on("toys/futuristic/down/control"), 5, "the toy is not told")
        assert json.loads(told.payload) == {"control": "error", "press": 77, "code": "bad-event"}
    await the_next_turn_works(home, "futuristic")


# -- files


async def test_a_file_of_50_mb_is_refused_by_the_broker_before_it_costs_memory(home: Home) -> None:
    before = {name: home.memory_mb(name) for name in ("hub", "broker")}
    async with somebody_else_listens_to_a_story(home):
        assert await asyncio.to_thread(_thrown_out_with, home, MARKER.encode() + bytes(50 * 2**20))
        await asyncio.sleep(0.5)
        grown = {name: home.memory_mb(name) - mb for name, mb in before.items()}
    tell(f"memory grown by {grown} MB")
    assert all(mb < 8 for mb in grown.values()), grown
    await the_next_turn_works(home, "heavy")


def _thrown_out_with(home: Home, payload: bytes) -> bool:
    """Whether the broker ends the connection of a toy that publishes this."""
    client = Client(CallbackAPIVersion.VERSION2, "toy-heavy", reconnect_on_failure=False)
    ended: list[object] = []
    client.on_disconnect = lambda *_: ended.append(1)
    client.connect(home.broker.host, home.broker.port)
    client.loop_start()
    time.sleep(0.2)
    sent = client.publish("toys/heavy/up/utterance", payload, qos=1)
    deadline = time.monotonic() + 20
    while not ended and not sent.is_published() and time.monotonic() < deadline:
        time.sleep(0.02)
    client.loop_stop()
    return bool(ended) and not sent.is_published()


def _ogg(pcm: "np.ndarray[tuple[int], np.dtype[np.int16]]", folder: Path) -> bytes:
    import av

    path = folder / "x.ogg"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libopus", rate=48_000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.repeat(pcm, 3)[None], format="s16", layout="mono")
        frame.sample_rate = 48_000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


async def test_files_that_are_none_get_a_spoken_apology(home: Home, tmp_path: Path) -> None:
    pcm = await spoken("what can you do", VOICE)
    wav, ogg = to_wav(pcm, RATE), _ogg(pcm, tmp_path)
    files = {
        "half-a-wav": wav[: len(wav) // 2], "half-an-ogg": ogg[: len(ogg) // 2], "empty": b"", "header-only": wav[:44],
        "text-named-wav": f"this is {MARKER}, and no sound\n".encode() * 100, "half-a-header": wav[:20],
        "no-rate": wav[:24] + struct.pack("<I", 0) + wav[28:],
    }  # fmt: skip
    async with home.watch(HubHealth.topic.filter) as seen, somebody_else_listens_to_a_story(home):
        reports = await asyncio.gather(*(_send(home, name, file) for name, file in files.items()))
        for name, report in zip(files, reports, strict=True):
            assert report.playback is not None, name
            assert np.abs(report.pcm).max() > 1000, f"{name}: nothing to be heard"
            if name != "half-an-ogg":  # what there is of it can be heard
                assert report.code == "bad-audio", name
        await until(lambda: seen.rejected().get("utterance:bad-audio", 0) >= len(files) - 1, 8, "not counted")
    assert logged(home, "hub", "utterance:bad-audio", "/up/utterance")
    await the_next_turn_works(home, *list(files)[:3])


async def _send(home: Home, device: str, file: bytes) -> TurnReport:
    async with home.toy(device) as toy, bus.connect(home.broker, "sender") as on:
        turn = asyncio.create_task(toy.listen_back(timeout_s=20), name=device)
        await asyncio.sleep(0)
        await put(on, Raw(f"toys/{device}/up/utterance", file))
        return await turn


# -- chunks


@contextlib.asynccontextmanager
async def heard_by_the_hub(home: Home, device: str) -> AsyncIterator[tuple[Seen, int]]:
    """The hub listens to this toy; yields what it says to it, and the turn."""
    control = Control.topic.format(device=device)
    async with home.watch(f"toys/{device}/down/control", HubHealth.topic.filter) as seen:
        await seen.bus.publish(Event(device=device, event="start", press=random.getrandbits(31)))
        listening = await until(lambda: _orders(seen, control, "listening"), 5, "the hub does not listen")
        yield seen, int(listening[-1]["turn"])


def _orders(seen: Seen, topic: str, name: str) -> list[dict[str, Any]]:
    told = [json.loads(came.payload) for came in seen.on(topic)]
    return [order for order in told if order["control"] == name]


async def test_speech_that_never_ends_is_cut_and_answered(home: Home) -> None:
    """Sixty seconds of talk without a pause in one go: end-pointing counts sound, not the clock."""
    word = await spoken("la la la la la la la", VOICE)
    loud = word[np.flatnonzero(np.abs(word) > 500)[0] : np.flatnonzero(np.abs(word) > 500)[-1]]
    frames = encode(np.tile(loud, 60 * RATE // loud.size), RATE, AudioFormat())
    control = Control.topic.format(device="endless")
    async with somebody_else_listens_to_a_story(home), heard_by_the_hub(home, "endless") as (seen, turn):
        for seq, frame in enumerate(frames):
            await seen.bus.publish(UpAudio("endless", turn, seq, seq * 60, 0, frame))
            if seq % 50 == 0:
                await asyncio.sleep(0.02)
        await until(lambda: _orders(seen, control, "stop_listening"), 10, "the hub listens for ever")
        await until(lambda: _orders(seen, control, "play"), 15, "neither an answer nor an apology")
        await put(seen.bus, Raw("toys/endless/set/stop", b""))
    await the_next_turn_works(home, "endless")


async def test_silence_that_never_ends_is_given_up(home: Home) -> None:
    frames = encode(np.zeros(20 * RATE, np.int16), RATE, AudioFormat())
    control = Control.topic.format(device="silent")
    async with heard_by_the_hub(home, "silent") as (seen, turn):
        await seen.bus.publish(*(UpAudio("silent", turn, seq, seq * 60, 0, data) for seq, data in enumerate(frames)))
        (done,) = await until(lambda: _orders(seen, control, "done"), 5, "the hub listens for ever")
    assert done["code"] == "no-speech"
    await the_next_turn_works(home, "silent")


async def test_strange_chunks_between_good_ones_do_not_spoil_what_is_said(home: Home) -> None:
    """Of another turn, come twice, or no chunks at all."""
    chance = random.Random(2)
    question = "what's my name"

    async def throw(toy: Toy, on: bus.Bus) -> None:
        await until(lambda: toy.firmware.phase == "listening", 5, "the hub does not listen")
        turn = toy.firmware.turn or 0
        for step in range(60):
            good = recording.data[:3]
            await put(
                on,
                Raw("toys/noisy/up/audio", chance.randbytes(50) + MARKER.encode(), 0),
                Raw("toys/noisy/up/audio", b"", 0),
                Raw("toys/noisy/up/audio", UpAudio("noisy", turn, 5, 0, 0, good[0]).encode().payload[:-3], 0),
            )
            await on.publish(
                UpAudio("noisy", (turn - 1) % 2**32, step, 0, 0, good[0]),
                UpAudio("noisy", (turn + 1) % 2**32, step, 0, 1, good[1]),
                UpAudio("noisy", turn, 0, 0, 0, good[2]),
                UpAudio("noisy", turn, 0, 0, 0, b""),
            )
            await asyncio.sleep(0.02)

    async with somebody_else_listens_to_a_story(home), home.watch(HubHealth.topic.filter) as seen:
        async with home.toy("noisy") as toy:
            prepared = await toy.prepare(await spoken(question, VOICE))
            assert isinstance(prepared, Recording)
            recording = prepared
            report, _ = await asyncio.gather(toy.say(recording), throw(toy, seen.bus))
        assert report.transcript == question
        assert report.answered
        await until_counted(seen, "audio:malformed")
    assert logged(home, "hub", "audio:malformed", "toys/noisy/up/audio")
    await the_next_turn_works(home, "noisy")


async def test_chunks_without_sense_in_the_turn_itself_end_it_and_no_more(home: Home) -> None:
    """Random data as Opus, nothing as Opus, jumps of seq over the whole range."""
    chance = random.Random(3)
    control = Control.topic.format(device="broken")
    async with somebody_else_listens_to_a_story(home), heard_by_the_hub(home, "broken") as (seen, turn):
        seq = 0
        for _ in range(400):
            seq = (seq + chance.choice((1, 1, 1, 7, 30_000))) % 65_536
            data = chance.choice((b"", b"\xff", b"\x03", chance.randbytes(chance.randrange(1, 300))))
            flags = chance.choice((0, 2, 0xFC))
            await seen.bus.publish(UpAudio("broken", turn, seq, chance.getrandbits(32), flags, data))
        await until(lambda: _orders(seen, control, "done"), 30, "the turn never ends")
        await until_counted(seen, "audio:bad-audio")
    assert logged(home, "hub", "audio:bad-audio", "toys/broken/up/audio")
    await the_next_turn_works(home, "broken")


# -- too much


@pytest.mark.parametrize("qos", [0, 1])
async def test_ten_thousand_events_in_a_second_hold_nobody_up(home: Home, qos: int) -> None:
    device, before = f"flood-{qos}", home.memory_mb("hub")
    line = json.dumps({"event": "button", "press": 1, "note": MARKER}).encode() + b"\n"
    publisher = Path(mosquitto_binary()).name.replace("mosquitto", "mosquitto_pub")
    command = (publisher, "-p", str(home.broker.port), "-q", str(qos), "-t", f"toys/{device}/up/event", "-l")
    async with home.watch(HubHealth.topic.filter) as seen, somebody_else_listens_to_a_story(home):
        async with home.toy("asks-meanwhile") as toy:
            program = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE)
            began = time.monotonic()
            flood = asyncio.create_task(_timed(program.communicate(line * 10_000)), name="flood")
            await asyncio.sleep(0.2)
            report = await toy.text("what time is it")
            took_s = await flood - began
        assert report.answered
        assert (report.late_chunks, report.gaps) == (0, 0)
        assert report.first_audio_ms is not None
        tell(f"10,000 events in {took_s:.1f} s; an answer began after {report.first_audio_ms:.0f} ms")
        assert report.first_audio_ms < 2000
        await until(lambda: seen.rejected().get("event:too-fast", 0) >= 5000, 12, "the flood did not reach the hub")
    grown = home.memory_mb("hub") - before
    tell(f"memory of the hub grown by {grown:.1f} MB")
    assert grown < 30
    await the_next_turn_works(home, device)


async def _timed(work: Awaitable[object]) -> float:
    await work
    return time.monotonic()


async def test_a_toy_that_comes_and_goes_and_introduces_itself_without_end(home: Home) -> None:
    hellos = [
        json.dumps({"codecs": [codec], "rate": rate, "frame_ms": frame_ms, "firmware": MARKER}).encode()
        for codec in ("opus", "pcm16") for rate in (8000, 12000, 16000, 24000, 48000) for frame_ms in (20, 40, 60)
    ]  # fmt: skip
    async with home.watch(HubHealth.topic.filter) as seen, somebody_else_listens_to_a_story(home):
        for _ in range(300):
            await put(
                seen.bus, Raw("toys/restless/up/presence", b"online", retain=True),
                Raw("toys/restless/up/presence", b"offline", retain=True),
            )  # fmt: skip
        for _ in range(20):
            await put(seen.bus, *(Raw("toys/restless/up/hello", hello) for hello in hellos))
            await put(seen.bus, *(Raw("toys/restless/down/config", hello) for hello in hellos))
        async with home.toy("asks-meanwhile") as toy:
            report = await toy.text("what time is it")
        assert report.answered
        assert report.first_audio_ms is not None
        tell(f"meanwhile an answer began after {report.first_audio_ms:.0f} ms")
        assert report.first_audio_ms < 2000
        await until_counted(seen, "hello:too-fast")
    await the_next_turn_works(home, "restless")


async def test_a_stranger_is_refused_where_the_house_is_closed(folder: Path, free_port: Callable[[], int]) -> None:
    with Home(folder, free_port(), {"LIMITS__OPEN": "false", "LIBRARY": "{starter: false}"}) as closed:
        async with closed.watch(HubHealth.topic.filter, "toys/stranger/#") as seen:
            await put(seen.bus, Raw("toys/stranger/up/text", MARKER.encode()), Raw("toys/stranger/up/hello", b"{}"))
            await until_counted(seen, "text:unknown-device", "hello:unknown-device")
            assert logged(closed, "hub", "text:unknown-device", "toys/stranger/up/text")
            assert {came.topic for came in seen.all if came.topic.startswith("toys/")} == {
                "toys/stranger/up/text", "toys/stranger/up/hello",
            }  # fmt: skip
            assert await closed.command("devices", "add", "stranger") == 0
            async with closed.toy("stranger") as toy:
                await until(lambda: _asked_again(toy), 15, "it may come, and is not let in")
        assert [line for line in closed.lines if MARKER in line] == []


def _asked_again(toy: Toy) -> bool:
    """Ask twice a second until there is an answer."""
    if int(time.monotonic() * 50) % 25 == 0:
        toy.link.publish(Text(device=toy.firmware.device, text="who are you"))
    return toy.firmware.speaker.sounding
