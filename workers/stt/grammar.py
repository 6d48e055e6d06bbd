"""Compiles config/intents and the library's titles into a grammar of words: all that can be said to the toy.

hassil parses the sentences; here they become a minimal acyclic word automaton ("from", "to", "word") with one start and one
final state, which is what a finite-state search of a recogniser takes. Common beginnings and endings exist once, so a
grammar of millions of sentences has a few thousand arcs.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hassil.errors import HassilError
from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    TextChunk,
)
from hassil.expression import Sequence as Row
from hassil.intents import Intents, RangeSlotList, TextSlotList
from hassil.numbers import get_rbnf_engine
from hassil.parse_expression import parse_sentence
from hassil.parser import ParseError
from hassil.util import merge_dict

from hub.errors import SettingsError
from hub.settings import read_yaml

START, FINAL = 0, 1
_SPACE = " "
_NUMBER = re.compile(r"\d+")
_NO_WORD = re.compile(r"[^\w' ]|_")


@dataclass(frozen=True)
class Grammar:
    """A word automaton.

    Attributes:
        arcs: ``(from, to, word)`` from state START; an empty word leads to FINAL.
        states: How many states there are; they are numbered from 0.
        words: Every word on an arc.
    """

    arcs: tuple[tuple[int, int, str], ...]
    states: int
    words: frozenset[str]


@dataclass(frozen=True)
class Phrases:
    """What config/intents says, read once; titles come and go."""

    language: str
    templates: Intents
    spoken: Mapping[str, tuple[Expression, ...]]
    fillers: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path, language: str) -> "Phrases":
        """Read every YAML file of ``folder/<language>``.

        Raises:
            SettingsError: There is no file, or a file holds no sentence templates; names the file.
        """
        merged: dict[str, Any] = {}
        for path in sorted((folder / language).glob("*.yaml")):
            content = read_yaml(path)
            try:
                Intents.from_dict({"language": language, "intents": {}, **content})
                merge_dict(merged, content)
            except (ParseError, HassilError, AttributeError, KeyError, TypeError, ValueError) as error:
                raise SettingsError(f"{path}: {type(error).__name__}: {error}") from error
        if "intents" not in merged:
            raise SettingsError(f"{folder / language}: no intents for language {language!r}")
        fillers = tuple(merged.pop("skip_words", ()))
        spoken = {
            name: tuple(parse_sentence(text).expression for text in texts)
            for name, texts in merged.pop("spoken", {}).items()
        }
        return cls(language, Intents.from_dict(merged), spoken, fillers)


def compile_grammar(phrases: Phrases, titles: Sequence[str], speakable: Callable[[str], bool]) -> Grammar:
    """Compile all sentences.

    Args:
        phrases: The intents.
        titles: What stands for ``{title}``, as in the library; punctuation, digits and case do not matter.
        speakable: Whether the recogniser knows how a word sounds. Sentences with other words are left out.
    """
    net = _Network(phrases, titles)
    for intent in phrases.templates.intents.values():
        for data in intent.data:
            for sentence in data.sentences:
                net.add_sentence(sentence.expression)
    return _minimise(net, speakable)


def words_of(text: str, language: str) -> list[str]:
    """Split a title as it is read aloud: ``"Number 5!"`` gives number, five."""
    spelled = _NUMBER.sub(lambda number: f" {_spell(int(number[0]), language)} ", text.replace("’", "'"))
    spelled = unicodedata.normalize("NFC", spelled.replace("&", " and ").casefold())
    words = (word.strip("'") for word in _NO_WORD.sub(_SPACE, spelled).split())
    return [word for word in words if word]


def _spell(number: int, language: str) -> str:
    return str(get_rbnf_engine(language).format_number(number).text)


class _Network:
    """A nondeterministic network of text pieces and spaces; a word may be made of several pieces ("mum", "'s")."""

    def __init__(self, phrases: Phrases, titles: Sequence[str]) -> None:
        self.phrases = phrases
        self.titles = [" ".join(words) for words in (words_of(t, phrases.language) for t in titles) if words]
        self.pieces: list[list[tuple[str, int]]] = [[], []]
        self.empty: list[list[int]] = [[], []]

    def add_sentence(self, expression: Expression) -> None:
        start = self._fillers(START)
        end = self._add(expression, self._text(_SPACE, start))
        if end is not None:
            self._join(self._fillers(end), FINAL)

    def _fillers(self, start: int) -> int:
        end = self._node()
        self._join(start, end)
        for filler in self.phrases.fillers:
            self._join(self._text(f" {filler} ", start), end)
        return end

    def _node(self) -> int:
        self.pieces.append([])
        self.empty.append([])
        return len(self.pieces) - 1

    def _join(self, start: int, end: int) -> None:
        self.empty[start].append(end)

    def _text(self, text: str, start: int) -> int:
        for piece in re.findall(r"\s+|\S+", text):
            end = self._node()
            self.pieces[start].append((_SPACE if piece.isspace() else piece, end))
            start = end
        return start

    def _add(self, expression: Expression, start: int) -> int | None:
        """Add an expression behind ``start``; gives its end, or None when nothing can be said for it."""
        match expression:
            case TextChunk():
                return self._text(expression.text, start)
            case Alternative():
                return self._either(expression.items, start)
            case Permutation():
                return self._either([Row([item, TextChunk(_SPACE), rest]) if rest.items else item
                                     for item, rest in expression.iterate_permutations()], start)
            case Group():
                return self._row(expression.items, start)
            case RuleReference():
                return self._add(self.phrases.templates.expansion_rules[expression.rule_name].expression, start)
            case ListReference():
                return self._either(list(self._values(expression)), start)
        raise SettingsError(f"a template uses {type(expression).__name__}, which cannot be spoken")

    def _row(self, items: Sequence[Expression], start: int) -> int | None:
        end: int | None = start
        for item in items:
            if end is None:
                return None
            end = self._add(item, end)
        return end

    def _either(self, items: Sequence[Expression], start: int) -> int | None:
        ends = [end for end in (self._add(item, start) for item in items) if end is not None]
        if not ends:
            return None
        common = self._node()
        for end in ends:
            self._join(end, common)
        return common

    def _values(self, reference: ListReference) -> Iterator[Expression]:
        """What can be said for a list."""
        name = reference.list_name
        values = self.phrases.templates.slot_lists.get(name)
        if isinstance(values, RangeSlotList):
            for number in values.get_numbers():
                yield TextChunk(_spell(int(number), self.phrases.language).replace("-", _SPACE))
        elif isinstance(values, TextSlotList):
            yield from (value.text_in for value in values.values)
        yield from self.phrases.spoken.get(name, ())
        if name == "title":
            yield from (TextChunk(title) for title in self.titles)


def _minimise(net: _Network, speakable: Callable[[str], bool]) -> Grammar:
    """Make the network deterministic; states with the same future become one."""
    states: dict[tuple[tuple[str, int], ...], int] = {(): FINAL}
    known: dict[frozenset[int], int | None] = {}

    def state_of(nodes: frozenset[int]) -> int | None:
        if nodes not in known:
            arcs = []
            for word, targets in sorted(_step(net, nodes).items()):
                target = FINAL if not word else state_of(frozenset(targets)) if speakable(word) else None
                if target is not None:
                    arcs.append((word, target))
            known[nodes] = states.setdefault(tuple(arcs), len(states) + 1) if arcs else None
        return known[nodes]

    start = state_of(frozenset({START}))
    renamed = {start: START}
    arcs = [
        (renamed.get(state, state), renamed.get(target, target), word)
        for outgoing, state in states.items()
        for word, target in outgoing
    ]
    return Grammar(tuple(arcs), len(states) + 1, frozenset(word for _, _, word in arcs if word))


def _step(net: _Network, nodes: frozenset[int]) -> dict[str, set[int]]:
    """The next words from any of ``nodes`` and where they lead; the empty word means that a sentence may end here."""
    words: dict[str, set[int]] = {}
    todo = [(node, "") for node in nodes]
    seen = set(todo)
    while todo:
        node, prefix = todo.pop()
        if node == FINAL:
            words.setdefault(prefix, set()).add(FINAL)
        following = [(target, prefix) for target in net.empty[node]]
        for piece, target in net.pieces[node]:
            if piece != _SPACE:
                following.append((target, prefix + piece))
            elif prefix:
                words.setdefault(prefix, set()).add(target)
            else:
                following.append((target, prefix))
        fresh = [item for item in following if item not in seen]
        seen.update(fresh)
        todo.extend(fresh)
    return words
