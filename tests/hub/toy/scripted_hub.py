"""A hub of fifty lines for one toy: listens to so many chunks, then answers with a tone."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from hub import topics
from hub.audio import RATE, encode
from hub.bus import Bus, Delivery, Sendable
from hub.messages import (
    AudioFormat,
    Control,
    DownAudio,
    Event,
    Heard,
    Hello,
    HubStatus,
    Reply,
    Text,
    UpAudio,
)
from hub.messages.audio import END, START
from tests.memory_broker import MemoryBroker

AHEAD_MS = 400


@dataclass
class ScriptedHub:
    """Answers every start of ``device`` with ``answer_s`` seconds of tone once it has heard ``chunks`` chunks."""

    bus: Bus
    tasks: asyncio.TaskGroup
    device: str = "bear"
    chunks: int = 5
    answer_s: float = 0.6
    code: str | None = None
    turn: int = 100
    to: AudioFormat = field(default_factory=AudioFormat)
    events: list[Event] = field(default_factory=list)
    heard: list[UpAudio] = field(default_factory=list)
    speaking: asyncio.Task[None] | None = None

    def do(self, *messages: Sendable) -> None:
        async def publish() -> None:
            for message in messages:
                await self.bus.publish(message)

        self.tasks.create_task(publish(), name="hub-publish")

    def order(self, name: str, **fields: int | str | None) -> None:
        self.do(Control.model_validate({"device": self.device, "control": name, **fields}))

    def on_hello(self, delivery: Delivery) -> None:
        self.to = Hello.decode(delivery.topic, delivery.payload).output()

    def on_event(self, delivery: Delivery) -> None:
        event = Event.decode(delivery.topic, delivery.payload)
        self.events.append(event)
        if event.event == "start":
            if self.speaking and not self.speaking.done():
                self.speaking.cancel()
                self.order("flush", turn=self.turn)
            self.turn += 1
            self.heard.clear()
            self.order("listening", turn=self.turn, press=event.press, from_seq=0)
        elif event.event == "played" and event.final and event.turn == self.turn:
            self.order("done", turn=self.turn, code=self.code)
        elif event.event == "interrupt" and self.speaking:
            self.speaking.cancel()
            self.order("flush", turn=self.turn)

    def on_audio(self, delivery: Delivery) -> None:
        chunk = UpAudio.decode(delivery.topic, delivery.payload)
        self.heard.append(chunk)
        if len(self.heard) == self.chunks or chunk.flags & END:
            self.order("stop_listening", turn=self.turn)
            self.say("hello there")

    def on_text(self, delivery: Delivery) -> None:
        self.turn += 1
        self.say(Text.decode(delivery.topic, delivery.payload).text)

    def say(self, words: str) -> None:
        self.speaking = self.tasks.create_task(self._say(self.turn, words), name="hub-say")

    async def _say(self, turn: int, words: str) -> None:
        frames = _tone(self.answer_s, self.to)
        await self.bus.publish(Heard(device=self.device, turn=turn, text=words, source="text"))
        await self.bus.publish(Control(device=self.device, control="play", turn=turn))
        began = time.monotonic()
        for seq, frame in enumerate(frames):
            at_ms = seq * self.to.frame_ms
            await asyncio.sleep(max(began + (at_ms - AHEAD_MS) / 1000 - time.monotonic(), 0))
            flags = (START if seq == 0 else 0) | (END if seq == len(frames) - 1 else 0)
            await self.bus.publish(DownAudio(self.device, turn, seq, at_ms, flags, frame))
        await self.bus.publish(Reply(device=self.device, turn=turn, text=f"you said {words}", code=self.code))


@cache
def _tone(seconds: float, to: AudioFormat) -> list[bytes]:
    tone = (np.sin(np.arange(int(seconds * RATE)) * 2 * np.pi * 440 / RATE) * 8000).astype(np.int16)
    return encode(tone, RATE, to)


@contextlib.asynccontextmanager
async def scripted_hub(broker: MemoryBroker, **script: object) -> AsyncIterator[ScriptedHub]:
    """A ScriptedHub on its own bus of ``broker``."""
    async with broker.connect(name="hub") as bus, asyncio.TaskGroup() as tasks:
        hub = ScriptedHub(bus, tasks, **script)  # type: ignore[arg-type]
        await bus.publish(HubStatus(text="online"))
        for topic, handler in (
            (topics.HELLO, hub.on_hello),
            (topics.EVENT, hub.on_event),
            (topics.UP_AUDIO, hub.on_audio),
            (topics.UP_TEXT, hub.on_text),
        ):
            await bus.subscribe(topic.format(device=hub.device), handler)
        yield hub
        if hub.speaking:
            hub.speaking.cancel()
