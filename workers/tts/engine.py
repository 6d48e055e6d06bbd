"""What every text-to-speech engine offers."""

from typing import Protocol

from hub.audio import Pcm
from hub.messages import Voice


class TtsEngine(Protocol):
    """Blocking, without MQTT and asyncio; called from several threads at once."""

    name: str
    """Set by the loader: the file name of the engine."""
    model: str
    """The voice it speaks with when none is named, for people."""

    def warm(self) -> None:
        """Load what is slow to load, so that the first child does not wait for it.

        Raises:
            EngineError: the program or the voice is missing.
        """

    def synthesize(self, text: str, voice: Voice) -> tuple[Pcm, int]:
        """Speak one sentence of cleaned text.

        Returns:
            The samples, shape (n,), mono, silence at the ends trimmed to a natural pause; their rate in Hz.

        Raises:
            EngineError: it did not work; its text holds nothing of what was to be said.
        """
        ...
