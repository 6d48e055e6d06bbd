"""What a toy says when no language model is asked: config/lines/<language>.yaml, persona's own lines over it.

A line is picked by turn number, so that a message that arrives twice is answered alike, and not one the child just
heard. ``{placeholders}`` are filled; a line with one that has no value is left out.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from pydantic import Field

from hub.errors import SettingsError
from hub.messages.prompt import Persona
from hub.settings import Section, config_dir, read_yaml, validate

FAILURE_CODES = (
    "stage-failed", "engine-failed", "unknown-engine", "bad-audio", "too-long", "late", "no-worker", "gave-up",
    "store-failed", "media-failed", "media-not-found", "media-unreadable", "media-index-unavailable",
)  # fmt: skip
"""Failure codes with an apology of their own; any other code gets that of ``stage-failed``."""

OCCASIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(FAILURE_CODES, ()),
    # talk
    "greeting": (), "hello": (), "thanks": (), "goodbye": (), "who_are_you": (), "what_can_you_do": (),
    "not_caught": (), "not_understood": (), "nothing_said": (),
    "time": ("time",), "day": ("day",), "no_clock": (), "count": (),
    # conversation without a language model
    "chat": (), "question": (), "recalled": ("fact",), "yes": (), "no": (), "love": (),
    "sad": (), "scared": (), "angry": (), "hurt": (), "tired": (), "bored": (), "hungry": (), "happy": (),
    # jokes and riddles
    "joke": (), "riddle": ("question",), "riddle_right": ("answer",), "riddle_wrong": ("question",),
    "riddle_unheard": ("question",), "riddle_answer": ("answer",), "no_riddle": (),
    # what the toy remembers
    "my_name": ("name",), "name_unclear": (), "remember": ("fact",), "nothing_known": (), "known_name": ("name",),
    "known": ("fact",), "known_more": (), "unknown_topic": ("topic",), "forget": ("fact",), "forget_name": (),
    "unknown_forget": ("topic",), "forget_everything": (),
    # music and stories
    "louder": (), "quieter": (), "volume": (), "pause": (), "stop": (), "nothing_playing": (),
    "play": ("title",), "story": ("title",), "resume": ("title",), "not_in_library": ("title",),
    "library_has": ("titles",), "library_empty": (),
}  # fmt: skip
"""Every occasion with the placeholders that always have a value there; ``{toy}`` has one everywhere.

``{name}`` (of the child) may be used everywhere: where it is not known, such a line is left out.
"""

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_WORD = re.compile(r"[^\W_]+")
_SAME_WORDS = 6


class Riddle(Section):
    """A question, its answer, and what else counts as right."""

    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    accept: list[str] = []


class Lines(Section):
    """All lines and riddles of one language."""

    lines: dict[str, list[str]]
    riddles: list[Riddle] = Field(min_length=1)

    def pick(
        self, occasion: str, turn: int, persona: Persona | None = None, *, heard: Sequence[str] = (), **values: str
    ) -> str:
        """One line for an occasion.

        Args:
            occasion: one of OCCASIONS.
            turn: the same turn picks the same line.
            persona: whose own lines come before the defaults.
            heard: replies of the past, oldest first; a line that is in them is picked last.
            values: for the placeholders; an empty one counts as missing.
        """
        values = {"toy": persona.name if persona else "", **values}
        own = persona.lines.get(occasion, []) if persona else []
        ready = _filled(own, values) or _filled(self.lines[occasion], values)
        return ready[_choose(ready, f"{occasion}/{turn}", heard)]

    def first(self, occasion: str) -> str:
        """The line for an occasion that is always said in the same words, such as a failure code."""
        return self.lines[occasion][0]

    def apology(self, code: str, turn: int, persona: Persona | None = None) -> str:
        """What is said when a turn failed; a code of a newer worker gets the general apology."""
        return self.pick(code if code in FAILURE_CODES else "stage-failed", turn, persona)

    def riddle(self, turn: int, heard: Sequence[str] = ()) -> Riddle:
        """A riddle that was not asked lately."""
        return self.riddles[_choose([r.question for r in self.riddles], f"riddles/{turn}", heard)]

    def riddle_in(self, reply: str) -> Riddle | None:
        """The riddle that was asked in a reply, even if the reply was cut in the middle of it."""
        return next((r for r in self.riddles if _says(reply, r.question)), None)


def _filled(lines: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The lines whose placeholders all have a value, with the values in."""
    ready = [line for line in lines if all(values.get(name) for name in _PLACEHOLDER.findall(line))]
    return [_PLACEHOLDER.sub(lambda match: values[match[1]], line) for line in ready]


def _choose(texts: Sequence[str], seed: str, heard: Sequence[str]) -> int:
    """Index of the text heard longest ago or never; among those the seed decides."""
    start = crc32(seed.encode()) % len(texts)
    rotation = [(start + step) % len(texts) for step in range(len(texts))]
    return min(rotation, key=lambda index: _last_heard(texts[index], heard))


def _last_heard(text: str, heard: Sequence[str]) -> int:
    return max((at for at, reply in enumerate(heard) if _says(reply, text)), default=-1)


def _says(reply: str, text: str) -> bool:
    """Whether the first words of ``text`` are in ``reply``; the rest may have been cut off by an interruption."""
    wanted = " ".join(_WORD.findall(text.casefold())[:_SAME_WORDS])
    return bool(wanted) and f" {wanted} " in f" {' '.join(_WORD.findall(reply.casefold()))} "


def languages() -> list[str]:
    """Languages there are lines for."""
    return sorted(path.stem for path in (config_dir() / "lines").glob("*.yaml"))


def load_lines(language: str) -> Lines:
    """Read and check the lines of a language; read once.

    Raises:
        SettingsError: no such language, or something in the file that is no occasion or cannot be filled; names file
            and key.
    """
    return _load(config_dir() / "lines" / f"{language}.yaml")


@lru_cache
def _load(path: Path) -> Lines:
    if not path.exists():
        raise SettingsError(f"{path}: no lines for this language; there are {', '.join(languages()) or 'none'}")
    lines = validate(Lines, read_yaml(path), str(path))
    if unknown := sorted(lines.lines.keys() - OCCASIONS):
        raise SettingsError(f"{path}: lines.{unknown[0]}: no such occasion")
    for occasion, given in OCCASIONS.items():
        _check(path, occasion, given, lines.lines.get(occasion, []))
    return lines


def _check(path: Path, occasion: str, given: tuple[str, ...], lines: Sequence[str]) -> None:
    always = {"toy", *given}
    for line in lines:
        if unknown := sorted(set(_PLACEHOLDER.findall(line)) - always - {"name"}):
            raise SettingsError(f"{path}: lines.{occasion}: no placeholder {{{unknown[0]}}} here")
    if not any(line.strip() and always.issuperset(_PLACEHOLDER.findall(line)) for line in lines):
        raise SettingsError(f"{path}: lines.{occasion}: at least one line without {{name}} is needed")
