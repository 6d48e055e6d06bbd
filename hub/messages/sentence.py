"""One sentence of the reply."""

from typing import ClassVar

from hub import topics
from hub.messages.base import TurnMessage
from hub.messages.parts import Action, Place, Voice
from hub.topics import Topic


class Piece(TurnMessage):
    """One piece of a reply. Pieces may be made in any order and are heard by ``index``, each once."""

    index: int = 0
    """Position in the reply, from 0."""
    last: bool = False
    """Nothing comes after this piece."""
    more: Action | None = None
    """With ``last``: what to ask for when the playout comes near the end, to go on with."""
    place: Place | None = None
    """Where in a story or track this piece begins."""


class Sentence(Piece):
    """Text to be spoken: a stateless job for tts. Empty text is a piece without sound."""

    topic: ClassVar[Topic] = topics.SENTENCE

    text: str
    voice: Voice = Voice()
