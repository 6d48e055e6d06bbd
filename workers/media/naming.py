"""What the names of files and folders, tags and first lines say about a recording or a text."""

import re
import unicodedata
from dataclasses import dataclass

from workers.media.items import Kind, primary

_LONGEST_TITLE = 120
_LONGEST_SENTENCE = 220
"""Characters: a voice begins to speak when it has the whole sentence."""

_MUSIC = frozenset({"music", "song", "songs", "tunes", "lullabies", "musik", "lieder", "musique", "chansons", "musica"})
_STORY = frozenset(
    {"story", "stories", "tales", "audiobooks", "audiobook", "books", "geschichten", "geschichte", "märchen"}
    | {"hörbücher", "hörspiele", "histoires", "contes", "cuentos"}
)
_LANGUAGES = {
    "english": "en", "deutsch": "de", "german": "de", "französisch": "fr", "français": "fr", "french": "fr",
    "español": "es", "spanish": "es", "italiano": "it", "italian": "it", "nederlands": "nl", "dutch": "nl",
    "polski": "pl", "polish": "pl", "português": "pt", "portuguese": "pt", "türkçe": "tr", "turkish": "tr",
}  # fmt: skip
_CODES = frozenset(
    re.findall(
        r"\w+",
        "ar bg bn ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka ko lt lv mk mt nb nl nn "
        "pl pt ro ru sk sl sq sr sv sw ta th tl tr uk ur vi zh",
    )
)
_CODE = re.compile(r"([a-z]{2})([-_][a-z]{2,4})?")

_SENTENCE_END = re.compile(r"(?<=[.!?…])(?P<closing>[\"'\u201d\u2019»)]*)\s+")
_CLAUSE_END = re.compile(r"(?<=[,;:\u2013\u2014])\s+")
_MARKDOWN = re.compile(r"^\s*(?:#+|>|[-*+]|\d+[.)])\s+|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_NUMBER = re.compile(
    r"^(?:(?:cd|disc|disk)\s*\d+\s*[-.]?\s*)?(?:(?:track|titel|piste)\s*)?(?:\d{1,3}\s*[-.)\]]+\s*|0\d{1,2}\s+)+"
)


@dataclass(frozen=True)
class Place:
    """What the folders above a file say."""

    kind: Kind
    language: str


def place(folders: tuple[str, ...], kind: Kind, language: str) -> Place:
    """Kind and language from folder names, the innermost last; what no name says stays as given."""
    for folder in folders:
        name = unicodedata.normalize("NFC", folder).casefold().strip()
        if name in _MUSIC:
            kind = "music"
        elif name in _STORY:
            kind = "story"
        elif name in _LANGUAGES:
            language = _LANGUAGES[name]
        elif (match := _CODE.fullmatch(name)) and match[1] in _CODES:
            language = match[1]
    return Place(kind, primary(language))


def clean(text: str) -> str:
    """One line without control characters and repeated blanks, cut to a title's length."""
    text = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in unicodedata.normalize("NFC", text))
    return " ".join(text.split())[:_LONGEST_TITLE].strip()


def from_file(stem: str) -> str:
    """A title from a file name: ``03_-_old_bear`` is ``Old bear``, ``3 little pigs`` keeps its number."""
    text = clean(stem.replace("_", " "))
    title = _NUMBER.sub("", text.casefold())
    title = text[len(text) - len(title) :].strip(" -.") if len(text.casefold()) == len(text) else text
    title = title or text or "Untitled"
    return title[0].upper() + title[1:]


def item_id(title: str, fingerprint: str) -> str:
    """An id for the title that is also a safe file name; its end tells apart what is called the same."""
    plain = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:50].strip("-") or "item"
    return f"{slug}-{fingerprint[:8]}" if not slug.startswith("starter") else f"my-{slug}-{fingerprint[:8]}"


def story(text: str) -> tuple[str, list[str]]:
    """Title (the first line with text) and sentences of a story, without the marks of Markdown."""
    plain = _MARKDOWN.sub("", _LINK.sub(r"\1", text.replace("\r\n", "\n").replace("\r", "\n")))
    title, _, rest = plain.strip().partition("\n")
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", rest):
        found += sentences(paragraph)
    return clean(title) or "Untitled", found


def sentences(paragraph: str) -> list[str]:
    """A paragraph as sentences that are quickly spoken: long ones are cut between clauses, at worst between words."""
    text = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in paragraph).split())
    pieces = _SENTENCE_END.sub(lambda match: match["closing"] + "\n", text).split("\n")
    return [part for piece in pieces for part in _cut(piece.strip()) if any(c.isalnum() for c in part)]


def _cut(sentence: str) -> list[str]:
    if len(sentence) <= _LONGEST_SENTENCE:
        return [sentence]
    window = sentence[:_LONGEST_SENTENCE]
    ends = [match.start() for match in _CLAUSE_END.finditer(window)]
    at = ends[-1] if ends else window.rfind(" ")
    at = at if at > 0 else _LONGEST_SENTENCE
    return [sentence[:at].rstrip(), *_cut(sentence[at:].lstrip())]
