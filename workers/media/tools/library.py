"""Music and stories the toys can play and tell: add, list, search and remove them.

The commands work on the folder alone, so they can be used while the media worker runs: it takes in what changed
within seconds.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hub.settings import Settings, load_settings
from workers.media import importing
from workers.media.catalogue import Catalogue
from workers.media.items import Hit, Item, Kind
from workers.media.settings import LibrarySettings

app = typer.Typer(no_args_is_help=True, add_completion=False)


class KindName(StrEnum):
    """What the command line calls a kind."""

    MUSIC = "music"
    STORY = "story"


_Kind = Annotated[KindName | None, typer.Option(help="What the folder names do not say.", show_default=False)]
_Only = Annotated[KindName | None, typer.Option(help="Only this kind.", show_default=False)]


@app.command()
def add(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Searched with all folders in it.")],
    kind: _Kind = None,
    language: Annotated[str, typer.Option(help="Where no folder is named after one, such as en.")] = "",
) -> None:
    """Take recordings (any usual audio format) and stories (.txt, .md) from FOLDER into the library.

    Folder names say kind and language: FOLDER/en/music, FOLDER/stories/de. A file that cannot be used is named and
    skipped.
    """
    settings, catalogue = _open()
    console = Console()
    files = importing.candidates(folder, kind.value if kind else None, language or settings.language)
    outcomes = _take_in_all(files, catalogue, console)
    for outcome in outcomes:
        name = escape(str(outcome.path.relative_to(folder)))
        if outcome.reason:
            console.print(f"[yellow]skipped[/] {name}: {escape(outcome.reason)}", soft_wrap=True, highlight=False)
        elif outcome.duplicate:
            console.print(f"already there: {name} is {outcome.duplicate}", soft_wrap=True, highlight=False)
    added = sum(outcome.item is not None for outcome in outcomes)
    known = sum(bool(outcome.duplicate) for outcome in outcomes)
    skipped = len(outcomes) - added - known
    console.print(f"{added} added, {known} already there, {skipped} skipped", highlight=False)
    if not added and not known:
        raise typer.Exit(1)


@app.command("list")
def list_items(kind: _Only = None) -> None:
    """Show what is in the library."""
    _, catalogue = _open()
    wanted: Kind | None = kind.value if kind else None
    _show([Hit(item, 1.0) for item in catalogue.scan().values() if item.fits(wanted, None)], scores=False)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="What a child would say, misheard or not.")],
    kind: _Only = None,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 5,
) -> None:
    """Show what would be found for TEXT, and how sure that is."""
    # Qdrant takes a second to import: the other commands do without.
    from workers.media.library import Library

    settings, _ = _open()
    # In memory, because the worker may hold the index.
    ours = LibrarySettings.of(settings).model_copy(update={"qdrant_path": None, "qdrant_url": None})
    with Library(ours) as library:
        library.refresh()
        hits = library.search(text, kind.value if kind else None, limit=limit)
    if not hits:
        Console().print("nothing sounds like that")
        raise typer.Exit(1)
    _show(hits, scores=True)


@app.command()
def remove(id_: Annotated[str, typer.Argument(metavar="ID", help="As the list shows it.")]) -> None:
    """Remove one piece from the library, with its sound."""
    _, catalogue = _open()
    catalogue.remove(id_)
    Console().print(f"removed {id_}", highlight=False)


def _open() -> tuple[Settings, Catalogue]:
    settings = load_settings()
    ours = LibrarySettings.of(settings)
    return settings, Catalogue(ours.folder, starter=ours.starter)


def _take_in_all(files: list[importing.Candidate], catalogue: Catalogue, console: Console) -> list[importing.Outcome]:
    outcomes = []
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(files))
        for file in files:
            heard_s = 0.0

            def heard(seconds: float, name: str = file.path.name) -> None:
                nonlocal heard_s
                heard_s += seconds
                progress.update(task, description=f"{name} {heard_s / 60:.1f} min")

            progress.update(task, description=file.path.name)
            outcomes.append(importing.take_in(file, catalogue, heard))
            progress.advance(task)
    return outcomes


def _show(hits: list[Hit], *, scores: bool) -> None:
    table = Table(box=None, pad_edge=False)
    for column in (*(("score",) if scores else ()), "id", "title", "kind", "language", "length"):
        table.add_column(column, no_wrap=column == "id")
    for hit in hits:
        item = hit.item
        row = (item.id, escape(item.title), item.kind, item.language, _length(item))
        table.add_row(*((f"{hit.score:.2f}",) if scores else ()), *row)
    Console().print(table)


def _length(item: Item) -> str:
    if item.spoken:
        return f"{len(item.sentences)} sentences"
    minutes, seconds = divmod(item.duration_ms // 1000, 60)
    return f"{minutes}:{seconds:02}"
