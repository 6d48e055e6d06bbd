"""The hub process: takes what toys, people and workers say, and hands it to the conversations it concerns."""

import asyncio
import gc
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from hub import bus, logs
from hub.audio import decode_file, decode_small
from hub.errors import AudioError, BadMessage, SettingsError
from hub.lines import load_lines
from hub.messages import (
    Cleared,
    Control,
    Done,
    Event,
    Failure,
    Hello,
    HubHealth,
    HubStatus,
    Message,
    Presence,
    Request,
    Sentence,
    Set,
    Speech,
    State,
    Text,
    Track,
    Transcript,
    TurnMessage,
    UtteranceFile,
    Worker,
)
from hub.session.conversation import Conversation, Recording, Say, Stop, Typed, Unreadable
from hub.session.detectors import Detectors
from hub.session.devices import Device, Registry, Way
from hub.session.effects import SetVolume
from hub.session.endpointing import Pauses
from hub.session.sounds import DEVICE as SOUNDS_DEVICE
from hub.session.sounds import Sounds
from hub.session.turns import Session
from hub.settings import Settings
from hub.store import Store, open_store
from hub.topics import is_device_id

_LOGGER = logging.getLogger(__name__)
_HEALTH_S = 5.0
_DECODERS = 4
_GONE_S = 1.5
_RELOAD_S = 5.0
_PREPARE_S = 3.0
_FROM_WORKERS: tuple[type[TurnMessage], ...] = (Transcript, Sentence, Speech, Track, Request, Failure, Done)


async def run_hub(settings: Settings, stop: asyncio.Event, open_bus: Callable[..., Any] = bus.connect) -> None:
    """Run the hub until ``stop`` is set.

    Raises:
        SettingsError: a setting, persona or line that cannot be used.
        StoreError: the database cannot be opened.
        BrokerError: there is no broker.
    """
    async with open_store(settings) as store:
        hub = Hub(settings, store)
        connection = open_bus(settings.broker, "hub", will=HubStatus(text="offline"), greet=hub.greet)
        async with connection as on, asyncio.TaskGroup() as tasks:
            await hub.start(on, tasks)
            _LOGGER.info("ready")
            await stop.wait()
            await hub.end(on)


class Hub:
    """The state of the hub: registry, conversations, counters."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._tally = logs.Tally(_LOGGER, "rejected")
        self._registry = Registry(settings.limits)
        self._sounds = Sounds(settings.data_dir / "sounds", load_lines(settings.language))
        self._detectors = Detectors()
        self._conversations: dict[str, Conversation] = {}
        self._running: list[asyncio.Task[None]] = []
        self._outcomes: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._decoding = asyncio.Semaphore(_DECODERS)
        self._pauses_kept: dict[str, int] = {}
        self._speakers: set[str] = set()
        self._preparing: dict[str, bool] = {}  # whether it was asked for again meanwhile
        self._listening = self._reloading = self._ended = False

    async def start(self, on: bus.Bus, tasks: asyncio.TaskGroup) -> None:
        """Load what is known, subscribe, and say that the hub is there."""
        self._bus, self._tasks = on, tasks
        for known in await self._store.devices.list():
            device = self._registry.add(known.id)
            if known.hello is not None:
                device.introduce(known.hello)
                device.introduced = False
            device.volume = known.volume if known.volume is not None else device.volume
        for kind, handle in self._handlers().items():
            await on.subscribe(kind.topic.filter, self._taker(kind, handle))
        self._listening = True
        gc.freeze()  # as in a worker
        await self.greet(on)
        self._spawn(self._report_health(), "health")

    async def end(self, on: bus.Bus) -> None:
        """Be gone, politely."""
        self._ended = True
        for task in self._running:
            task.cancel()
        await on.publish(HubStatus(text="offline"))

    async def greet(self, on: bus.Bus) -> None:
        """After each connect: what the broker should hold for us; not before there is anybody to take messages."""
        if not self._listening:
            return
        for device in self._registry.known():
            conversation = self._conversations.get(device.id)
            await on.publish(State(device=device.id, state=conversation.session.state if conversation else "idle"))
        await on.publish(HubStatus(text="online"))

    # -- what comes in

    def _handlers(self) -> dict[type[Message], Callable[[Any], None]]:
        toys: dict[type[Message], Callable[[Any], None]] = {
            Hello: self._hello, Presence: self._presence, Event: self._event, Text: self._text,
            UtteranceFile: self._utterance, Set: self._set,
        }  # fmt: skip
        return {**toys, **dict.fromkeys(_FROM_WORKERS, self._chain), Worker: self._worker}

    def _taker(self, kind: type[Message], handle: Callable[[Any], None]) -> bus.Handler:
        """Decode, check and hand on; what does not fit is counted and harms nobody."""
        from_toy = kind not in _FROM_WORKERS and kind is not Worker
        noun = "set" if kind is Set else kind.topic.noun

        def take(delivery: bus.Delivery) -> None:
            delivery.ack()
            if kind.retain and not delivery.payload:
                return  # retained state that somebody cleared away
            if from_toy and not self._admit(kind, noun, delivery):
                return
            try:
                message = kind.decode(delivery.topic, delivery.payload)
            except BadMessage as error:
                self._tally.add(f"{noun}:{error.reason}", error)
                if kind is Event:
                    self._refuse(delivery)
                return
            handle(message)

        return take

    def _admit(self, kind: type[Message], noun: str, delivery: bus.Delivery) -> bool:
        """Whether the sender may say something now; asked before anything is decoded, so a flood costs little."""
        levels = kind.topic.parse(delivery.topic)
        way: Way | None = "person" if kind is Set else "toy" if kind is not Presence else None
        refusal = self._registry.refusal(levels["device"], way) if levels else "bad-topic"
        if refusal is not None:
            self._tally.add(f"{noun}:{refusal}", repr(delivery.topic))
        if refusal == "unknown-device" and not self._reloading:
            self._reloading = True
            self._spawn(self._reload(), "reload-devices")
        return refusal is None

    async def _reload(self) -> None:
        """Somebody unknown spoke: perhaps it was added to the store by ``toyhub devices add`` meanwhile."""
        for known in await self._store.devices.list():
            if is_device_id(known.id):
                self._registry.add(known.id)
        await asyncio.sleep(_RELOAD_S)  # a stranger that goes on asking costs one look each time
        self._reloading = False

    def _refuse(self, delivery: bus.Delivery) -> None:
        """Tell a toy that its event cannot be taken, so that it does not wait for an answer."""
        levels = Event.topic.parse(delivery.topic)
        if levels is None or not is_device_id(levels["device"]):
            return
        no = Control(device=levels["device"], control="error", code="bad-event", press=Event.press_in(delivery.payload))
        self._spawn(self._bus.publish(no), f"refuse-{no.device}")

    def _hello(self, hello: Hello) -> None:
        device = self._known(hello.device)
        device.introduce(hello)
        self._spawn(self._introduced(device, hello), f"hello-{device.id}")

    async def _introduced(self, device: Device, hello: Hello) -> None:
        await self._store.devices.seen(device.id, hello)
        await self._bus.publish(device.config(self._settings.language))
        await self._prepare(device)

    def _presence(self, presence: Presence) -> None:
        device = self._known(presence.device)
        was, device.online = device.online, presence.text == "online"
        if was and not device.online:
            self._spawn(self._gone(device), f"gone-{device.id}")

    async def _gone(self, device: Device) -> None:
        """Stop what a toy that left was doing; one that reconnects is offline for a moment by its old last will."""
        await asyncio.sleep(_GONE_S)
        conversation = self._conversations.get(device.id)
        if conversation and not device.online:
            conversation.put(Stop())

    def _event(self, event: Event) -> None:
        self._conversation(event.device).put(event)

    def _text(self, text: Text) -> None:
        if not (said := text.text.strip()):
            self._tally.add("text:bad-field", text.topic.format(device=text.device))
            return
        self._conversation(text.device).put(Typed(said))

    def _utterance(self, file: UtteranceFile) -> None:
        conversation = self._conversation(file.device)
        pcm = decode_small(file.data, self._settings.limits.utterance_s)
        if pcm is not None:
            conversation.put(Recording(pcm))
        else:
            self._spawn(self._decode(file), f"decode-{file.device}")

    async def _decode(self, file: UtteranceFile) -> None:
        async with self._decoding:
            try:
                pcm = await asyncio.to_thread(decode_file, file.data, self._settings.limits.utterance_s)
            except AudioError as error:
                self._tally.add("utterance:bad-audio", f"{file.topic.format(device=file.device)}: {error}")
                self._conversation(file.device).put(Unreadable(error.code))
                return
        self._conversation(file.device).put(Recording(pcm))

    def _set(self, wish: Set) -> None:
        text = wish.text.strip()
        match wish.what:
            case "say" if text:
                self._conversation(wish.device).put(Say(text))
            case "ask" if text:
                self._conversation(wish.device).put(Typed(text))
            case "stop":
                self._conversation(wish.device).put(Stop())
            case "volume" if text.isdecimal() and int(text) <= 100:
                self._known(wish.device)
                self._spawn(self._set_volume(wish.device, SetVolume(level=int(text))), f"volume-{wish.device}")
            case "persona" if text:
                self._known(wish.device)
                self._spawn(self._set_persona(wish.device, text), f"persona-{wish.device}")
            case _:
                self._tally.add("set:bad-field", wish.topic.format(device=wish.device, what=wish.what))

    def _chain(self, message: TurnMessage) -> None:
        if message.device == SOUNDS_DEVICE:
            if isinstance(message, Speech):
                self._spawn(asyncio.to_thread(self._sounds.keep, message), "sounds-keep")
        elif isinstance(message, Done):
            self._done(message)
        elif (conversation := self._conversations.get(message.device)) is not None:
            conversation.put(message)

    def _worker(self, worker: Worker) -> None:
        if worker.stage == "tts" and worker.state == "ready" and worker.replica not in self._speakers:
            self._speakers.add(worker.replica)  # it speaks now what could not be spoken before; ready is said often
            self._sounds.ask_again()
            for device in self._registry.known():
                if device.id in self._conversations or device.introduced:
                    self._spawn(self._prepare(device), f"prepare-{device.id}")
        if worker.state == "offline":  # ids are new with each start: what is gone would pile up
            self._speakers.discard(worker.replica)
            self._spawn(self._bus.publish(Cleared(worker)), f"clear-{worker.replica}")

    def _done(self, done: Done) -> None:
        self._outcomes[done.outcome] += 1
        if done.code:
            self._failures[done.code] += 1
        conversation = self._conversations.get(done.device)
        learned = conversation.pauses.learned_ms if conversation else None
        if learned is not None and round(learned) != self._pauses_kept.get(done.device):
            self._pauses_kept[done.device] = round(learned)
            self._spawn(self._store.devices.set_pause_ms(done.device, round(learned)), f"pause-{done.device}")

    # -- who is there

    def _known(self, device: str) -> Device:
        known = self._registry.get(device)
        if known is None:
            known = self._registry.add(device)
            _LOGGER.info("a new toy: %s", device)
            self._spawn(self._store.devices.seen(device, None), f"seen-{device}")
        return known

    def _conversation(self, device_id: str) -> Conversation:
        conversation = self._conversations.get(device_id)
        if conversation is None:
            device = self._known(device_id)
            session = Session(
                device_id, self._settings, device.profile,
                new_turn=lambda: device.new_turn(time.time()),
                sorry=lambda code: self._sounds.sorry(code, device.profile.persona, device.profile.output),
                epoch_s=time.time() - time.monotonic(),
            )  # fmt: skip
            conversation = Conversation(
                session, device_id, self._settings, self._bus, Pauses(self._settings.endpoint), self._tally,
                self._detectors, self._set_volume,
            )  # fmt: skip
            self._conversations[device_id] = conversation
            self._spawn(self._converse(device, conversation), f"conversation-{device_id}")
        return conversation

    async def _converse(self, device: Device, conversation: Conversation) -> None:
        device.last_turn = max(device.last_turn, await self._store.history.last_turn(device.id))
        known = await self._store.devices.get(device.id)
        if known is not None and known.pause_ms is not None:
            conversation.pauses.learned_ms = known.pause_ms
        await self._prepare(device)
        await conversation.run()

    async def _prepare(self, device: Device) -> None:
        """Know the toy's voice, and have its apologies spoken before they are needed."""
        device.profile.persona = await self._store.personas.of(device.id)
        busy = device.id in self._preparing
        self._preparing[device.id] = busy
        if not busy:
            self._spawn(self._have_apologies(device), f"apologies-{device.id}")

    async def _have_apologies(self, device: Device) -> None:
        """Ask tts for what is missing, then rest: a toy that names ever new formats would keep it from all others."""
        again = True
        while again:
            self._preparing[device.id] = False
            profile = device.profile
            for job in await asyncio.to_thread(self._sounds.missing, profile.persona, profile.output):
                await self._bus.publish(job)
            await asyncio.sleep(_PREPARE_S)
            again = self._preparing[device.id]
        del self._preparing[device.id]

    async def _set_persona(self, device: str, persona: str) -> None:
        await self._store.devices.seen(device)
        try:
            await self._store.devices.set_persona(device, persona)
        except SettingsError:  # its text names what was asked for, which may be anything
            self._tally.add("set:unknown-persona", Set.topic.format(device=device, what="persona"))
            return
        await self._prepare(self._known(device))

    async def _set_volume(self, device_id: str, change: SetVolume) -> None:
        device = self._known(device_id)
        wanted = device.volume + change.by if change.level is None else change.level
        device.volume = max(0, min(wanted, device.volume_cap))
        await self._bus.publish(Control(device=device_id, control="volume", volume=device.volume))
        await self._bus.publish(device.config(self._settings.language))
        await self._store.devices.set_volume(device_id, device.volume)

    # -- how it goes

    async def _report_health(self) -> None:
        before = None
        while True:
            now = HubHealth(
                devices=len(self._registry),
                sessions=sum(c.session.state != "idle" for c in self._conversations.values()),
                turns=dict(self._outcomes), failures=dict(self._failures), rejected=dict(self._tally.counts),
            )  # fmt: skip
            if now != before:
                await self._bus.publish(now)
                before = now
            await asyncio.sleep(_HEALTH_S)

    def _spawn(self, work: Any, name: str) -> None:
        if self._ended:
            work.close()  # what comes while we leave is for the next hub
            return
        task = self._tasks.create_task(work, name=name)
        self._running.append(task)
        task.add_done_callback(self._running.remove)
