"""What a text is about: which of its words to search by, and which facts replace each other. Pure."""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_SEARCHED = 16
"""Words of a text that are searched by at most."""

# Words that are in every second sentence and so say nothing about what it is about. "s", "m" … are what is left of
# "what's" and "I'm", as SQLite's tokenizer splits them too.
_STOP = frozenset(
    """
    a about again all also am an and any anything are as at be because been but by can could d did do does doing don
    for from get go got had has have he her here hers hey hi him his how i if in into is isn it its just know let like
    ll m may me mean mine more much my no not now of oh ok okay on one or our out over please re really remember s say
    she should so some something sure t tell than thank thanks that the their them then there these they thing things
    think this those to told too up us ve very want was wasn we well were what when where which who why will with won
    would yes you your yours
    """.split()
)
# Words that only say that something has a name: they match every pet and every brother.
_WEAK = frozenset({"called", "name", "named", "names"})

_NUMBERS = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"

MY_NAME = "my name"
"""Subject of the child's own name."""

# A subject that can have one value only: a later fact with the same subject replaces the earlier one.
_ONE_VALUE = (
    (re.compile(r"^(?P<what>.*\b(?:favourite|best)\b.*?) (?:is|are|was|were)\b"), "{what}"),
    (re.compile(r"^(?P<what>(?:my|our) .+?) (?:is|are) (?:called|named)\b"), "{what} name"),
    (re.compile(r"^(?P<what>(?:my|our) .+?) s? ?name is\b"), "{what} name"),
    (re.compile(r"^my name (?:is|s)\b"), MY_NAME),
    (re.compile(r"^i (?:am|m) (?:called|named)\b"), MY_NAME),
    (re.compile(rf"^i (?:am|m) (?:\d+|{_NUMBERS})(?: years old)?$"), "my age"),
    (re.compile(r"^my birthday (?:is|s)\b"), "my birthday"),
    (re.compile(r"^i live (?:in|at|on|near)\b"), "my home"),
)
_SPELLINGS = {"favorite": "favourite", "color": "colour"}


def terms(text: str) -> list[str]:
    """The words to search memories by, each once, in order; none if there is nothing to search by."""
    words = [word for word in dict.fromkeys(_words(text)) if word not in _STOP]
    return telling(text) or words[:_SEARCHED]


def telling(text: str) -> list[str]:
    """The words that say what ``text`` is about: *dog* and *max* in "my dog is called max"."""
    return [word for word in dict.fromkeys(_words(text)) if word not in _STOP | _WEAK][:_SEARCHED]


def any_of(words: list[str]) -> str:
    """FTS5 query for texts with at least one of ``words``. Quoted, so that no word is an operator."""
    return " OR ".join(f'"{word}"' for word in words)


def all_of(words: list[str]) -> str:
    """FTS5 query for texts with all of ``words``."""
    return " AND ".join(f'"{word}"' for word in words)


def plain(text: str) -> str:
    """``text`` without what does not change its meaning: case, punctuation, spelling variants, a leading *that*."""
    words = [_SPELLINGS.get(word, word) for word in _words(text)]
    return " ".join(words[1:] if words[:1] == ["that"] else words)


def subject(text: str) -> str:
    """What a fact is about. A device keeps one fact for each subject.

    ``my favourite colour is red`` has the subject *my favourite colour*: there is one, so a later fact replaces it.
    ``my dog is brown`` is its own subject: a dog is brown and old at once. Only the few forms above that can have
    one value are recognised; what is not recognised is kept beside the rest, since losing a fact is worse.
    """
    words = plain(text)
    for form, name in _ONE_VALUE:
        if found := form.match(words):
            return name.format(**found.groupdict())
    return words


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
