"""What every speech-to-text engine offers, and what it answers."""

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Heard:
    """The result of one transcription.

    Attributes:
        text: What was said, without punctuation worth relying on; empty when nothing was understood.
        language: ISO 639-1 code such as ``en``, or None when the engine cannot tell.
        confidence: 0 (a guess) to 1 (sure). A text below 0.5 may be talked about but must not be acted on.
        source: ``grammar`` if the text is one of the sentences the hub can act on, ``open`` if it came from a
            model that may write anything.
    """

    text: str
    language: str | None = None
    confidence: float = 0.0
    source: Literal["grammar", "open"] = "open"


class SttEngine(Protocol):
    """Blocking and without MQTT; the stage calls it in a thread."""

    def warm(self) -> None:
        """Load what is slow to load, so that the first child does not wait for it."""

    def transcribe(self, pcm: bytes, rate: int) -> Heard:
        """Write down one utterance.

        Args:
            pcm: 16-bit signed little-endian samples, one channel.
            rate: Samples per second.
        """
