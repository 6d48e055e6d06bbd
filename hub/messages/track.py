"""A part of a recording: music, or a story somebody else tells."""

from typing import ClassVar

from hub import topics
from hub.messages.parts import CodecFrame
from hub.messages.sentence import Piece
from hub.topics import Topic


class Track(Piece):
    """Recorded sound: codec frames of ``output.frame_ms`` each, in the format the turn asked for."""

    topic: ClassVar[Topic] = topics.TRACK

    title: str
    frames: list[CodecFrame]
