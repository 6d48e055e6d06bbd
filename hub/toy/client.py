"""``Toy``: a simulated toy that talks, listens and reports each turn.

::

    async with Toy("bear", settings.broker) as toy:
        report = await toy.say("tell me a joke")

Twenty of them fit into one process. Pass ``connect=MemoryBroker().connect`` to do without a broker.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable
from types import TracebackType
from typing import Self

import numpy as np

from hub import bus
from hub.audio import RATE, Pcm
from hub.messages import AudioFormat, Control, Heard, Hello, Reply, Text
from hub.messages.parts import Codec
from hub.settings import BrokerSettings
from hub.toy.link import Connect, Link, now_ms
from hub.toy.microphone import Microphone, Recording, spoken
from hub.toy.outputs import TurnOpened, TurnOver
from hub.toy.protocol import Firmware, Mode
from hub.toy.report import Stopwatch, TurnReport

_REPLY_S = 1.0
_REMEMBERED_WORDS = 32


class Toy:
    """A simulated toy; an async context manager, online inside the block.

    Args:
        device: its id.
        broker: where and as whom; None only with another ``connect``.
        codec: of what it records and plays.
        hello: what it says about itself; by default made from ``codec``.
        up: format of what it records; by default the one of ``hello``.
        connect: how to get a bus; None: ``hub.bus.connect``.
        overhear: read transcript and reply too, which real toys need not and may not.
        voice: of espeak-ng, for text that is to be said.
        tap: called with each message and each output of the firmware, for people who watch.

    Attributes:
        link: the connection; counts what could not be read or sent.
    """

    def __init__(
        self,
        device: str,
        broker: BrokerSettings | None = None,
        *,
        codec: Codec = "opus",
        hello: Hello | None = None,
        up: AudioFormat | None = None,
        connect: Connect | None = None,
        overhear: bool = False,
        voice: str = "en-us",
        tap: Callable[[object], None] = lambda _: None,
    ) -> None:
        self._broker, self._connect = broker, connect or bus.connect
        self._overhear, self._voice, self._tap = overhear, voice, tap
        hello = hello or Hello(device=device, firmware="toyhub simulated toy", codecs=[codec])
        first_press = random.randrange(1, 2**31)  # noqa: S311 - unlike the last run's, not secret
        self.firmware = Firmware(hello, up or hello.output(), first_press)
        self.link = Link(self.firmware, self._notice, overhear=overhear)
        self._turns: list[tuple[Stopwatch, asyncio.Event]] = []
        self._words: dict[tuple[type[object], int], str] = {}
        self._overheard = asyncio.Event()
        self._life: contextlib.AbstractAsyncContextManager[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect, subscribe, say hello.

        Raises:
            BrokerError: no broker, or it does not let this toy in.
        """
        self._life = self.link.live(self._connect, self._broker)
        await self._life.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Say offline and leave."""
        return await self._life.__aexit__(kind, error, trace) if self._life else None

    async def say(self, what: Pcm | str | Microphone, *, mode: Mode = "open", timeout_s: float = 30.0) -> TurnReport:
        """Press, speak, and hear the answer to its end. Saying something meanwhile interrupts it.

        Args:
            what: sound at 16 kHz, text to be spoken, a Recording (encoded once, said often), or a live microphone.
            mode: ``open``: the hub finds the end of speech. ``push``: the button is held as long as there is sound.
            timeout_s: from the press to the end of the turn; then the report's code is ``timeout``.

        Raises:
            EngineError: the text cannot be spoken.
        """
        source = await self.prepare(what, mode)
        watch, over = self._watch(pressed=source)
        self.link.press(source, mode)
        return await self._outcome(watch, over, timeout_s)

    async def text(self, text: str, *, timeout_s: float = 30.0) -> TurnReport:
        """Send text as if it had been said, and hear the answer to its end."""
        watch, over = self._watch()
        self.link.publish(Text(device=self.firmware.device, text=text))
        return await self._outcome(watch, over, timeout_s)

    async def listen_back(self, *, timeout_s: float = 30.0) -> TurnReport:
        """Hear the next turn the hub opens by itself, such as an announcement, to its end."""
        return await self._outcome(*self._watch(), timeout_s)

    def press(self, what: Microphone | None = None, mode: Mode = "open") -> int:
        """Press the button and record ``what`` (None: a silent room); returns the press's number."""
        silence: Microphone = Recording.of(np.zeros(RATE, np.int16), self.firmware.up)
        self.link.press(what or silence, mode)
        return self.firmware.press_number

    def release(self) -> None:
        """Let the button of push mode go."""
        self.link.do(self.firmware.release(now_ms()))

    def interrupt(self) -> None:
        """Be quiet at once."""
        self.link.do(self.firmware.interrupt(now_ms()))

    async def prepare(self, what: Pcm | str | Microphone, mode: Mode = "open") -> Microphone:
        """Speak and encode beforehand what ``say`` takes.

        Raises:
            EngineError: the text cannot be spoken.
        """
        sound = await spoken(what, self._voice) if isinstance(what, str) else what
        return await asyncio.to_thread(self._record, sound, mode) if isinstance(sound, np.ndarray) else sound

    def _record(self, pcm: Pcm, mode: Mode) -> Microphone:
        return Recording.of(pcm, self.firmware.up, tail=mode == "open")

    def _watch(self, pressed: Microphone | None = None) -> tuple[Stopwatch, asyncio.Event]:
        """Begin to watch the turn that comes next: of the press that follows, or one the hub opens."""
        watch = Stopwatch(now_ms(), pressed_ms=now_ms(), foreign_before=self.firmware.dropped_foreign)
        if pressed:
            watch.press = self.firmware.press_number + 1
            watch.zero_ms += pressed.speech_ms or 0.0
            watch.guessed = pressed.speech_ms is None
        self._turns.append((watch, asyncio.Event()))
        return self._turns[-1]

    async def _outcome(self, watch: Stopwatch, over: asyncio.Event, timeout_s: float) -> TurnReport:
        try:
            async with asyncio.timeout(timeout_s):
                await over.wait()
        except TimeoutError:
            watch.code = "timeout"
        finally:
            self._turns.remove((watch, over))
            if not over.is_set() and (watch.press or watch.turn) and self._current(watch):
                self.link.do(self.firmware.give_up(now_ms(), "timeout"))
        if self._overhear and watch.turn is not None:
            await self._wait_for_reply(watch.turn)
        heard, reply = (self._words.get((kind, watch.turn or -1)) for kind in (Heard, Reply))
        return watch.report(self.firmware.device, self.firmware.dropped_foreign, heard, reply)

    def _current(self, watch: Stopwatch) -> bool:
        """Whether the firmware is still busy with this turn."""
        if watch.press is not None:
            return watch.press == self.firmware.press_served
        return watch.turn is not None and watch.turn == self.firmware.turn

    async def _wait_for_reply(self, turn: int) -> None:
        """The reply is published at about the time the turn is over; give it a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REPLY_S):
                while (Reply, turn) not in self._words:
                    self._overheard.clear()
                    await self._overheard.wait()

    def _notice(self, thing: object, at_ms: float) -> None:
        """Keep the times of each turn."""
        match thing:
            case Control(turn=int(turn)):
                for watch, _ in self._turns:
                    if watch.turn == turn:
                        self._clock(watch, thing.control, at_ms)
            case TurnOpened(turn, press):
                self._opened(turn, press, at_ms)
            case TurnOver():
                self._over(thing, at_ms)
            case Heard() | Reply():
                self._words[type(thing), thing.turn] = thing.text
                while len(self._words) > _REMEMBERED_WORDS:
                    del self._words[next(iter(self._words))]
                self._overheard.set()
        self._tap(thing)

    def _clock(self, watch: Stopwatch, control: str, at_ms: float) -> None:
        if control == "stop_listening" and watch.stop_listening_ms is None:
            watch.stop_listening_ms = at_ms
            if watch.guessed:
                watch.zero_ms = at_ms
        elif control == "play" and watch.play_ms is None:
            watch.play_ms, watch.playback = at_ms, self.firmware.speaker.playback

    def _opened(self, turn: int, press: int | None, at_ms: float) -> None:
        """A press was answered, or the hub opened a turn: the first one that somebody waits for."""
        for watch, _ in self._turns:
            if watch.turn is None and watch.press == press:
                watch.turn = turn
                if press is not None:
                    watch.listening_ms = at_ms
                else:
                    self._clock(watch, "play", at_ms)
                return

    def _over(self, thing: TurnOver, at_ms: float) -> None:
        for watch, over in self._turns:
            mine = watch.press == thing.press if thing.press is not None else watch.turn == thing.turn
            if mine and not over.is_set():
                watch.code, watch.done_ms = thing.code, at_ms
                over.set()
