"""Run one process of the project: event loop, signals, stop event."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable

try:
    import uvloop
except ImportError:  # no wheel for this platform; everything works without, at 15 to 35 % more CPU
    _new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_event_loop = uvloop.new_event_loop


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run ``main(stop)`` to its end; SIGTERM, SIGHUP and Ctrl-C set ``stop``, a second Ctrl-C interrupts at once."""
    gc.set_threshold(10_000, 20, 20)  # fewer pauses; with what is loaded frozen when ready, each is short

    async def until_stopped() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def interrupt() -> None:
            stop.set()
            loop.remove_signal_handler(signal.SIGINT)

        loop.add_signal_handler(signal.SIGINT, interrupt)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        runner.run(until_stopped())
