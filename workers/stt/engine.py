"""What every speech-to-text engine offers, and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from hub.messages import Title


@dataclass(frozen=True)
class Heard:
    """The result of one transcription.

    Attributes:
        text: What was said, without punctuation worth relying on; empty when nothing was understood.
        language: ISO 639-1 code such as ``en``, or None when the engine cannot tell.
        confidence: 0 (a guess) to 1 (sure). A text below 0.5 may be talked about but must not be acted on.
        source: ``grammar`` if the text is one of the sentences the hub can act on, ``open`` if it came from a language
            model that may write anything and often errs (never acted on), ``model`` if from a good speech model.
    """

    text: str
    language: str | None = None
    confidence: float = 0.0
    source: Literal["grammar", "open", "model"] = "open"


class SttEngine(Protocol):
    """Blocking and without MQTT; the stage calls it in threads, possibly several at once."""

    name: str
    model: str

    def warm(self) -> None:
        """Load what is slow to load, so that the first child does not wait for it."""

    def learn(self, titles: Sequence[Title]) -> None:
        """Know the words of the library from now on; may be called while ``transcribe`` runs."""

    def transcribe(self, pcm: bytes, rate: int) -> Heard:
        """Write down one utterance. Silence, noise, no bytes at all or half a sample give an empty text.

        Args:
            pcm: 16-bit signed little-endian samples, one channel.
            rate: Samples per second.

        Raises:
            EngineError: The model is missing or broke.
        """
