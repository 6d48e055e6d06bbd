"""A second connection that looks at one device, and whether there is a hub at all."""

import asyncio
import time
from collections.abc import Callable

from hub import bus, topics
from hub.errors import BadMessage, HubError
from hub.messages import AudioChunk, Message
from hub.view.lines import decode

_STATUS_S = 2.0
_TURN_TOPICS = (
    topics.UTTERANCE, topics.TRANSCRIPT, topics.PROMPT, topics.SENTENCE, topics.SPEECH, topics.REQUEST, topics.TRACK,
    topics.FAILURE, topics.DONE, topics.HEARD, topics.REPLY, topics.STATE, topics.CONTROL, topics.DOWN_AUDIO,
)  # fmt: skip

See = Callable[[Message | AudioChunk, float], None]
"""Called with a message and the clock (``time.monotonic``) in ms at which it came by."""


async def require_hub(on: bus.Bus) -> None:
    """Wait for a hub to be there.

    Raises:
        HubError: none is online within 2 s.
    """
    if not await _online(on, topics.HUB_STATUS.format()):
        raise HubError("no hub is running on this broker; start one with `toyhub up`")


async def require_device(on: bus.Bus, device: str) -> None:
    """Wait for a toy to be there.

    Raises:
        HubError: it is not online within 2 s.
    """
    if not await _online(on, topics.PRESENCE.format(device=device)):
        raise HubError(f"no toy {device!r} is online; start a simulated one with `toyhub toy --device {device}`")


async def _online(on: bus.Bus, topic: str) -> bool:
    """Whether the retained text of ``topic`` is or becomes ``online`` within 2 s."""
    online = asyncio.Event()

    def receive(delivery: bus.Delivery) -> None:
        delivery.ack()
        if delivery.payload == b"online":
            online.set()

    await on.subscribe(topic, receive)
    try:
        async with asyncio.timeout(_STATUS_S):
            await online.wait()
    except TimeoutError:
        return False
    finally:
        await on.unsubscribe(topic)
    return True


async def observe(on: bus.Bus, device: str, see: See) -> None:
    """Have ``see`` called for everything about a device's turns; what cannot be read is left to ``toyhub watch``."""

    def receive(delivery: bus.Delivery) -> None:
        delivery.ack()
        if delivery.retain:
            return  # from before
        try:
            see(decode(delivery.topic, delivery.payload), time.monotonic() * 1000)
        except BadMessage:
            return

    for topic in _TURN_TOPICS:
        await on.subscribe(topic.only(device=device), receive)
