"""The engine of both memory stages: the store, and what a turn means for it."""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime

from hub.errors import EngineError, StoreError, UnknownEngine
from hub.messages import Action, Done
from hub.settings import MemorySettings, Section, Settings, validate
from hub.store import Stopped, Store, open_store
from workers.memory.prompt import Exchange, Known

NAME = "sqlite"
INTERRUPTED_S = 60
"""What stopped longer ago was not interrupted by this turn."""
_EVERYTHING = ("all", "everything")


class StoreFailed(EngineError):
    """The store cannot be read or written."""

    code = "store-failed"


class Options(Section):
    """Options of the engine: none."""


class Engine:
    """What is known about devices. Not blocking: the database has threads of its own."""

    name = NAME

    def __init__(self, store: Store, settings: MemorySettings, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self._store, self._clock = store, clock
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    def in_order(self, device: str) -> asyncio.Lock:
        """The lock that a job of ``device`` holds; first come, first served."""
        # a lock lives as long as a job holds it or waits for it
        return self._locks.setdefault(device, asyncio.Lock())

    async def known(self, device: str, said: str) -> Known:
        """What is known about a device that has just been told ``said``.

        Raises:
            StoreFailed: it cannot be read.
        """
        with _told():
            store, now = self._store, self._clock()
            # asked for together: the database's thread answers one after the other, and we wait once
            persona, child, facts, turns, heard, stopped = await asyncio.gather(
                store.personas.of(device),
                store.memories.child(device),
                store.memories.facts(device),
                store.history.recent(device, 2 * self.settings.history_turns),
                store.history.last_heard(device),
                store.playing.last(device),
            )
            return Known(
                persona=persona,
                child=child,
                facts=facts,
                recalled=await store.memories.recall(facts, said, self.settings.recalled),
                history=[Exchange(turn.said, turn.heard, turn.number, turn.through) for turn in turns],
                last_reply=heard,
                playing=stopped.place if stopped else None,
                was_playing=stopped is not None and _is_interrupted(stopped, now),
                local_time=now.isoformat(timespec="seconds"),
                spoken_time=f"{now:%A}, {now.day} {now:%B %Y}, {now:%H:%M}",
            )

    async def learn(self, done: Done) -> None:
        """Keep what a turn said, did and played: all of it or nothing, and only once however often it is told.

        Raises:
            StoreFailed: it cannot be written.
        """
        kept = done.outcome in ("answered", "interrupted")
        if not (kept or done.actions or done.place):
            return
        # the turn in which something was forgotten names it: it is not kept either
        secret = any(action.name == "forget" for action in done.actions)
        said, heard = (done.said, done.heard) if kept and not secret else ("", "")
        store, device = self._store, done.device
        with _told():
            async with store.write():
                if not await store.history.add(device, done.turn, said=said, heard=heard, outcome=done.outcome):
                    return
                for action in done.actions:
                    await self._act(device, action)
                if done.place:
                    await store.playing.stopped(device, done.place, ended=done.place_ended)
                elif done.said or done.heard:
                    await store.playing.settle(device)
                # a window of history reaches back 2 N - 1 turns; trimming below that would move its beginning
                await store.history.trim(device, max(self.settings.keep_turns, 2 * self.settings.history_turns))

    async def _act(self, device: str, action: Action) -> None:
        match action.name:
            case "remember":
                fact = str(action.slots.get("fact", ""))
                await self._store.memories.add(device, fact, self.settings.keep_memories)
            case "my_name":
                await self._store.memories.set_child(device, str(action.slots.get("name", "")))
            case "forget":
                await self._forget(device, action.slots)

    async def _forget(self, device: str, slots: Mapping[str, str | int]) -> None:
        """Forget in the history too: what a language model reads again is not forgotten."""
        memories, history, what = self._store.memories, self._store.history, str(slots.get("what", ""))
        if slots.get("all") or what in _EVERYTHING:
            await memories.forget_everything(device)
            await history.forget_everything(device)
            await self._store.playing.forget(device)
        elif isinstance(fact := slots.get("id"), int):
            await memories.forget_fact(device, fact)
            await history.forget(device, [what])
        else:
            await history.forget(device, [what, *await memories.forget(device, what)])


@contextlib.asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """The engine on the database of ``settings``; both stages of this worker share one.

    Raises:
        StoreError: the database cannot be opened.
        SettingsError: a persona or an option cannot be used.
        UnknownEngine: the settings name another engine than ``sqlite``.
    """
    stage = settings.stage("memory")
    if stage.engine not in ("auto", NAME):
        raise UnknownEngine("memory", stage.engine, [NAME])
    validate(Options, stage.options, f"stages.memory.options for engine {NAME}")
    async with open_store(settings) as store:
        yield Engine(store, settings.memory, lambda: datetime.now().astimezone())


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise StoreFailed(str(error)) from error


def _is_interrupted(stopped: Stopped, now: datetime) -> bool:
    return not stopped.ended and 0 <= now.timestamp() - stopped.at_ms / 1000 <= INTERRUPTED_S
