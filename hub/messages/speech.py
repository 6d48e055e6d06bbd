"""One sentence of the reply as sound."""

from typing import ClassVar

from hub import topics
from hub.messages.parts import CodecFrame
from hub.messages.sentence import Piece
from hub.topics import Topic


class Speech(Piece):
    """Spoken text: codec frames of ``output.frame_ms`` each, in the format the turn asked for."""

    topic: ClassVar[Topic] = topics.SPEECH

    text: str
    frames: list[CodecFrame]
