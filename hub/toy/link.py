"""A toy's firmware on an MQTT connection: what runs the state machine, its clock, its microphone and its outbox."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from hub import bus, topics
from hub.errors import BadMessage, BrokerError, single_error
from hub.messages import Config, Control, DownAudio, Heard, Presence, Reply, UpAudio
from hub.settings import BrokerSettings
from hub.toy.microphone import Microphone
from hub.toy.outputs import Mic, Outputs, TurnOpened, TurnOver
from hub.toy.protocol import Firmware, Mode

Connect = Callable[..., contextlib.AbstractAsyncContextManager[bus.Bus]]
"""Shape of ``hub.bus.connect``."""
Notice = Callable[[object, float], None]
"""Called with everything that comes and goes, and the clock in ms."""
_GREETED_S = 10.0
_GOODBYE_S = 1.0
_QUEUED_CHUNKS = 2000
_DOWN: dict[str, type[DownAudio | Control | Config]] = {
    kind.topic.noun: kind for kind in (DownAudio, Control, Config)
}  # fmt: skip


def now_ms() -> float:
    """The toy's clock."""
    return time.monotonic() * 1000


class Link:
    """One toy's connection.

    Args:
        firmware: the state machine to run.
        notice: hears of each message and each output, in order.
        overhear: also read what is said about the toy to people: transcript and reply.

    Attributes:
        bad: messages that could not be read.
        unsent: messages the broker did not take in time.
    """

    def __init__(self, firmware: Firmware, notice: Notice, *, overhear: bool = False) -> None:
        self.firmware, self._notice, self._overhear = firmware, notice, overhear
        self.bad = self.unsent = 0
        self._outbox: asyncio.Queue[bus.Sendable] = asyncio.Queue()
        self._greeted = asyncio.Event()
        self._sooner = asyncio.Event()
        self._tick_ms: float | None = None
        self._source: tuple[Microphone, Mode] | None = None
        self._recording: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None

    @contextlib.asynccontextmanager
    async def live(self, connect: Connect, broker: BrokerSettings | None) -> AsyncIterator[None]:
        """Be online inside the block.

        Raises:
            BrokerError: no broker, or it does not let this toy in.
        """
        name = f"toy-{self.firmware.device}"
        offline = Presence(device=self.firmware.device, text="offline")
        connection = connect(broker, name, will=offline, greet=self._greet)
        async with connection as on, _tasks() as tasks:
            self._tasks = tasks
            running = [
                tasks.create_task(self._send(on), name=f"{name}-send"),
                tasks.create_task(self._keep_time(), name=f"{name}-clock"),
            ]
            try:
                async with asyncio.timeout(_GREETED_S):
                    await self._greeted.wait()
                yield
            finally:
                self._shut_mic()
                self._tasks = None
                for task in running:
                    task.cancel()
                with contextlib.suppress(TimeoutError, BrokerError):
                    async with asyncio.timeout(_GOODBYE_S):
                        await on.publish(offline)

    def press(self, source: Microphone, mode: Mode) -> None:
        """Press the button; ``source`` is what the microphone will hear."""
        self._source = source, mode
        self.do(self.firmware.press(now_ms(), mode))

    def do(self, outputs: Outputs) -> None:
        """Carry out what the firmware wants."""
        for output in outputs:
            if isinstance(output, Mic):
                self._open_mic() if output.open else self._shut_mic()
                self._notice(output, now_ms())
            elif isinstance(output, TurnOpened | TurnOver):
                self._notice(output, now_ms())
            else:
                self.publish(output)
        wake_ms = self.firmware.wake_ms()
        if wake_ms is not None and (self._tick_ms is None or wake_ms < self._tick_ms):
            self._sooner.set()

    def publish(self, message: bus.Sendable) -> None:
        """Send after what is waiting already; recorded sound is thrown away when too much waits."""
        if isinstance(message, UpAudio) and self._outbox.qsize() > _QUEUED_CHUNKS:
            self.unsent += 1
            return
        self._outbox.put_nowait(message)
        self._notice(message, now_ms())

    async def _greet(self, on: bus.Bus) -> None:
        """After each connect; subscribed before anybody learns that we are here."""
        device = self.firmware.device
        if not self._greeted.is_set():
            await on.subscribe(topics.CONTROL.beside(device=device), self._receive)
            if self._overhear:
                await on.subscribe(topics.HEARD.format(device=device), self._receive_words)
                await on.subscribe(topics.REPLY.format(device=device), self._receive_words)
        for message in self.firmware.connected(now_ms()):
            if not isinstance(message, Mic | TurnOpened | TurnOver):
                await on.publish(message)
                self._notice(message, now_ms())
        self._greeted.set()

    async def _send(self, on: bus.Bus) -> None:
        """Publish in order; what the broker does not take within the bus's patience is lost, as on a real toy."""
        while True:
            messages = [await self._outbox.get()]
            while not self._outbox.empty():
                messages.append(self._outbox.get_nowait())
            try:
                await on.publish(*messages)
            except BrokerError:
                self.unsent += len(messages)

    def _receive(self, delivery: bus.Delivery) -> None:
        delivery.ack()
        kind = _DOWN.get(delivery.topic.rpartition("/")[2])
        if kind is None:
            return  # a newer hub says something this firmware does not know
        try:
            message = kind.decode(delivery.topic, delivery.payload)
        except BadMessage:
            self.bad += 1
            return
        outputs = self.firmware.receive(message, now_ms())
        self._notice(message, now_ms())
        self.do(outputs)

    def _receive_words(self, delivery: bus.Delivery) -> None:
        delivery.ack()
        kind: type[Heard | Reply] = Heard if topics.HEARD.parse(delivery.topic) else Reply
        try:
            self._notice(kind.decode(delivery.topic, delivery.payload), now_ms())
        except BadMessage:
            self.bad += 1

    async def _keep_time(self) -> None:
        """Tick when the firmware wants it; whatever makes it want it sooner sets ``_sooner``."""
        while True:
            self._sooner.clear()
            self._tick_ms = self.firmware.wake_ms()
            wait_s = None if self._tick_ms is None else max(self._tick_ms - now_ms(), 0.0) / 1000
            try:
                async with asyncio.timeout(wait_s):
                    await self._sooner.wait()
            except TimeoutError:
                self.do(self.firmware.tick(now_ms()))

    def _open_mic(self) -> None:
        self._shut_mic()
        if self._tasks and self._source:
            self._recording = self._tasks.create_task(
                self._record(*self._source, self.firmware.press_number), name=f"toy-{self.firmware.device}-mic"
            )

    def _shut_mic(self) -> None:
        if self._recording:
            self._recording.cancel()
            self._recording = None

    async def _record(self, source: Microphone, mode: Mode, press: int) -> None:
        """Hand over each frame; when the sound ends the button of push mode is let go."""
        async with contextlib.aclosing(source.frames(now_ms())) as frames:
            async for frame in frames:
                self.do(self.firmware.record(frame, now_ms()))
        if press == self.firmware.press_number:
            self._recording = None
            ended = self.firmware.release if mode == "push" else self.firmware.mic_ended
            self.do(ended(now_ms()))


@contextlib.asynccontextmanager
async def _tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A group whose single error, such as a microphone that is gone, comes out as itself."""
    with single_error():
        async with asyncio.TaskGroup() as tasks:
            yield tasks
