"""The library the hub comes with: stories to be spoken, and tunes that are rendered on the first run."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from hub.errors import SettingsError
from hub.settings import Section, read_yaml, validate
from workers.media import sound, tunes
from workers.media.catalogue import Catalogue
from workers.media.items import ANY_LANGUAGE, Item, digest

_LOGGER = logging.getLogger(__name__)

_RENDERING = "1"
"""Raise it when the music box sounds different: every tune is then rendered anew."""
_TUNE_BIT_RATE = 64_000


class Story(Section):
    """A story to be spoken, as its YAML file says it."""

    title: str
    also: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    language: str = "en"
    ages: str = ""
    author: str
    licence: str
    text: Annotated[str, Field(min_length=1)]
    """One sentence on each line, so that no sentence needs YAML's quotes."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is spoken, piece by piece."""
        return tuple(line.strip() for line in self.text.splitlines() if line.strip())


def install(folder: Path, catalogue: Catalogue) -> Iterator[Item]:
    """Put the starter library into the catalogue, stories first; yields what was new or had changed.

    What a person removed stays away. A file that cannot be used is logged and skipped: it must not stop the others.
    """
    present = catalogue.scan()
    for make, pattern in ((_story, "stories/*/*.yaml"), (_tune, "tunes/*.yaml")):
        for path in sorted(folder.glob(pattern)):
            id_ = f"starter-{path.stem}"
            if catalogue.is_removed(id_):
                continue
            fingerprint = digest(_RENDERING, path.read_bytes())
            known = present.get(id_)
            if known and known.fingerprint == fingerprint and _is_whole(known, catalogue):
                continue
            try:
                yield make(path, id_, fingerprint, catalogue)
            except SettingsError as error:
                _LOGGER.warning("starter library: skipped %s", error)


def _is_whole(item: Item, catalogue: Catalogue) -> bool:
    return item.spoken or (catalogue.folder / item.audio).is_file()


def _story(path: Path, id_: str, fingerprint: str, catalogue: Catalogue) -> Item:
    story = validate(Story, read_yaml(path), str(path))
    words = story.model_dump(exclude={"text"})
    item = Item(id=id_, kind="story", starter=True, fingerprint=fingerprint, sentences=story.sentences, **words)
    catalogue.put(item)
    return item


def _tune(path: Path, id_: str, fingerprint: str, catalogue: Catalogue) -> Item:
    tune = validate(tunes.Tune, read_yaml(path), str(path))
    with catalogue.part() as part:
        samples = tunes.render(tune)
        blocks = (samples[start : start + sound.RATE] for start in range(0, len(samples), sound.RATE))
        duration_ms = sound.write(part, blocks, _TUNE_BIT_RATE)
        words = tune.model_dump(include={"title", "also", "topics", "ages", "licence", "origin"})
        item = Item(
            id=id_, kind="music", language=ANY_LANGUAGE, starter=True, fingerprint=fingerprint,
            audio=f"{id_}.opus", duration_ms=duration_ms, **words,
        )  # fmt: skip
        catalogue.put(item, part)
    return item
