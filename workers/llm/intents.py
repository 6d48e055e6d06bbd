"""Matches a text against the intents of config/intents: commands work without any language model.

The sentences are hassil templates; the speech recogniser compiles the same files into its grammar.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from hassil.errors import HassilError
from hassil.expression import ListReference
from hassil.intents import Intents as Templates
from hassil.parser import ParseError
from hassil.recognize import RecognizeResult, recognize_all
from hassil.util import merge_dict

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
        merged: dict[str, Any] = {"language": language, "intents": {}, "lists": {}, "expansion_rules": {}}
        paths = sorted((folder / language).glob("*.yaml"))
        if not paths:
            raise SettingsError(f"{folder / language}: no intents for language {language!r}")
        for path in paths:
            _merge(merged, path)
        fillers = frozenset(merged.pop("skip_words", ()))
        templates = Templates.from_dict(merged)
        for path in paths:
            _check_references(templates, path)
        return cls(templates, fillers)

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


def _merge(merged: dict[str, Any], path: Path) -> None:
    """Add one file to what was read before, after parsing it alone so that an error names it."""
    content = read_yaml(path)
    if not isinstance(content, Mapping):
        raise SettingsError(f"{path}: a mapping with the key intents, lists or expansion_rules is expected")
    for section in ("intents", "lists", "expansion_rules"):
        entries = content.get(section) or {}
        if not isinstance(entries, Mapping):
            raise SettingsError(f"{path}: {section}: a mapping of names is expected")
        for key, value in entries.items():
            if key in merged[section]:
                raise SettingsError(f"{path}: {section}.{key}: is also in another file")
            _parse_alone(path, section, key, value)
            merged[section][key] = value
    fillers = content.get("skip_words") or []
    if not isinstance(fillers, list):
        raise SettingsError(f"{path}: skip_words: a list of words is expected")
    merged.setdefault("skip_words", []).extend(str(word) for word in fillers)


def _parse_alone(path: Path, section: str, key: str, value: Any) -> None:
    try:
        parsed = Templates.from_dict({"language": "en", "intents": {}, section: {key: value}})
        for intent in parsed.intents.values():
            for data in intent.data:
                _ = data.sentences  # hassil parses sentences on first use
    except (ParseError, HassilError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{path}: {section}.{key}: {type(error).__name__}: {error}") from error


def _check_references(templates: Templates, path: Path) -> None: ...
