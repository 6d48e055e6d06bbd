"""Jokes, riddles and counting.

An open riddle needs no state: it is the one in the toy's last reply. A wrong guess repeats the question, which keeps
it open (and helps a child that has forgotten it).
"""

from collections.abc import Iterator
from difflib import SequenceMatcher

from hub.lines import Riddle
from workers.llm import english
from workers.llm.answers.parts import Part, Teller
from workers.llm.intents import Intent

_LONGEST_GUESS = 6
"""Words; more than these around the answer is no guess but talk."""
_ALIKE = 0.8
"""difflib's ratio above which two words of four letters or more are the same: ``umbrela``, but not tower for towel."""
_PER_BREATH = 5
_AROUND = frozenset("is it it's its i think maybe perhaps um uh a an the that's your my of".split())


def joke(_: Intent, toy: Teller) -> Iterator[Part]:
    """A joke not heard lately."""
    yield toy.line("joke")


def riddle(_: Intent, toy: Teller) -> Iterator[Part]:
    """A riddle not heard lately."""
    yield toy.line("riddle", question=toy.lines.riddle(toy.prompt.turn, toy.heard).question)


def riddle_answer(_: Intent, toy: Teller) -> Iterator[Part]:
    """The answer, when the child gives up."""
    asked = toy.lines.riddle_in(toy.prompt.last_reply)
    yield toy.line("riddle_answer", answer=asked.answer) if asked else toy.line("no_riddle")


def guess(toy: Teller) -> bool | None:
    """Whether the words are the answer to the open riddle; None: there is none, or they are no guess."""
    asked = toy.lines.riddle_in(toy.prompt.last_reply)
    words = [word for word in english.in_words(toy.prompt.text) if word not in _AROUND]
    if asked is None or not words or len(words) > _LONGEST_GUESS:
        return None
    return _right(asked, words)


def judged(toy: Teller, *, right: bool) -> Iterator[Part]:
    """What the toy says to a guess; a child is not told that it is wrong when it may have been misheard."""
    asked = toy.lines.riddle_in(toy.prompt.last_reply)
    if asked is None:
        yield toy.line("no_riddle")
    elif right:
        yield toy.line("riddle_right", answer=asked.answer)
    else:
        yield toy.line("riddle_wrong" if toy.sure else "riddle_unheard", question=asked.question)


def count(intent: Intent, toy: Teller) -> Iterator[Part]:
    """One, two, three: some numbers to a breath."""
    numbers = [english.number(n) for n in range(1, min(100, int(intent.slots["to"])) + 1)]
    for start in range(0, len(numbers), _PER_BREATH):
        yield ", ".join(numbers[start : start + _PER_BREATH]).capitalize() + "."
    yield toy.line("count")


def _right(asked: Riddle, words: list[str]) -> bool:
    answers = [english.in_words(text) for text in (asked.answer, *asked.accept)]
    wanted = [[word for word in answer if word not in _AROUND] for answer in answers]
    return any(_contains(words, answer) for answer in wanted if answer)


def _contains(words: list[str], answer: list[str]) -> bool:
    size = len(answer)
    return any(
        all(_alike(*pair) for pair in zip(words[at : at + size], answer, strict=True))
        for at in range(len(words) - size + 1)
    )


def _alike(said: str, meant: str) -> bool:
    if said == meant:
        return True
    return min(len(said), len(meant)) >= 4 and SequenceMatcher(None, said, meant).ratio() > _ALIKE
