"""Hears the same words in everything, in no time: to measure the chain without its models (`toyhub bench chain`)."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from hub.messages import Title
from workers.stt.engine import Heard


class Settings(BaseModel):
    """Options of this engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = "nothing in particular"


class Engine:
    """See workers.stt.engine.SttEngine."""

    name = "noop"
    model = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def warm(self) -> None:
        """Nothing is slow here."""

    def learn(self, titles: Sequence[Title]) -> None:
        """Nothing is learned here."""

    def transcribe(self, pcm: bytes, rate: int) -> Heard:  # noqa: ARG002 - the shape of every engine
        """The words of the settings."""
        return Heard(self._settings.text, "en", 1.0, "open")
