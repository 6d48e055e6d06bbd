"""The parts of an answer, and how they become the numbered pieces of a reply."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hub.lines import Lines
from hub.messages import Action, Place, Prompt, Request, Sentence
from workers.llm.intents import Intent
from workers.llm.sentences import split

Part = str | Action
"""Text to say, or an action to ask for."""
_SURE = 0.5
"""Below this confidence a text may be talked about but not acted on; the open part of recognition is never above."""


@dataclass(frozen=True)
class Teller:
    """The toy in this turn: what was said to it, and the lines it can say."""

    prompt: Prompt
    lines: Lines

    @property
    def sure(self) -> bool:
        """Whether what was heard may be acted on."""
        return self.prompt.source != "open" and self.prompt.confidence >= _SURE

    @property
    def heard(self) -> list[str]:
        """What the toy said before, oldest first."""
        return [message.content for message in self.prompt.chat if message.role == "assistant"] + [
            self.prompt.last_reply
        ]

    def line(self, occasion: str, **values: str) -> str:
        """One of the persona's lines for an occasion, or of the defaults, and not one it has just said."""
        values = {"name": self.prompt.child, **values}
        return self.lines.pick(occasion, self.prompt.turn, self.prompt.persona, heard=self.heard, **values)


Answer = Callable[[Intent, Teller], Iterator[Part]]


class Numbered:
    """Makes the pieces of one reply, counting them."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._index = -1

    def piece(self, part: Part, *, last: bool = False) -> Sentence | Request:
        """The next piece. Empty text is a piece without sound: an end that came after the last sentence was out."""
        self._index += 1
        place = {"index": self._index, "last": last, "voice": self._prompt.persona.voice}
        if isinstance(part, Action):
            return self._prompt.then(Request, action=part, **place)
        return self._prompt.then(Sentence, text=part, **place)


def pieces(prompt: Prompt, parts: Iterable[Part]) -> Iterator[Sentence | Request]:
    """An answer as pieces: a sentence each, the last one marked."""
    numbered = Numbered(prompt)
    waiting: Part | None = None
    for part in _in_sentences(parts):
        if waiting is not None:
            yield numbered.piece(waiting)
        waiting = part
    yield numbered.piece(waiting or "", last=True)


def go_on(prompt: Prompt) -> Iterator[Action]:
    """Hands over to what this turn interrupted, if it did."""
    if prompt.was_playing and prompt.playing:
        action = resumed(prompt.playing, prompt.playing.position)
        # it was on a moment ago: no announcement
        yield action.model_copy(update={"slots": {**action.slots, "quiet": 1}})


def resumed(place: Place, position: int) -> Action:
    """The request that plays or tells an item from a position."""
    name = "play" if place.kind == "music" else "story"
    return Action(name=name, slots={"item": place.item, "position": position})


def _in_sentences(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, str):
            yield from split([part])
        else:
            yield part
