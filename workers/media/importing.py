"""Takes a person's own recordings and texts into the library.

Nothing is trusted: links are not followed, sizes are bounded, and what is not sound or text is skipped with a reason.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workers.media import naming, sound
from workers.media.catalogue import Catalogue
from workers.media.errors import MediaUnreadable
from workers.media.items import Item, Kind, digest

TEXTS = frozenset({".txt", ".md"})
# Neither sound nor a mistake: what music programs leave beside it.
_IGNORED = frozenset(
    {".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".pdf", ".nfo", ".log", ".cue", ".m3u", ".m3u8", ".pls", ".db"}
    | {".ini", ".json", ".xml", ".sfv", ".url"}
)
_ABOUT = frozenset({"readme", "license", "licence", "copying", "notice", "changelog", "authors", "credits"})
_LARGEST_AUDIO = 2 * 2**30
_LARGEST_TEXT = 2**20
_SHORTEST_MS = 500
_MUSIC_BIT_RATE = 64_000
_SPEECH_BIT_RATE = 40_000


@dataclass(frozen=True)
class Candidate:
    """A file that may become an item; ``refused`` says why it will not."""

    path: Path
    place: naming.Place
    size: int
    refused: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a file: an item, or the reason why not; ``duplicate`` names the item that is there already."""

    path: Path
    item: Item | None = None
    reason: str = ""
    duplicate: str = ""


def candidates(folder: Path, kind: Kind | None, language: str) -> list[Candidate]:
    """All files below a folder that look like recordings or texts, in order of their names.

    Args:
        folder: searched with all folders in it; links are not followed.
        kind: of sound where no folder name says ``music`` or ``stories``; None: music. Text is a story.
        language: taken where no folder name says one.
    """
    return [_candidate(path, folder, kind, language) for path in _files(folder)]


def _files(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(at, name)
            suffix = path.suffix.lower()
            about = suffix in TEXTS and path.stem.lower() in _ABOUT
            if not (name.startswith(".") or suffix in _IGNORED or about):
                yield path


def _candidate(path: Path, folder: Path, kind: Kind | None, language: str) -> Candidate:
    is_text = path.suffix.lower() in TEXTS
    parts = (folder.resolve().name, *path.relative_to(folder).parts[:-1])
    place = naming.place(parts, "story" if is_text else kind or "music", language)
    if path.is_symlink():
        return Candidate(path, place, 0, "a link; not followed")
    if not path.is_file():
        return Candidate(path, place, 0, "not a regular file")
    if is_text and place.kind == "music":
        return Candidate(path, place, 0, "a text among music; a story belongs into a folder called stories")
    size, largest = path.stat().st_size, _LARGEST_TEXT if is_text else _LARGEST_AUDIO
    if size == 0:
        return Candidate(path, place, 0, "empty")
    if size > largest:
        return Candidate(path, place, size, f"larger than {largest // 2**20} MB")
    return Candidate(path, place, size)


def take_in(candidate: Candidate, catalogue: Catalogue, progress: Callable[[float], object]) -> Outcome:
    """Make an item of one file.

    Args:
        candidate: the file.
        catalogue: where the item goes.
        progress: called with the seconds of sound converted since the last call.
    """
    if candidate.refused:
        return Outcome(candidate.path, reason=candidate.refused)
    make = _text if candidate.path.suffix.lower() in TEXTS else _audio
    try:
        return make(candidate, catalogue, progress)
    except MediaUnreadable as error:
        return Outcome(candidate.path, reason=str(error))
    except OSError as error:
        return Outcome(candidate.path, reason=error.strerror or type(error).__name__)


def _audio(candidate: Candidate, catalogue: Catalogue, progress: Callable[[float], object]) -> Outcome:
    path, place = candidate.path, candidate.place
    fingerprint = sound.fingerprint(path)
    if there := _same(fingerprint, catalogue):
        return Outcome(path, duplicate=there)
    tags = sound.tags(path)
    title = naming.clean(tags.get("title", "")) or naming.from_file(path.stem)
    topics = (naming.clean(tags.get(key, "")) for key in ("album", "artist", "album_artist", "genre"))
    id_ = naming.item_id(title, fingerprint)
    with catalogue.part() as part:
        bit_rate = _MUSIC_BIT_RATE if place.kind == "music" else _SPEECH_BIT_RATE
        duration_ms = sound.convert(path, part, bit_rate, progress)
        if duration_ms < _SHORTEST_MS:
            raise MediaUnreadable("shorter than half a second")
        item = Item(
            id=id_,
            kind=place.kind,
            language=place.language,
            title=title,
            topics=tuple(dict.fromkeys(topic for topic in topics if topic and topic != title)),
            author=naming.clean(tags.get("artist", "")),
            fingerprint=fingerprint,
            audio=f"{id_}.opus",
            duration_ms=duration_ms,
        )
        catalogue.put(item, part)
    return Outcome(path, item)


def _text(candidate: Candidate, catalogue: Catalogue, _progress: Callable[[float], object]) -> Outcome:
    path, place = candidate.path, candidate.place
    title, sentences = naming.story(_decoded(path.read_bytes()))
    if not sentences:
        raise MediaUnreadable("holds no story: the first line is the title, the text follows")
    fingerprint = digest(*sentences)
    if there := _same(fingerprint, catalogue):
        return Outcome(path, duplicate=there)
    item = Item(
        id=naming.item_id(title, fingerprint),
        kind="story",
        language=place.language,
        title=title,
        fingerprint=fingerprint,
        sentences=tuple(sentences),
    )
    catalogue.put(item)
    return Outcome(path, item)


def _decoded(data: bytes) -> str:
    if b"\0" in data:
        raise MediaUnreadable("not a text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # what editors without UTF-8 write


def _same(fingerprint: str, catalogue: Catalogue) -> str:
    return next((id_ for id_, item in catalogue.scan().items() if item.fingerprint == fingerprint), "")
