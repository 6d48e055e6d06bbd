"""Everything the llm stage needs to answer one transcript."""

from typing import ClassVar, Literal

from hub import topics
from hub.messages.base import TurnMessage
from hub.messages.parts import Part, Place, Voice
from hub.messages.transcript import Source
from hub.topics import Topic


class ChatMessage(Part):
    """One message of the conversation as language models take it."""

    role: Literal["system", "user", "assistant"]
    content: str


class Persona(Part):
    """Who the toy is: the *device prompt*. Read from config/personas/, edited per device in the store."""

    id: str
    name: str
    language: str = "en"
    backstory: str = ""
    rules: list[str] = []
    voice: Voice = Voice()
    lines: dict[str, list[str]] = {}
    """What it says on an occasion (an intent, a failure code, ``chat``), one line picked a time; over the defaults."""


class Fact(Part):
    """Something the toy was told to remember."""

    id: int
    text: str


class Prompt(TurnMessage):
    """A transcript with persona, history and memories.

    ``chat`` is the whole in the order of the design: rules, persona, profile and lasting memories, then the history,
    and only in the last user message what changes every turn. The other fields are the same things for code.
    """

    topic: ClassVar[Topic] = topics.PROMPT

    text: str
    source: Source
    confidence: float
    persona: Persona
    chat: list[ChatMessage]
    child: str = ""
    """Name of the child, if the toy was told."""
    memories: list[Fact] = []
    """Lasting memories, oldest first."""
    recalled: list[Fact] = []
    """Those of the memories that what was said is about, best first."""
    last_reply: str = ""
    """What the toy said last, as far as it was heard."""
    playing: Place | None = None
    """What was played last and how far."""
    was_playing: bool = False
    """Whether this turn interrupted it."""
    local_time: str = ""
    """ISO 8601 with the home's UTC offset."""
