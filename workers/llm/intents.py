"""Matches a text against the intents of config/intents: commands work without any language model.

The sentences are hassil templates; the speech recogniser compiles the same files into its grammar.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from hassil.errors import HassilError
from hassil.expression import Expression, Group, ListReference, RuleReference
from hassil.intents import Intents as Templates
from hassil.intents import TextSlotList
from hassil.parser import ParseError
from hassil.recognize import RecognizeResult, recognize_all

from hub.errors import SettingsError
from hub.settings import read_yaml

# Sentences of this intent are talk, not commands: they are there to win against a greedier command.
CHAT = "chat"
_PUNCTUATION = '.,!?;:…¿¡"“”()'
_QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'"})


@dataclass(frozen=True)
class Intent:
    """A command and its details, such as ``Intent("volume", {"level": 50})``."""

    name: str
    slots: dict[str, str | int] = field(default_factory=dict)


class Intents:
    """All commands of one language."""

    def __init__(self, templates: Templates, fillers: frozenset[str]) -> None:
        self._templates = templates
        self._fillers = fillers

    @classmethod
    def load(cls, folder: Path, language: str) -> Self:
        """Read every YAML file of ``folder/<language>``.

        Raises:
            SettingsError: A file is missing, is not YAML, or holds something that is no intent; names the file and key.
        """
        merged: dict[str, Any] = {"intents": {}, "lists": {}, "expansion_rules": {}, "skip_words": []}
        paths = sorted((folder / language).glob("*.yaml"))
        if not paths:
            raise SettingsError(f"{folder / language}: no intents for language {language!r}")
        origin: dict[tuple[str, str], Path] = {}
        for path in paths:
            _merge(merged, origin, path)
        fillers = frozenset(merged.pop("skip_words"))
        templates = Templates.from_dict({**merged, "language": language})
        _check_references(templates, origin)
        return cls(templates, fillers)

    @property
    def names(self) -> list[str]:
        """All intents, the one of talk included."""
        return list(self._templates.intents)

    def match(self, text: str) -> Intent | None:
        """Find the command in ``text``, or None if it is talk.

        Of several matches the one with the least free text wins: "play it again" is no title.
        """
        words = _clean(text).split()
        stripped = self._without_fillers(words)
        for candidate in (stripped, words) if stripped != words else (words,):
            best = self._best(" ".join(candidate))
            if best is not None:
                return None if best.intent.name == CHAT else _intent(best)
        return None

    def _without_fillers(self, words: list[str]) -> list[str]:
        start, end = 0, len(words)
        while start < end and words[start].lower() in self._fillers:
            start += 1
        while end > start and words[end - 1].lower() in self._fillers:
            end -= 1
        return words[start:end]

    def _best(self, text: str) -> RecognizeResult | None:
        if not text:
            return None
        return min(recognize_all(text, self._templates), key=_free_characters, default=None)


def _clean(text: str) -> str:
    """Straight quotes, no punctuation around words, single spaces; the case stays (names)."""
    return " ".join(word.strip(_PUNCTUATION) for word in text.translate(_QUOTES).split())


def _free_characters(result: RecognizeResult) -> int:
    return sum(len(entity.text.strip()) for entity in result.entities_list if entity.is_wildcard)


def _intent(result: RecognizeResult) -> Intent:
    slots: dict[str, str | int] = {}
    for name, entity in result.entities.items():
        value = entity.value
        slots[name] = int(value) if isinstance(value, int | float) else str(value).strip()
    return Intent(result.intent.name, slots)


def _merge(merged: dict[str, Any], origin: dict[tuple[str, str], Path], path: Path) -> None:
    """Add one file to what was read before, after parsing each entry alone so that an error names it."""
    content = read_yaml(path)
    if not isinstance(content, Mapping):
        raise SettingsError(f"{path}: a mapping with the key intents, lists or expansion_rules is expected")
    for section in ("intents", "lists", "expansion_rules"):
        entries = content.get(section) or {}
        if not isinstance(entries, Mapping):
            raise SettingsError(f"{path}: {section}: a mapping of names is expected")
        for key, value in entries.items():
            if (section, key) in origin:
                raise SettingsError(f"{path}: {section}.{key}: is also in {origin[section, key].name}")
            _parse_alone(path, section, key, value)
            origin[section, key] = path
            merged[section][key] = value
    fillers = content.get("skip_words") or []
    if not isinstance(fillers, list):
        raise SettingsError(f"{path}: skip_words: a list of words is expected")
    merged["skip_words"].extend(str(word).lower() for word in fillers)


def _parse_alone(path: Path, section: str, key: str, value: Any) -> None:
    try:
        parsed = Templates.from_dict({"language": "", "intents": {}, section: {key: value}})
        for intent in parsed.intents.values():
            for data in intent.data:
                _ = data.sentences  # hassil parses sentences on first use
    except (ParseError, HassilError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{path}: {section}.{key}: {type(error).__name__}: {error}") from error


def _check_references(templates: Templates, origin: Mapping[tuple[str, str], Path]) -> None:
    """Every list and rule that is used exists, so that no match can fail later."""
    for (section, key), path in origin.items():
        for reference in _references(_expressions(templates, section, key)):
            if isinstance(reference, ListReference):
                name, known = f"{{{reference.list_name}}}", reference.list_name in templates.slot_lists
            else:
                name, known = f"<{reference.rule_name}>", reference.rule_name in templates.expansion_rules
            if not known:
                raise SettingsError(f"{path}: {section}.{key}: there is no {name}")


def _expressions(templates: Templates, section: str, key: str) -> list[Expression]:
    if section == "intents":
        return [sentence.expression for data in templates.intents[key].data for sentence in data.sentences]
    if section == "expansion_rules":
        return [templates.expansion_rules[key].expression]
    values = templates.slot_lists[key]
    return [value.text_in for value in values.values] if isinstance(values, TextSlotList) else []


def _references(expressions: Iterable[Expression]) -> Iterator[ListReference | RuleReference]:
    for expression in expressions:
        if isinstance(expression, Group):
            yield from _references(expression.items)
        elif isinstance(expression, ListReference | RuleReference):
            yield expression
