"""What the library holds: an item is one sidecar file, and one sidecar file is one item."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

ANY_LANGUAGE = "any"
"""Language of what has no words: a tune fits every child."""

Kind = Literal["music", "story"]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,79}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9-]{0,79}\.[a-z0-9]{1,5})?$")]
"""A plain name inside the library folder: a sidecar cannot point anywhere else."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class Item(BaseModel):
    """Music, a recorded story, or a story to be spoken sentence by sentence.

    Attributes:
        language: primary tag such as ``en``, or ``any``.
        also: other titles under which it is known.
        topics: words it is about.
        fingerprint: of what it was made from (hex); equal fingerprints are the same content.
        audio: file name beside the sidecar; empty for a story to be spoken.
        duration_ms: length of the audio; 0 for a story to be spoken.
        sentences: the story to be spoken; empty when there is audio.
        starter: it came with the hub.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    kind: Kind
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
    title: Line
    also: tuple[Line, ...] = ()
    topics: tuple[Line, ...] = ()
    ages: str = ""
    author: str = ""
    licence: str = ""
    origin: str = ""
    fingerprint: str
    audio: FileName = ""
    duration_ms: int = 0
    sentences: tuple[Sentence, ...] = ()
    starter: bool = False

    @property
    def phrases(self) -> tuple[str, ...]:
        """Everything it can be found by, without repeats, the title first."""
        return tuple(dict.fromkeys((self.title, *self.also, *self.topics)))

    @property
    def spoken(self) -> bool:
        """Whether a voice has to speak it, because there is no recording."""
        return not self.audio

    def fits(self, kind: Kind | None, language: str | None) -> bool:
        """Whether it is of this kind and language; None asks for any."""
        return kind in (None, self.kind) and (language is None or self.language in (ANY_LANGUAGE, primary(language)))


@dataclass(frozen=True)
class Hit:
    """Something found: ``score`` is 0 to 1, 1 for a title said exactly."""

    item: Item
    score: float


def primary(language: str) -> str:
    """The language of a tag: ``en-GB`` is ``en``."""
    return language.replace("_", "-").split("-", 1)[0].lower()


def digest(*parts: str | bytes) -> str:
    """A short stable fingerprint (32 hex digits) of the parts in their order."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "big") + data)
    return state.hexdigest()[:32]
