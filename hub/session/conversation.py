"""Drives one toy's session: an inbox, the clock, and the effects. The I/O around endpointing, turns and playout."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hub import logs
from hub.audio import Pcm
from hub.bus import Bus, Delivery, Sendable
from hub.errors import AudioError, BadMessage, BrokerError
from hub.messages import Event, Place, TurnMessage, UpAudio
from hub.session.detectors import Detectors
from hub.session.ear import Ear
from hub.session.effects import CutOff, Effect, Listen, SetVolume, StopListening
from hub.session.endpointing import Event as EarEvent
from hub.session.endpointing import Pauses
from hub.session.turns import Session
from hub.settings import Settings

_LOGGER = logging.getLogger(__name__)
_INBOX = 2000
_IDLE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Say:
    """A person wants the toy to say this."""

    text: str


@dataclass(frozen=True, slots=True)
class Typed:
    """Text taken as if it had been said."""

    text: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole utterance, decoded to 16 kHz."""

    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be decoded, and the code for it."""

    code: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Be quiet."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with what was played."""

    place: Place


Item = Event | UpAudio | TurnMessage | Say | Typed | Recording | Unreadable | Stop | Resume


class Conversation:
    """One toy's session at work.

    Args:
        session: the state machine.
        settings: of the hub.
        bus: where effects are published and the toy's audio is subscribed to.
        pauses: what is known of the speaker.
        tally: counts what is refused.
        detectors: voice activity for the ear.
        set_volume: carries out a change of volume.
    """

    def __init__(
        self, session: Session, device: str, settings: Settings, bus: Bus, pauses: Pauses, tally: logs.Tally,
        detectors: Detectors, set_volume: Callable[[str, SetVolume], Awaitable[None]],
    ) -> None:  # fmt: skip
        self.session, self._device, self._settings, self._bus = session, device, settings, bus
        self.pauses, self._tally, self._set_volume = pauses, tally, set_volume
        self._inbox: asyncio.Queue[Item] = asyncio.Queue(_INBOX)
        self._detectors = detectors
        self._ear: Ear | None = None
        self._ear_began = 0.0
        self._audio_topic = UpAudio.topic.format(device=device)

    def put(self, item: Item) -> None:
        """Hand something to the session; a toy that floods loses its own oldest, counted."""
        if self._inbox.full():
            self._tally.add("inbox:overflow", self._device)
            self._inbox.get_nowait()
        self._inbox.put_nowait(item)

    async def run(self) -> None:
        """Serve until cancelled."""
        with logs.bind(device=self._device):
            while True:
                item = await self._next()
                now = time.monotonic()
                effects = self._step(item, now) if item is not None else []
                effects += self._lost(now)
                effects += self.session.tick(now)
                await self._carry_out(effects, now)

    async def _next(self) -> Item | None:
        """The next item, or None when it is time for a tick."""
        if not self._inbox.empty():
            return self._inbox.get_nowait()
        now = time.monotonic()
        wake = self.session.next_wake(now)
        times = [now + _IDLE_S if wake is None else wake]
        if self._ear:
            times.append(self._ear.lost_at(self._ear_began))
        try:
            async with asyncio.timeout(max(0.0, min(times) - now)):
                return await self._inbox.get()
        except TimeoutError:
            return None

    def _step(self, item: Item, now: float) -> list[Effect]:  # noqa: C901 - a table
        match item:
            case UpAudio():
                return self._hear(item, now)
            case TurnMessage():
                return self.session.chain(item, now)
            case Event(event="stop"):
                return self._stop_hearing(item.turn, now)
            case Event():
                return self.session.event(item, now)
            case Typed(text):
                return self.session.text(text, now)
            case Recording(pcm):
                return self.session.utterance(pcm, now)
            case Unreadable(code):
                return self.session.unreadable(code, now)
            case Say(text):
                return self.session.say(text, now)
            case Stop():
                return self.session.stop(now)
            case Resume(place):
                return self.session.resume(place, now)

    def _hear(self, chunk: UpAudio, now: float) -> list[Effect]:
        if self._ear is None or chunk.turn != self.session.listening_turn:
            return []  # of an old turn
        events: list[EarEvent] = []
        try:
            for event in self._ear.hear(chunk, now):
                events.append(event)  # noqa: PERF402 - keeps what came before an error
        except AudioError:
            self._tally.add("audio:bad-audio", self._audio_topic)
        return self._from_ear(events, now)

    def _stop_hearing(self, turn: int | None, now: float) -> list[Effect]:
        if self._ear is None or turn not in (None, self.session.listening_turn):
            return []  # of an old turn
        return self._from_ear(list(self._ear.stop()), now)

    def _lost(self, now: float) -> list[Effect]:
        if self._ear is None or now < self._ear.lost_at(self._ear_began):
            return []
        return self._from_ear(list(self._ear.lost()), now)

    def _from_ear(self, events: list[EarEvent], now: float) -> list[Effect]:
        return [effect for event in events for effect in self.session.heard(event, now)]

    async def _carry_out(self, effects: list[Effect], now: float) -> None:
        batch: list[Sendable] = []
        for effect in effects:
            if not isinstance(effect, Listen | StopListening | SetVolume | CutOff):
                batch.append(effect)
                continue
            await self._publish(batch)
            batch = []
            match effect:
                case Listen():
                    self._open_ear(effect.event, now)
                    await self._bus.subscribe(self._audio_topic, self._audio, qos=0)
                case StopListening():
                    self._shut_ear()
                    await self._bus.unsubscribe(self._audio_topic)
                case SetVolume():
                    await self._set_volume(self._device, effect)
                case CutOff():
                    self.pauses.cut_off()
        await self._publish(batch)

    def _open_ear(self, start: Event, now: float) -> None:
        self._shut_ear()
        self._detector = self._detectors.lend()
        self._ear, self._ear_began = Ear(start, self._settings.endpoint, self._detector, self.pauses), now

    def _shut_ear(self) -> None:
        if self._ear is not None:
            self._detectors.take_back(self._detector)
        self._ear = None

    async def _publish(self, batch: list[Sendable]) -> None:
        try:
            await self._bus.publish(*batch)
        except* BrokerError as errors:
            # The turn goes on: its deadline ends it for the child, and the broker's absence is logged by the bus.
            self._tally.add("publish:no-broker", errors.exceptions[0])

    def _audio(self, delivery: Delivery) -> None:
        try:
            self.put(UpAudio.decode(delivery.topic, delivery.payload))
        except BadMessage as error:
            self._tally.add(f"audio:{error.reason}", error)
