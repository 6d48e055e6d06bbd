"""Speaks silence, in no time: to measure the chain without its models (`toyhub bench chain`)."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from hub.audio import RATE, Pcm
from hub.messages import Voice


class Settings(BaseModel):
    """Options of this engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length_ms: int = Field(default=60, ge=1)


class Engine:
    """See workers.tts.engine.TtsEngine."""

    name = "noop"
    model = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def warm(self) -> None:
        """Nothing is slow here."""

    def synthesize(self, text: str, voice: Voice) -> tuple[Pcm, int]:  # noqa: ARG002 - the shape of every engine
        """Silence of the length of the settings."""
        return np.zeros(RATE * self._settings.length_ms // 1000, np.int16), RATE
