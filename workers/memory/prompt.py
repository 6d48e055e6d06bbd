"""Builds a prompt. Pure: what is known goes in, the time as text, and the same always comes out.

The order keeps the KV cache of a language model: one system message that stays the same while nothing it states
changes, then the history, to which only is added, and only in the last message what is new in every turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.messages import ChatMessage, Fact, Persona, Place, Prompt, Transcript

TEXT_CHARACTERS = 300
"""Longest text of one message of the history."""
HISTORY_CHARACTERS = 1200
"""The history of a prompt has up to twice as many."""
MEMORY_CHARACTERS = 1000
"""Lasting memories in the system message have up to so many; the newest are taken."""

RULES = """\
You are a toy that talks with a young child. Whatever you write is spoken aloud.
- Answer in one to three short sentences of simple words. No lists, no emoji, no markup.
- Be kind and patient. Nothing frightening, violent or rude.
- Be honest: you are a toy. If you do not know something, say so.
- Never ask for a surname, address, school, phone number, password or picture. Never share or ask for a secret.
- Never tell the child to do something dangerous or something that parents would not want.
- If the child is hurt, afraid or in danger, say that it should go to a grown-up it trusts, now."""
UNHEARD = "(The child said something that could not be understood.)"


@dataclass(frozen=True)
class Exchange:
    """A turn of the history."""

    said: str
    heard: str
    number: int
    """Counts the device's turns from 1, those that are gone included."""
    through: int
    """Characters of the device's turns up to and with this one, each text counted up to ``TEXT_CHARACTERS``."""


@dataclass(frozen=True)
class Known:
    """Everything that is known about a device when it is spoken to."""

    persona: Persona
    child: str = ""
    facts: Sequence[Fact] = ()
    """Oldest first."""
    recalled: Sequence[Fact] = ()
    """Best first."""
    history: Sequence[Exchange] = ()
    """Oldest first; at least the last ``2 * history_turns``."""
    last_reply: str = ""
    playing: Place | None = None
    was_playing: bool = False
    local_time: str = ""
    """ISO 8601 with the home's UTC offset."""
    spoken_time: str = ""
    """The same as people write it."""


def build(transcript: Transcript, known: Known, history_turns: int) -> Prompt:
    """The prompt for one transcript.

    Args:
        transcript: what the child said.
        known: what is known about the device.
        history_turns: the chat holds the last ``history_turns`` to ``2 * history_turns`` turns.
    """
    memories = lasting(known.facts)
    return transcript.then(
        Prompt,
        text=transcript.text,
        source=transcript.source,
        confidence=transcript.confidence,
        persona=known.persona,
        chat=[
            ChatMessage(role="system", content=system_message(known.persona, known.child, memories)),
            *_conversation(window(known.history, history_turns)),
            ChatMessage(role="user", content=_last_message(transcript.text, known)),
        ],
        child=known.child,
        memories=memories,
        recalled=list(known.recalled),
        last_reply=known.last_reply,
        playing=known.playing,
        was_playing=known.was_playing,
        local_time=known.local_time,
    )


def system_message(persona: Persona, child: str, memories: Sequence[Fact]) -> str:
    """Rules, persona, profile, lasting memories: what changes most seldom comes first."""
    parts = [RULES, f"Your name is {persona.name}. Speak this language: {persona.language}."]
    if persona.backstory:
        parts.append(_line(persona.backstory))
    parts.extend(f"- {_line(rule)}" for rule in persona.rules)
    if child:
        parts.append(f"The child's name is {_line(child)}.")
    if memories:
        parts.append("What the child told you, in the child's own words:")
        parts.extend(f"- {_line(fact.text)}" for fact in memories)
    return "\n".join(parts)


def lasting(facts: Sequence[Fact]) -> list[Fact]:
    """The newest facts that fit into ``MEMORY_CHARACTERS``, oldest first."""
    taken, left = 0, MEMORY_CHARACTERS
    for fact in reversed(facts):
        left -= len(fact.text)
        if left < 0:
            break
        taken += 1
    return list(facts[len(facts) - taken :])


def window(history: Sequence[Exchange], turns: int) -> list[Exchange]:
    """The part of the history that a prompt shows.

    A window of the last N turns would begin one turn later every time, and the model would have to read all of it
    again. So turns are dropped N at a time: a window holds N to 2 N - 1 of them and begins at the same turn for N
    turns. The same goes for characters, so that long replies do not fill the prompt.
    """
    if not history or not turns:
        return []
    number = (history[-1].number // turns - 1) * turns
    through = (history[-1].through // HISTORY_CHARACTERS - 1) * HISTORY_CHARACTERS
    return [exchange for exchange in history if exchange.number > number and exchange.through > through]


def _conversation(history: Sequence[Exchange]) -> list[ChatMessage]:
    chat = []
    for exchange in history:
        chat.append(ChatMessage(role="user", content=_clip(exchange.said)))
        chat.append(ChatMessage(role="assistant", content=_clip(exchange.heard)))
    return chat


def _last_message(text: str, known: Known) -> str:
    notes = [f"It is {known.spoken_time}."]
    if known.recalled:
        facts = "; ".join(_line(fact.text) for fact in known.recalled)
        notes.append(f"The child once told you: {facts}.")
    return f"[{' '.join(notes)}]\n{_line(text) or UNHEARD}"


def _clip(text: str) -> str:
    text = _line(text)
    return text if len(text) <= TEXT_CHARACTERS else f"{text[: TEXT_CHARACTERS - 1]}…"


def _line(text: str) -> str:
    """One line: a line break in a fact or a reply must not look like a new rule."""
    return " ".join(text.split())
