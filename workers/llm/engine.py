"""What every language model engine offers."""

from collections.abc import Iterator
from typing import Protocol

from hub.messages import Prompt


class LlmEngine(Protocol):
    """Blocking, without MQTT and asyncio.

    One engine answers several prompts at once, each from a thread of its own; a runtime that can do only one thing at a
    time queues inside. The two calls of one reply, ``next`` and ``close``, never overlap.
    """

    name: str
    """Set by the loader: the file name of the engine."""
    model: str
    """The model behind it, for people; empty when there is none."""

    def warm(self) -> None:
        """Load what is slow to load, so that the first child does not wait for it.

        Raises:
            EngineError: the model or its server cannot be used.
        """

    def reply(self, prompt: Prompt) -> Iterator[str]:
        """Answer in pieces of text, as they come: letters, tokens or sentences; put together they are the reply.

        A generator. Nothing happens before the first ``next``. Closing it between two pieces is how a reply is
        cancelled: free the place in the batch or the connection in a ``finally``.

        Raises:
            EngineError: on ``next``; its text holds nothing of the prompt or the reply.
        """
        ...
