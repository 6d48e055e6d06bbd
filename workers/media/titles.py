"""Titles as they sound: what a recogniser makes of a title is spelled differently but sounds alike.

A phrase becomes a vector of hashed features: pieces of its words as they are spelled and pieces of its phonetic key
(Metaphone), word by word and run together, because children and recognisers put the gaps elsewhere. The cosine of
two such vectors says how alike two phrases sound. No dictionary and no statistics of the library go in: the vector of
a phrase never changes, whatever else the library holds, and so a threshold means the same in every house.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from zlib import crc32

import jellyfish
import numpy as np
from numpy.typing import NDArray

VERSION = "1"
"""Raise it when vectors change: every item is then indexed anew."""
SIZE = 512

_WORD = re.compile(r"[^\W_]+")
_FILLER_WEIGHT = 0.2
_PHRASE_WEIGHT = 0.8
# Words that ask for a title or join its words and hardly tell one from another: English, German, French.
_FILLERS = frozenset(
    _WORD.findall(
        """
    a an the of on in to and or for with by from at is it its that this there my your our some please can could would
    will you i we me us are do does what where who why how when want hear listen play sing tell read start put again
    now about time name song songs tune tunes story stories tale music track something um uh er hey ok okay
    der die das den dem des ein eine einen einem einer und oder von vom zu zum zur mit uber ueber bitte kannst du ich
    wir mir uns will mochte moechte spiel spiele sing erzahl erzaehl erzahle erzaehle lies horen hoeren lied lieder
    geschichte geschichten marchen maerchen musik
    le la les un une des de et ou sur avec joue raconte moi chanson histoire conte musique"""
    )
)
_APOSTROPHES = dict.fromkeys(map(ord, "'`\N{RIGHT SINGLE QUOTATION MARK}"))


def words(text: str) -> list[str]:
    """The words of a text, without case, accents, apostrophes and punctuation."""
    text = unicodedata.normalize("NFKD", text.casefold().translate(_APOSTROPHES))
    return _WORD.findall("".join(c for c in text if not unicodedata.combining(c)))


def vector(text: str) -> NDArray[np.float32]:
    """The vector of a phrase.

    Returns:
        Shape (SIZE,), length 1; all zero for a text without words.
    """
    total = np.zeros(SIZE, dtype=np.float32)
    said = words(text)
    # A word said twice is not twice as much of the title, but "row row row" is not "row" either.
    for word, count in Counter(said).items():
        total += np.float32(_weight(word) * count**0.5) * _hashed(tuple(_word_features(word)))
    if telling := [word for word in said if word not in _FILLERS]:
        together = _hashed(tuple(_phrase_features(telling)))
        total += np.float32(_PHRASE_WEIGHT) * np.linalg.norm(total) * together
    return _unit(total)


def _weight(word: str) -> float:
    # Long words tell titles apart better than short ones; growth flattens out.
    return _FILLER_WEIGHT if word in _FILLERS else min(len(word), 8) ** 0.5


def _word_features(word: str) -> Iterator[tuple[str, float]]:
    framed = f"^{word}$"
    for size, weight in ((2, 0.5), (3, 1.0)):
        yield from ((piece, weight) for piece in _pieces(framed, size))
    key = _key(word)
    yield f"={word}", 1.0
    # A key of one letter says little: "sea", "sue" and "zoo" share it.
    yield f"~{key}", min(len(key), 4) / 2
    yield from ((f"~{piece}", 1.0) for piece in _pieces(f"^{key}$", 2))


def _phrase_features(parts: list[str]) -> Iterator[tuple[str, float]]:
    key = "".join(_key(part) for part in parts)
    framed = f"^{key}$"
    yield from ((f"+{piece}", 1.0) for piece in _pieces(framed, 3))
    yield from ((f"+{piece}", 0.5) for piece in _pieces(framed, 2))
    # With a gap of one: a sound that was swallowed ("humty") takes less with it.
    yield from ((f"+{framed[i]}{framed[i + 2]}", 0.5) for i in range(len(framed) - 2))
    spelled = "".join(parts)
    yield from ((f"-{piece}", 1.0) for piece in _pieces(f"^{spelled}$", 3))


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[i : i + size] for i in range(max(1, len(text) - size + 1)))


@lru_cache(maxsize=4096)
def _key(word: str) -> str:
    # Metaphone knows Latin letters only and gives nothing for numbers: such words are their own key. M and N are one
    # sound to a small microphone.
    return (jellyfish.metaphone(word).replace("M", "N") if word.isascii() else "") or word


@lru_cache(maxsize=4096)
def _hashed(features: tuple[tuple[str, float], ...]) -> NDArray[np.float32]:
    """Features added up at hashed places with hashed signs, so that collisions cancel out; length 1."""
    places = np.array([crc32(name.encode()) for name, _ in features], dtype=np.uint32)
    weights = np.array([weight for _, weight in features], dtype=np.float32)
    total = np.zeros(SIZE, dtype=np.float32)
    np.add.at(total, places % SIZE, weights * np.where(places >> 31, 1, -1).astype(np.float32))
    return _unit(total)


def _unit(total: NDArray[np.float32]) -> NDArray[np.float32]:
    norm = np.linalg.norm(total)
    return total / norm if norm else total
