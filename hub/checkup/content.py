"""Settings, files of config/, the database, and the engines that the settings choose."""

import importlib
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any

from hub import engines, stage
from hub.checkup import Finding, broken, note, ok
from hub.errors import HubError, SettingsError, StoreError
from hub.lines import load_lines
from hub.settings import Settings, config_dir
from hub.store import open_store


async def look(settings: Settings) -> AsyncIterator[Finding]:
    """All findings about what is configured and kept."""
    yield intents(settings)
    yield lines(settings)
    yield await database(settings)
    for name in stage.stage_names():
        yield engine(name, settings)


def intents(settings: Settings) -> Finding:
    """The commands that are understood."""
    folder = config_dir() / "intents"
    try:
        # by name: hub does not import workers, but its doctor may look at them where they are installed
        importlib.import_module("workers.llm.intents").Intents.load(folder, settings.language)
    except SettingsError as error:
        return broken("intents", str(error), f"correct the file, or restore {folder} from the repository")
    return ok("intents", f"{folder / settings.language} can be read")


def lines(settings: Settings) -> Finding:
    """What a toy says without a language model."""
    try:
        load_lines(settings.language)
    except SettingsError as error:
        return broken("lines", str(error), "correct the file, or restore it from the repository")
    return ok("lines", f"{config_dir() / 'lines'}/{settings.language}.yaml can be read")


async def database(settings: Settings) -> Finding:
    """The database and the personas, opened as the hub opens them, SQLite's own check included."""
    path = settings.data_dir / "toyhub.db"
    if not path.exists():
        return note("database", "not there yet; the hub makes it when it first starts")
    try:
        async with open_store(settings):
            return ok("personas and database", f"personas can be read; {path} is whole")
    except SettingsError as error:
        return broken("personas", str(error), "correct the file, or restore it from the repository")
    except StoreError as error:
        return broken("database", str(error), f"restore a copy, or move {path} away to begin anew")


def engine(name: str, settings: Settings) -> Finding:
    """Which engine a stage takes, and why."""
    about, package, chosen = f"engine of {name}", f"workers.{name}.engines", settings.stage(name)
    if not find_spec(package):
        return ok(about, f"{name} has no engines to choose from")
    try:
        if chosen.engine != "auto":
            if lacks := engines.missing(package, chosen.engine, chosen.options):
                return broken(about, f"{chosen.engine}, as set, cannot run: {lacks}", "install that, or choose auto")
            return ok(about, f"{chosen.engine}, because the settings say so")
        return _automatic(about, package, tuple(engines.preferred(f"workers.{name}.engines")), chosen.options)
    except HubError as error:
        return broken(about, str(error), f"correct stages.{name} in config/hub.yaml or the TOYHUB_STAGES__* variable")


def _automatic(about: str, package: str, preferred: tuple[str, ...], options: Any) -> Finding:
    """What hub.engines.load_engine takes for auto: the first that lacks nothing."""
    lacks = {name: engines.missing(package, name, options) for name in preferred}
    reasons = "".join(f"; not {name}: {text}" for name, text in lacks.items() if text)
    able = [name for name, text in lacks.items() if not text]
    if not able:
        return broken(about, f"none can run{reasons}", "install what one of them lacks")
    return ok(about, f"{able[0]} (auto){reasons}")
