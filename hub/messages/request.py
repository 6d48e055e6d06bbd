"""Something the reply asks for beside speech."""

from typing import ClassVar

from hub import topics
from hub.messages.parts import Action, Voice
from hub.messages.sentence import Piece
from hub.topics import Topic

HUB_SERVES = frozenset({"volume", "louder", "quieter", "stop"})
"""Names the hub itself carries out when the playout comes to them."""
MEMORY_SERVES = frozenset({"remember", "forget", "my_name"})
"""Names the memory stage carries out when the turn is done."""


class Request(Piece):
    """An action in its place in the reply.

    The hub and memory carry theirs out after the turn is committed. Any other name hands the rest of the reply, from
    ``index`` on, to the stage that knows it.
    """

    topic: ClassVar[Topic] = topics.REQUEST

    action: Action
    voice: Voice = Voice()

    @property
    def hands_over(self) -> bool:
        """Whether another stage goes on with the reply at this index."""
        return self.action.name not in HUB_SERVES | MEMORY_SERVES
