"""A stage and the loop that runs it: subscribe, handle, publish, acknowledge. The only consume loop of the project.

A handler is an async generator ``handle(message, engine)`` that *yields* the next messages; it never sees a client.
A delivery is acknowledged when its results are with the broker, so work of a replica that dies is not lost
silently: its lease names who had it, its last will says that it is gone.
"""

import asyncio
import contextlib
import gc
import importlib
import logging
import pkgutil
import random
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from hub import bus, logs
from hub.dispatch import owner
from hub.errors import BadMessage, SettingsError, StageError
from hub.messages import Cancel, Failure, Lease, Message, TurnMessage, Worker
from hub.settings import Settings, StageSettings

_LOGGER = logging.getLogger(__name__)
_REMEMBERED_CANCELS = 1000
_PRESENCE_S = 10.0

In = TypeVar("In", bound=TurnMessage)
Engine = TypeVar("Engine")


@dataclass(frozen=True)
class Stage(Generic[In, Engine]):
    """What a stage consumes and how it turns that into the next messages."""

    name: str
    consumes: type[In]
    handle: Callable[[In, Engine], AsyncIterator[Message]]
    open: Callable[[Settings], contextlib.AbstractAsyncContextManager[Engine]]
    """Loads the engine and warms it; closed when the worker ends. Called once per process for equal functions."""
    dispatch: Literal["shared", "affine"] = "shared"
    """shared: the broker picks a replica for each job. affine: a device stays at its replica."""
    cancellable: bool = True
    """Whether a Cancel of the turn stops the job."""
    in_order: Callable[[Engine, str], contextlib.AbstractAsyncContextManager[Any]] | None = None
    """A lock of the engine for one device, held from before a job waits for its slot: jobs of a device are then done in
    order of arrival, also those of another stage with the same engine."""
    learns: Mapping[type[Message], Callable[[Engine, Any], Awaitable[None]]] = field(default_factory=dict)
    """Retained state this stage wants to know, such as the library's titles."""
    announces: Callable[[Engine], AsyncIterator[Message]] | None = None
    """State this stage publishes by itself, for as long as it runs."""


def find_stages(name: str) -> list[Stage[Any, Any]]:
    """The stages in ``workers/<name>/``: one in each file ``<consumed>_to_<made>.py``.

    Raises:
        SettingsError: there is no such stage; names those there are.
    """
    known = stage_names()
    if name not in known:
        raise SettingsError(f"no stage {name!r}; there are {', '.join(known)}")
    package = importlib.import_module(f"workers.{name}")
    files = sorted(m.name for m in pkgutil.iter_modules(package.__path__) if "_to_" in m.name)
    return [importlib.import_module(f"workers.{name}.{file}").STAGE for file in files]


def stage_names() -> list[str]:
    """Names of all stages, by folder."""
    return sorted(m.name for m in pkgutil.iter_modules(importlib.import_module("workers").__path__) if m.ispkg)


class Replica(Generic[In, Engine]):
    """One stage at work on one bus. Makes tasks in ``tasks``, at most ``concurrency`` at work at once."""

    def __init__(
        self, stage: Stage[In, Engine], engine: Engine, on: bus.Bus, tasks: asyncio.TaskGroup, *,
        name: str, concurrency: int, tally: logs.Tally,
    ) -> None:  # fmt: skip
        self._stage, self._engine, self._bus, self._tasks, self._name = stage, engine, on, tasks, name
        self._slots = asyncio.Semaphore(concurrency)
        self._tally = tally
        self._jobs: defaultdict[tuple[str, int], set[asyncio.Task[None]]] = defaultdict(set)
        self._cancelled: dict[tuple[str, int], int] = {}
        self._cancel_order: deque[tuple[str, int]] = deque()
        self.peers: set[str] = {name}
        self.done = self.failed = 0

    @property
    def filter(self) -> str:
        """What this replica subscribes to."""
        topic = self._stage.consumes.topic
        return topic.shared(self._stage.name) if self._stage.dispatch == "shared" else topic.filter

    @property
    def busy(self) -> int:
        """Jobs taken and not finished."""
        return sum(map(len, self._jobs.values()))

    def take(self, delivery: bus.Delivery) -> None:
        """Start work on one delivery, or settle it at once when it is not ours, not readable or not wanted."""
        try:
            message = self._stage.consumes.decode(delivery.topic, delivery.payload)
        except BadMessage as error:
            self._tally.add(f"{self._stage.consumes.topic.noun}:{error.reason}", error)
            delivery.ack()
            return
        turn = (message.device, message.turn)
        mine = self._stage.dispatch == "shared" or owner(message.device, self.peers) == self._name
        if not mine or message.revision <= self._cancelled.get(turn, 0):
            delivery.ack()
            return
        task = self._tasks.create_task(
            self._work(message, delivery), name=f"{self._stage.name}-{message.device}-{message.turn}"
        )
        self._jobs[turn].add(task)
        task.add_done_callback(lambda _: self._forget(turn, task))

    def cancel(self, cancel: Cancel) -> None:
        """Stop all work on a turn, now and when it arrives later."""
        turn = (cancel.device, cancel.turn)
        if not self._stage.cancellable:
            return
        self._cancelled[turn] = cancel.revision
        self._cancel_order.append(turn)
        if len(self._cancel_order) > _REMEMBERED_CANCELS:
            self._cancelled.pop(self._cancel_order.popleft(), None)
        for task in self._jobs.get(turn, ()):
            task.cancel("turn cancelled")

    async def drain(self, limit_s: float) -> None:
        """Take nothing more; finish what was taken, up to ``limit_s``; the rest stays unacknowledged."""
        await self._bus.unsubscribe(self.filter)
        jobs = [task for tasks in self._jobs.values() for task in tasks]
        if jobs:
            _, late = await asyncio.wait(jobs, timeout=limit_s)
            for task in late:
                task.cancel("drained")
            if late:
                _LOGGER.warning("drained with %d jobs unfinished", len(late))

    async def _work(self, message: In, delivery: bus.Delivery) -> None:
        with logs.bind(device=message.device, turn=message.turn):
            try:
                async with self._in_order(message.device), self._slots:
                    if _is_late(message):
                        self._tally.add(f"{self._stage.consumes.topic.noun}:late")
                    else:
                        await self._handle(message)
            except asyncio.CancelledError:
                if message.revision <= self._cancelled.get((message.device, message.turn), 0):
                    delivery.ack()  # nobody waits for it; without a Cancel it stays for another replica
                raise
            delivery.ack()

    async def _handle(self, message: In) -> None:
        await self._bus.publish(self._lease(message))
        try:
            async with contextlib.aclosing(self._stage.handle(message, self._engine)) as results:  # type: ignore[type-var]
                async for result in results:
                    await self._bus.publish(result)
            self.done += 1
        except StageError as error:
            self.failed += 1
            cause = type(error.__cause__).__name__ if error.__cause__ else "-"
            _LOGGER.warning("%s failed: %s (cause: %s)", self._stage.name, error.code, cause)
            await self._bus.publish(message.then(Failure, stage=self._stage.name, code=error.code))

    def _in_order(self, device: str) -> contextlib.AbstractAsyncContextManager[Any]:
        return self._stage.in_order(self._engine, device) if self._stage.in_order else contextlib.nullcontext()

    def _lease(self, message: In) -> Lease:
        return Lease(
            device=message.device, turn=message.turn, noun=message.topic.noun, stage=self._stage.name,
            replica=self._name, revision=message.revision, index=getattr(message, "index", 0),
        )  # fmt: skip

    def _forget(self, turn: tuple[str, int], task: asyncio.Task[None]) -> None:
        jobs = self._jobs[turn]
        jobs.discard(task)
        if not jobs:
            del self._jobs[turn]


async def run_worker(
    name: str, settings: Settings, stop: asyncio.Event, open_bus: Callable[..., Any] = bus.connect
) -> None:
    """Run one replica of the stages in ``workers/<name>/`` until ``stop`` is set, then drain.

    Raises:
        SettingsError: no such stage, or an engine option that does not fit.
        StageError: the engine cannot be loaded.
        BrokerError: there is no broker.
    """
    replica = f"{name}-{random.randbytes(4).hex()}"  # noqa: S311 - unique, not secret
    with logs.bind(replica=replica):
        async with contextlib.AsyncExitStack() as stack:
            engines: dict[Any, Any] = {}
            for stage in (stages := find_stages(name)):
                if stage.open not in engines:
                    engines[stage.open] = await stack.enter_async_context(stage.open(settings))
            await _Process(name, replica, settings.stage(name)).run(
                [(stage, engines[stage.open]) for stage in stages], settings, stop, open_bus
            )


class _Process:
    """A worker process between connect and drain: its presence and its subscriptions."""

    def __init__(self, name: str, replica: str, settings: StageSettings) -> None:
        self._name, self._replica, self._settings = name, replica, settings
        self._replicas: list[Replica[Any, Any]] = []
        self._tally = logs.Tally(_LOGGER, "rejected")
        self._engine = self._model = ""
        self._taking = False
        self._state: Literal["ready", "draining", "offline"] = "ready"

    async def run(
        self,
        stages: list[tuple[Stage[Any, Any], Any]],
        settings: Settings,
        stop: asyncio.Event,
        open_bus: Callable[..., Any],
    ) -> None:
        self._engine = getattr(stages[0][1], "name", "")
        self._model = getattr(stages[0][1], "model", "")
        will = Worker(stage=self._name, replica=self._replica, state="offline")
        connection = open_bus(settings.broker, f"worker-{self._replica}", will=will, greet=self._greet)
        async with connection as on, asyncio.TaskGroup() as tasks:
            for stage, engine in stages:
                await self._start(stage, engine, on, tasks)
            await on.subscribe(Cancel.topic.filter, self._cancel)
            self._taking = True
            gc.freeze()  # what is loaded lives as long as the process; collections need not look at it
            await self._greet(on)
            beat = tasks.create_task(self._beat(on), name=f"{self._replica}-presence")
            others = [
                tasks.create_task(_announce(stage.announces(engine), on), name=f"{stage.name}-announces")
                for stage, engine in stages if stage.announces
            ]  # fmt: skip
            _LOGGER.info("ready: %s engine %s", self._name, self._engine or "-")
            await stop.wait()
            for task in (beat, *others):
                task.cancel()
            self._state = "draining"
            await on.publish(self._presence())
            for replica in self._replicas:
                await replica.drain(self._settings.drain_s)
            self._state = "offline"
            await on.publish(self._presence())

    async def _start(self, stage: Stage[Any, Any], engine: Any, on: bus.Bus, tasks: asyncio.TaskGroup) -> None:
        replica = Replica(
            stage, engine, on, tasks,
            name=self._replica, concurrency=self._settings.concurrency, tally=self._tally,
        )  # fmt: skip
        self._replicas.append(replica)
        for kind, learn in stage.learns.items():
            await on.subscribe(kind.topic.filter, self._learner(kind, learn, engine, tasks))
        if stage.dispatch == "affine":
            await on.subscribe(Worker.topic.only(stage=stage.name), self._peers)
        await on.subscribe(replica.filter, replica.take)

    def _learner(
        self, kind: type[Message], learn: Callable[[Any, Any], Awaitable[None]], engine: Any, tasks: asyncio.TaskGroup
    ) -> bus.Handler:
        async def apply(message: Message) -> None:
            await learn(engine, message)

        def handler(delivery: bus.Delivery) -> None:
            delivery.ack()
            try:
                message = kind.decode(delivery.topic, delivery.payload)
            except BadMessage as error:
                self._tally.add(f"{kind.topic.noun}:{error.reason}", error)
                return
            tasks.create_task(apply(message), name=f"{self._name}-learns-{kind.topic.noun}")

        return handler

    def _cancel(self, delivery: bus.Delivery) -> None:
        delivery.ack()
        try:
            cancel = Cancel.decode(delivery.topic, delivery.payload)
        except BadMessage as error:
            self._tally.add(f"cancel:{error.reason}", error)
            return
        for replica in self._replicas:
            replica.cancel(cancel)

    def _peers(self, delivery: bus.Delivery) -> None:
        delivery.ack()
        if not delivery.payload:
            return  # a worker that was gone already is cleared away
        try:
            worker = Worker.decode(delivery.topic, delivery.payload)
        except BadMessage as error:
            self._tally.add(f"worker:{error.reason}", error)
            return
        for replica in self._replicas:
            (replica.peers.add if worker.state == "ready" else replica.peers.discard)(worker.replica)

    async def _greet(self, on: bus.Bus) -> None:
        if self._taking:  # not ready before there is a subscription
            await on.publish(self._presence())

    async def _beat(self, on: bus.Bus) -> None:
        before = self._presence()
        while True:
            await asyncio.sleep(_PRESENCE_S)
            if (now := self._presence()) != before:
                await on.publish(now)
                before = now

    def _presence(self) -> Worker:
        return Worker(
            stage=self._name, replica=self._replica, state=self._state, engine=self._engine, model=self._model,
            busy=sum(r.busy for r in self._replicas), done=sum(r.done for r in self._replicas),
            failed=sum(r.failed for r in self._replicas), rejected=dict(self._tally.counts),
        )  # fmt: skip


def _is_late(message: TurnMessage) -> bool:
    """Whether the child has been told already that there is no answer. Counts for the beginning of a reply only."""
    begins = getattr(message, "index", 0) == 0
    return begins and 0 < message.deadline_ms < time.time() * 1000


async def _announce(messages: AsyncIterator[Message], on: bus.Bus) -> None:
    async for message in messages:
        await on.publish(message)
