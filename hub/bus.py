"""The seam to MQTT; the only file that imports aiomqtt.

One connection is one ``Bus``. Handlers are plain functions called in the order of arrival; they must not block and
settle QoS 1 deliveries with ``ack`` when their work is out. The connection comes back by itself, with back-off and
jitter, and subscribes again: Mosquitto does not restore ``$share`` subscriptions.
"""

import asyncio
import contextlib
import functools
import logging
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.errors import BrokerError, single_error
from hub.messages import AudioChunk, Cleared, Message
from hub.settings import BrokerSettings
from hub.topics import matches
from hub.wire import Wire

_LOGGER = logging.getLogger(__name__)
_NODELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)  # 1 ms instead of 84 for a chain of four; see DECISIONS.md
_BACKOFF_S = (0.1, 5.0)
_PUBLISH_S = 10.0
_ONE_MORE_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Delivery:
    """One received message. A QoS 1 delivery stays with the broker until ``ack`` is called."""

    topic: str
    payload: bytes
    retain: bool = False
    settle: Callable[[], None] = field(default=lambda: None, repr=False)

    def ack(self) -> None:
        """Tell the broker that this message is dealt with; harmless twice or after a reconnect."""
        self.settle()


Handler = Callable[[Delivery], None]
Sendable = Message | AudioChunk | Cleared


class Bus(Protocol):
    """What the project needs from a broker."""

    async def subscribe(self, topic_filter: str, handler: Handler, *, qos: int = 1) -> None:
        """Have ``handler`` called for each message that matches; filters of one bus must not overlap."""

    async def unsubscribe(self, topic_filter: str) -> None:
        """Stop calling the handler of ``topic_filter``."""

    async def publish(self, *messages: Sendable) -> None:
        """Hand messages to the broker, in this order; returns when it has those of QoS 1.

        Raises:
            BrokerError: not accepted within 10 s.
        """


@contextlib.asynccontextmanager
async def connect(
    settings: BrokerSettings,
    name: str,
    *,
    will: Sendable | None = None,
    greet: Callable[[Bus], Awaitable[None]] | None = None,
    receive_max: int = 1000,
    patience_s: float = 10.0,
) -> AsyncIterator["MqttBus"]:
    """A bus that stays connected until the block ends.

    Args:
        settings: where and as whom.
        name: beginning of the MQTT client id; a random end is added.
        will: published by the broker if this process dies, or the block ends with an error.
        greet: awaited after each connect, once all subscriptions are back; publishes state such as ``online``.
        receive_max: most unacknowledged QoS 1 deliveries at once.
        patience_s: how long the first connection may take.

    Raises:
        BrokerError: no broker answers within ``patience_s``, or it refuses.
    """
    bus = MqttBus(settings, name, will=will, greet=greet, receive_max=receive_max)
    with single_error():
        async with asyncio.TaskGroup() as tasks:
            keeper = tasks.create_task(bus.run(), name=f"mqtt-{name}")
            try:
                await bus.wait_connected(patience_s)
                yield bus
            except BaseException:  # whatever ends the block early, cancellation too: others must hear of it by the will
                bus.fail()
                raise
            finally:
                bus.leave()
                keeper.cancel()


class MqttBus:
    """A Bus over aiomqtt: MQTT 5, no delay on small packets, acknowledging by hand."""

    def __init__(
        self,
        settings: BrokerSettings,
        name: str,
        *,
        will: Sendable | None = None,
        greet: Callable[[Bus], Awaitable[None]] | None = None,
        receive_max: int = 1000,
    ) -> None:
        self._settings, self._name, self._greet, self._receive_max = settings, name, greet, receive_max
        self._will = will.encode() if will else None
        self._exact: dict[str, Handler] = {}
        self._wild: dict[str, Handler] = {}
        self._qos: dict[str, int] = {}
        self._client: aiomqtt.Client | None = None
        self._connected = asyncio.Event()
        self._crash: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._refused = ""
        self._leaving = False
        self._wire: Wire | None = None

    def leave(self) -> None:
        """Be about to be cancelled; a cancellation alone is swallowed if an answer comes at the same moment."""
        self._leaving = True

    def fail(self) -> None:
        """Have the broker publish the will when this connection ends."""
        if self._client is not None:
            client: Any = self._client._client  # noqa: SLF001 - aiomqtt's leave is always the polite one
            reason = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
            client.disconnect = functools.partial(client.disconnect, reasoncode=reason)

    async def wait_connected(self, patience_s: float) -> None:
        """Wait for the connection.

        Raises:
            BrokerError: none within ``patience_s``.
        """
        try:
            async with asyncio.timeout(patience_s):
                await self._connected.wait()
        except TimeoutError:
            where = f"{self._settings.host}:{self._settings.port}"
            raise BrokerError(f"no MQTT broker at {where}: {self._refused or 'no answer'}") from None

    async def subscribe(self, topic_filter: str, handler: Handler, *, qos: int = 1) -> None:
        """See Bus."""
        wild = topic_filter.startswith("$share/") or "+" in topic_filter or "#" in topic_filter
        (self._wild if wild else self._exact)[topic_filter] = handler
        self._qos[topic_filter] = qos
        if self._client and self._connected.is_set():
            with _wrapped("subscribe", topic_filter):
                await self._client.subscribe(topic_filter, qos=qos)

    async def unsubscribe(self, topic_filter: str) -> None:
        """See Bus."""
        self._exact.pop(topic_filter, None)
        self._wild.pop(topic_filter, None)
        self._qos.pop(topic_filter, None)
        if self._client and self._connected.is_set():
            with _wrapped("unsubscribe", topic_filter):
                await self._client.unsubscribe(topic_filter)

    async def publish(self, *messages: Sendable) -> None:
        """See Bus. QoS 0 is dropped while there is no connection; QoS 1 waits for it."""
        packets = [message.encode() for message in messages]
        clock = asyncio.get_running_loop().time
        deadline = clock() + _PUBLISH_S
        while True:
            if not self._connected.is_set():
                packets = [packet for packet in packets if packet.qos]
                if not packets:
                    return
                await self.wait_connected(deadline - clock())
            assert self._wire is not None  # noqa: S101 - set whenever connected
            waiting = self._wire.send(packets)
            if not waiting:
                return
            answers = [confirmation for _, confirmation in waiting]
            if (await asyncio.wait(answers, timeout=deadline - clock()))[1]:
                await asyncio.sleep(_ONE_MORE_LOOK_S)  # our own loop may have been held up, with the answers waiting
            packets = [packet for packet, answer in waiting if not (answer.done() and answer.result())]
            if not packets:
                return
            if clock() >= deadline:
                raise BrokerError(f"publish on {packets[0].topic}: no answer from the broker")
            await asyncio.sleep(_BACKOFF_S[0])  # the reader is about to notice the same loss

    async def run(self) -> None:
        """Connect, serve, and connect again, until cancelled."""
        pause = _BACKOFF_S[0]
        while True:
            started = time.monotonic()
            try:
                await self._serve()
            except (aiomqtt.MqttError, BrokerError) as error:
                self._refused = str(error)
                if self._connected.is_set():
                    _LOGGER.warning("lost the broker: %s", error)
            finally:
                self._connected.clear()
                self._client = None
                if self._wire is not None:
                    self._wire.lost()
            pause = _BACKOFF_S[0] if time.monotonic() - started > _BACKOFF_S[1] else min(pause * 2, _BACKOFF_S[1])
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not cryptography

    async def _serve(self) -> None:
        """One connection from beginning to end."""
        async with self._new_client() as client:
            self._client = client
            self._wire = Wire(client._client)  # noqa: SLF001 - as manual_ack_set
            await self._subscribe_again(client)
            again = self._refused != ""
            self._connected.set()
            if again:
                _LOGGER.info("connected to the broker again")
            await self._until_lost(client)

    async def _subscribe_again(self, client: aiomqtt.Client) -> None:
        """Bring the broker to what is wanted, also to what is asked for or given up while we wait for its answers."""
        there: dict[str, int] = {}
        while there != self._qos:
            if missing := {f: qos for f, qos in self._qos.items() if there.get(f) != qos}:
                await client.subscribe(list(missing.items()))
            if surplus := [f for f in there if f not in self._qos]:
                await client.unsubscribe(surplus)
            there = {f: qos for f, qos in there.items() if f not in surplus} | missing

    async def _until_lost(self, client: aiomqtt.Client) -> None:
        """Greet, and return never: raise what ended the connection, or what a handler could not deal with."""
        if self._leaving:
            raise asyncio.CancelledError
        lost = asyncio.ensure_future(anext(client.messages))  # no message comes here: _Inbox has dispatched it
        greeting = asyncio.ensure_future(self._greet(self)) if self._greet else lost
        try:
            waiting: set[asyncio.Future[Any]] = {lost, greeting, self._crash}
            while True:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for ended in done:
                    ended.result()
        except Exception:  # raised again; only a handler that could not go on is a death that the will should tell
            if self._crash.done():
                self.fail()
            raise
        finally:
            lost.cancel()
            greeting.cancel()

    def _new_client(self) -> aiomqtt.Client:
        """A fresh client for each connection: message ids start at 1 again; an old ack must not hit a new message."""
        properties: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.ReceiveMaximum = self._receive_max
        will = self._will and aiomqtt.Will(self._will.topic, self._will.payload, self._will.qos, self._will.retain)

        def inbox(maxsize: int) -> _Inbox:
            return _Inbox(maxsize, self._dispatch)

        client = aiomqtt.Client(
            self._settings.host,
            self._settings.port,
            username=self._settings.username,
            password=self._settings.password,
            identifier=f"{self._name}-{random.randbytes(4).hex()}",  # noqa: S311 - unique, not secret
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            keepalive=self._settings.keepalive_s,
            timeout=_PUBLISH_S,
            properties=properties,
            socket_options=_NODELAY,
            queue_type=inbox,  # type: ignore[arg-type]  # called like the class it stands for
            will=will or None,
            max_inflight_messages=1000,
        )
        client.pending_calls_threshold = 10_000
        client._client.manual_ack_set(True)  # noqa: SLF001, FBT003 - public in paho, not passed on by aiomqtt 2
        return client

    def _dispatch(self, message: aiomqtt.Message) -> None:
        """Hand one message to its handler; called by the connection for each arrival, in order."""
        topic = str(message.topic)
        payload = message.payload if isinstance(message.payload, bytes) else b""
        settle = self._settler(message.mid) if message.qos else _nothing
        delivery = Delivery(topic, payload, bool(message.retain), settle)
        handler = self._exact.get(topic) or next((h for f, h in self._wild.items() if matches(f, topic)), None)
        if handler is None:
            delivery.ack()  # a last message of a filter that was just given up
            return
        try:
            handler(delivery)
        except Exception as error:  # noqa: BLE001 - paho would log and go on; it is raised again in _until_lost
            if not self._crash.done():
                self._crash.set_exception(error)

    def _settler(self, mid: int) -> Callable[[], None]:
        """A function that acknowledges ``mid`` on the present connection, and does nothing on a later one."""
        client = self._client

        def settle() -> None:
            if client is not None and client is self._client:
                client._client.ack(mid, 1)  # noqa: SLF001 - as manual_ack_set

        return settle


class _Inbox(asyncio.Queue[Any]):
    """Stands where aiomqtt keeps its queue and dispatches at once: no task per message, nothing to overflow."""

    def __init__(self, maxsize: int, dispatch: Callable[[aiomqtt.Message], None]) -> None:
        super().__init__(maxsize)
        self._dispatch = dispatch

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Dispatch instead of keeping."""
        self._dispatch(item)


def _nothing() -> None:
    """Settle a QoS 0 delivery."""


@contextlib.contextmanager
def _wrapped(act: str, topic_filter: str) -> Any:
    try:
        yield
    except aiomqtt.MqttCodeError as error:
        if "not currently connected" in str(error):
            return  # the reconnect subscribes to everything that is wanted then
        raise BrokerError(f"{act} {topic_filter}: {error}") from error
    except aiomqtt.MqttError:
        return  # the connection went away in the middle; as above

