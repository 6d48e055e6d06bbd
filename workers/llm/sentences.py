"""Pieces of text in, whole sentences out as soon as each is complete. No I/O.

A sentence is complete when what comes after its full stop is known: "3." may go on as "3.5", "Dr." as "Dr. Bear".
"""

import re
from collections.abc import Iterable, Iterator

LONGEST = 220
"""Characters after which a run is cut: no tts job may keep a child waiting for a whole paragraph."""

_END = re.compile(r"[.!?…]+[\"'”’)\]*_]*|[。！？]+|\n+")
_CLAUSE = re.compile(r"[,;:–—]\s|\s[-–—]\s")
_ABBREVIATIONS = frozenset("mr mrs ms dr prof st sr jr vs etc e.g i.e eg ie approx".split())
_NUMBERED = re.compile(r"\s*\d{1,3}")
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_])*")
_SAID = re.compile(r"[\"'”’)\]]$")


class Sentences:
    """A stream of text, cut into sentences."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, piece: str) -> Iterator[str]:
        """The sentences that are complete with this piece."""
        self._text += piece
        while (end := _end(self._text) or _cut(self._text)) is not None:
            sentence, self._text = self._text[:end], self._text[end:]
            yield from _spoken(sentence)

    def flush(self) -> Iterator[str]:
        """What is left at the end of the text."""
        text, self._text = self._text, ""
        yield from _spoken(text)


def split(pieces: Iterable[str]) -> Iterator[str]:
    """All sentences of a text that comes in pieces."""
    sentences = Sentences()
    for piece in pieces:
        yield from sentences.feed(piece)
    yield from sentences.flush()


def _spoken(sentence: str) -> Iterator[str]:
    """The sentence on one line, cut to length; nothing if there is no letter or digit in it."""
    text = " ".join(sentence.split())
    while (end := _cut(text)) is not None:
        yield text[:end].rstrip()
        text = text[end:].lstrip()
    if any(character.isalnum() for character in text):
        yield text


def _cut(text: str) -> int | None:
    """Where to cut a run that is too long: after its last clause, else between words, else anywhere."""
    if len(text) <= LONGEST:
        return None
    head = text[:LONGEST]
    if clauses := [match.end() for match in _CLAUSE.finditer(head)]:
        return clauses[-1]
    space = head.rfind(" ")
    return space + 1 if space > 0 else LONGEST


def _end(text: str) -> int | None:
    """Where the first complete sentence ends; None: there is none yet."""
    for match in _END.finditer(text):
        mark, rest = match[0], text[match.end() :]
        if mark[0] in "\n。！？":
            return match.end()
        after = rest.lstrip(" \t")
        if not after:
            return None  # the next characters decide
        before = text[: match.start()]
        if rest[0].isspace():
            if _ends(before, mark, after[0]):
                return match.end()
        elif _space_missing(before, mark, rest):
            return match.end()
    return None


def _ends(before: str, mark: str, following: str) -> bool:
    """Whether a mark that is followed by a space ends its sentence."""
    if following.islower() and (_SAID.search(mark) or mark.startswith(("…", ".."))):
        return False  # "Stop!" said the bear; well... perhaps
    if mark != ".":
        return True
    word = (before.rsplit(maxsplit=1) or [""])[-1].lower().lstrip("(\"'“‘")
    initials = _INITIALS.fullmatch(word) and before[-1:].isupper() and word != "i"
    return not (word in _ABBREVIATIONS or initials or _NUMBERED.fullmatch(before))


def _space_missing(before: str, mark: str, rest: str) -> bool:
    """Whether a sentence begins right after the mark: ``Hello.World``, but neither ``3.14`` nor ``U.S.``."""
    if mark == ".":
        return rest[0].isupper() and before[-2:].islower() and len(before[-2:].strip()) == 2
    return rest[0].isupper()
