"""Compiles config/intents and the library's titles into a grammar of words: all that can be said to the toy.

hassil parses the sentences; here they become a minimal acyclic word automaton with one start and one final state, which
is what a finite-state search of a recogniser takes. Common beginnings and endings exist once, so a grammar of millions
of sentences has a few thousand arcs.

Every intent is as probable as any other, and so is every alternative in a sentence. That is what tells "who am I" from
"I'm Molly": the second is one of a hundred names.
"""

import heapq
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

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
_FILLER = 0.1
"""How probable a word such as "please" is at the end of a sentence; at the beginning it is not listened for."""
_NUMBER = re.compile(r"\d+")
_Nodes = frozenset[tuple[int, float]]
"""Nodes of the network that a prefix of a sentence may have reached, each with its share of the probability."""
_Key = TypeVar("_Key")
_NO_WORD = re.compile(r"[^\w' ]|_")


class Arc(NamedTuple):
    """One word that may come next in a state; an empty word leads to FINAL."""

    start: int
    end: int
    word: str
    probability: float


@dataclass(frozen=True)
class Grammar:
    """A word automaton from state START to state FINAL.

    Attributes:
        arcs: What may be said.
        states: How many states there are; they are numbered from 0.
        words: Every word on an arc.
    """

    arcs: tuple[Arc, ...]
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
                alone = Intents.from_dict({"language": language, "intents": {}, **content})
                for intent in alone.intents.values():
                    _ = [data.sentences for data in intent.data]  # hassil parses sentences on first use
                merge_dict(merged, content)
            except (ParseError, HassilError, AttributeError, KeyError, TypeError, ValueError) as error:
                raise SettingsError(f"{path}: {type(error).__name__}: {error}") from error
        if "intents" not in merged:
            raise SettingsError(f"{folder / language}: no intents for language {language!r}")
        fillers = tuple(merged.pop("skip_words", ()))
        spoken = {name: _parsed(folder, name, texts) for name, texts in merged.pop("spoken", {}).items()}
        return cls(language, Intents.from_dict({**merged, "language": language}), spoken, fillers)


def _parsed(folder: Path, name: str, texts: Any) -> tuple[Expression, ...]:
    try:
        return tuple(parse_sentence(text).expression for text in texts)
    except (ParseError, AttributeError, TypeError, ValueError) as error:
        raise SettingsError(f"{folder}: spoken.{name}: {type(error).__name__}: {error}") from error


def compile_grammar(phrases: Phrases, titles: Sequence[str], speakable: Callable[[str], bool]) -> Grammar:
    """Compile all sentences.

    Args:
        phrases: The intents.
        titles: What stands for ``{title}``, as in the library; punctuation, digits and case do not matter.
        speakable: Whether the recogniser knows how a word sounds. Sentences with other words are left out.
    """
    net = _Network(phrases, titles)
    intents = phrases.templates.intents.values()
    for intent in intents:
        sentences = [sentence for data in intent.data for sentence in data.sentences]
        for sentence in sentences:
            net.add_sentence(sentence.expression, 1 / len(intents) / len(sentences))
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
        self.arcs: list[list[tuple[str, int, float]]] = [[], []]
        """From each node: a piece, a space or nothing, where it leads, and how probable it is from there."""

    def add_sentence(self, expression: Expression, probability: float) -> None:
        end = self._add(expression, self._text(_SPACE, self._branch(START, probability)))
        if end is not None:
            self._join(self._fillers(end), FINAL)

    def _fillers(self, start: int) -> int:
        fillers = self.phrases.fillers
        said = [self._text(f" {filler} ", self._branch(start, _FILLER / len(fillers))) for filler in fillers]
        return self._common([self._branch(start, 1 - _FILLER), *said])

    def _branch(self, start: int, probability: float) -> int:
        self.arcs.append([])
        self._join(start, len(self.arcs) - 1, probability)
        return len(self.arcs) - 1

    def _common(self, ends: Sequence[int]) -> int:
        self.arcs.append([])
        for end in ends:
            self._join(end, len(self.arcs) - 1)
        return len(self.arcs) - 1

    def _join(self, start: int, end: int, probability: float = 1.0, piece: str = "") -> None:
        self.arcs[start].append((piece, end, probability))

    def _text(self, text: str, start: int) -> int:
        for piece in re.findall(r"\s+|\S+", text):
            self.arcs.append([])
            self._join(start, len(self.arcs) - 1, piece=_SPACE if piece.isspace() else piece)
            start = len(self.arcs) - 1
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
                return self._add(self._rule(expression.rule_name), start)
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
        added = (self._add(item, self._branch(start, 1 / len(items))) for item in items)
        ends = [end for end in added if end is not None]
        return self._common(ends) if ends else None

    def _rule(self, name: str) -> Expression:
        rule = self.phrases.templates.expansion_rules.get(name)
        if rule is None:
            raise SettingsError(f"spoken sentences use <{name}>, which is not in expansion_rules")
        return rule.expression

    def _values(self, reference: ListReference) -> Iterator[Expression]:
        """What can be said for a list."""
        name = reference.list_name
        values = self.phrases.templates.slot_lists.get(name)
        if values is None:
            raise SettingsError(f"spoken sentences use {{{name}}}, which is not in lists")
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
    states: dict[tuple[tuple[str, int, float], ...], int] = {(): FINAL}
    known: dict[_Nodes, int | None] = {}

    def state_of(nodes: _Nodes) -> int | None:
        if nodes not in known:
            arcs = []
            for word, targets in sorted(_step(net, nodes).items()):
                mass = sum(targets.values())
                shares = frozenset((node, round(share / mass, 4)) for node, share in targets.items())
                target = FINAL if not word else state_of(shares) if speakable(word) else None
                if target is not None:
                    arcs.append((word, target, float(f"{mass:.3g}")))
            known[nodes] = states.setdefault(tuple(arcs), len(states) + 1) if arcs else None
        return known[nodes]

    start = state_of(frozenset({(START, 1.0)}))
    arcs = [
        Arc(START if state == start else state, target, word, probability)
        for outgoing, state in states.items()
        for word, target, probability in outgoing
    ]
    return Grammar(tuple(arcs), len(states) + 1, frozenset(arc.word for arc in arcs if arc.word))


def _step(net: _Network, nodes: _Nodes) -> dict[str, dict[int, float]]:
    """The next words, where they lead and how probably; the empty word means that a sentence may end here.

    Arcs lead to higher nodes only (FINAL apart, which leads nowhere), so in the order of the nodes every path into a
    node is counted before the node's own arcs are.
    """
    words: dict[str, dict[int, float]] = {}
    mass = {(node, ""): share for node, share in nodes}
    todo = sorted(mass)
    while todo:
        node, prefix = heapq.heappop(todo)
        here = mass[node, prefix]
        for piece, target, probability in net.arcs[node]:
            if piece == _SPACE and prefix:
                _count(words.setdefault(prefix, {}), target, here * probability)
                continue
            following = (target, prefix if piece == _SPACE else prefix + piece)
            if following not in mass:
                heapq.heappush(todo, following)
            _count(mass, following, here * probability)
    for (node, prefix), share in mass.items():
        if node == FINAL:
            _count(words.setdefault(prefix, {}), FINAL, share)
    return words


def _count(mass: dict[_Key, float], key: _Key, share: float) -> None:
    mass[key] = mass.get(key, 0.0) + share
