"""Answers the same to everything, in no time: to measure the chain without its models (`toyhub bench chain`)."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from hub.messages import Prompt


class Settings(BaseModel):
    """Options of this engine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = "Yes."


class Engine:
    """See workers.llm.engine.LlmEngine."""

    name = "noop"
    model = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def warm(self) -> None:
        """Nothing is slow here."""

    def reply(self, prompt: Prompt) -> Iterator[str]:  # noqa: ARG002 - the shape of every engine
        """The text of the settings, as one piece."""
        yield self._settings.text
