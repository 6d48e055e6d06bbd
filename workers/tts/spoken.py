"""Text as it is spoken: no markup, no pictures, no control characters. No I/O."""

import re
import unicodedata

_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_LINE_START = re.compile(r"^[ \t]*(?:#{1,6}|[-*+•>]+)[ \t]+", re.MULTILINE)
_PICTURE_STYLES = map(chr, range(0xFE00, 0xFE10))
_MARKS = str.maketrans(dict.fromkeys([*"*_`~#|\\<>[]{}^=", *_PICTURE_STYLES], " "))
_AS_WORDS = str.maketrans({"&": " and ", "’": "'", "‘": "'", "“": '"', "”": '"', "–": ", ", "—": ", "})
_BETWEEN_LETTERS = re.compile(r"(?<=\w)[*_~`](?=\w)|[*_~`]+")
_REPEATED = re.compile(r"([^\W\d_])\1{3,}")
_REPEATED_MARK = re.compile(r"([!?,;:])[!?,;:]+")
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[.,;:!?…])")
_SILENT = frozenset(("Cc", "Cf", "Co", "Cs", "Cn", "So", "Sk", "Me"))


def spoken(text: str) -> str:
    """The words of a text on one line; empty when there is nothing to be said in it."""
    text = unicodedata.normalize("NFC", text)
    text = _LINK.sub(r"\1", text)
    text = _ADDRESS.sub(" ", text)
    text = _TAG.sub(" ", text)
    text = _LINE_START.sub("", text)
    text = _BETWEEN_LETTERS.sub(lambda mark: " " if mark[0] == "_" else "", text)
    text = text.translate(_AS_WORDS).translate(_MARKS)
    text = "".join(" " if unicodedata.category(c) in _SILENT else c for c in text)
    text = _REPEATED.sub(r"\1\1\1", text)
    text = _REPEATED_MARK.sub(r"\1", text)
    text = _SPACE_BEFORE_MARK.sub("", " ".join(text.split()))
    return text if any(c.isalnum() for c in text) else ""
