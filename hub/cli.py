"""The ``toyhub`` command: one sub-command for each file in hub/tools/ and workers/<stage>/tools/.

A tool module has either ``command``, a function with typer annotations, or ``app``, a ``typer.Typer`` with commands
of its own. Files are found by name and imported only when their command is called, so ``--help`` and each process
that ``toyhub up`` starts pay for nothing they do not use. The first line of a module's docstring is its help.
"""

import ast
import importlib
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from hub.errors import HubError, SettingsError, UnknownEngine

_ROOT = Path(__file__).parent.parent


class _Tools(TyperGroup):
    """A group that knows its commands by file name and imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, path in find_tools().items():
            self.commands[name] = TyperCommand(name=name, help=_first_line(path))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find as usual, then put the real command in the place of the summary."""
        name, found, rest = super().resolve_command(ctx, args)
        return (name, _load(find_tools()[name]), rest) if name else (name, found, rest)


def find_tools() -> dict[str, Path]:
    """Files of all commands by command name: ``tools/<name>.py`` of the hub and of each stage."""
    files = [*(_ROOT / "workers").glob("*/tools/*.py"), *(_ROOT / "hub" / "tools").glob("*.py")]
    return dict(sorted((p.stem.replace("_", "-"), p) for p in files if not p.stem.startswith("_")))


def _first_line(path: Path) -> str:
    """First line of the module's docstring, read without running the module."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


def _load(path: Path) -> Any:
    module = importlib.import_module(".".join(path.relative_to(_ROOT).with_suffix("").parts))
    if hasattr(module, "app"):
        module.app.info.help = module.app.info.help or _first_line(path)
        return typer.main.get_command(module.app)
    single = typer.Typer(add_completion=False)
    single.command(help=None if module.command.__doc__ else _first_line(path))(module.command)
    return typer.main.get_command(single)


app = typer.Typer(cls=_Tools, no_args_is_help=True, pretty_exceptions_enable=False)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        typer.echo(f"toyhub {version('toyhub')}")
        raise typer.Exit


@app.callback()
def _toyhub(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Lets children's toys talk and listen with no cloud."""


def main() -> None:
    """Run the command line; an error of ours is one clear line, any other a traceback.

    Exit codes: 78 (``EX_CONFIG``) for a setting that cannot be used, so that nobody restarts what cannot run;
    1 for other errors of ours; 130 when interrupted.
    """
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except (HubError, BaseExceptionGroup) as error:
        known = plain_errors(error)
        if not known:
            raise
        for each in known:
            typer.echo(f"toyhub: {each}", err=True)
        sys.exit(os.EX_CONFIG if any(isinstance(each, SettingsError | UnknownEngine) for each in known) else 1)


def plain_errors(error: BaseException) -> list[HubError]:
    """The errors of ours that ``error`` consists of, each text once; none if anything else is among them."""
    if isinstance(error, BaseExceptionGroup):
        inner = [plain_errors(each) for each in error.exceptions]
        return list({str(e): e for each in inner for e in each}.values()) if all(inner) else []
    return [error] if isinstance(error, HubError) else []


if __name__ == "__main__":
    main()
