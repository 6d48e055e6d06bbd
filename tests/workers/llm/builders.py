"""Prompts for tests, and replies as short lists."""

from collections.abc import Iterable
from typing import Any

from hub.messages import Persona, Place, Prompt, Request, Sentence, Voice

VOICE = Voice(name="en-gb+f3", speed=0.9)
BEAR = Persona(id="bear", name="Bruno", voice=VOICE)
SONG = Place(item="twinkle", title="Twinkle", kind="music", position=9000)
STORY = Place(item="three-bears", title="The Three Bears", kind="story", position=7)


def prompt(text: str = "", **fields: Any) -> Prompt:
    """A prompt of a toy called Bruno; typed text unless told otherwise."""
    given = {"device": "bear", "turn": 7, "source": "text", "confidence": 1.0, "persona": BEAR, "chat": [], **fields}
    return Prompt.model_validate({"text": text, **given})


def short(pieces: Iterable[Sentence | Request]) -> list[str | tuple[str, dict[str, str | int]]]:
    """Texts as they are, actions as name and slots; checks that indices count from 0 and only the end is last."""
    made = list(pieces)
    assert [piece.index for piece in made] == list(range(len(made)))
    assert [piece.last for piece in made] == [False] * (len(made) - 1) + [True]
    assert all(piece.voice == VOICE for piece in made)
    handed_over = [at for at, piece in enumerate(made) if isinstance(piece, Request) and piece.hands_over]
    assert handed_over in ([], [len(made) - 1]), "another stage goes on with the reply: nothing may follow"
    return [p.text if isinstance(p, Sentence) else (p.action.name, p.action.slots) for p in made]
