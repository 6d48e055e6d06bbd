"""Pick an engine by name: one module in ``workers/<stage>/engines`` for each.

An engine module has ``Settings`` (pydantic, unknown keys rejected), ``Engine(settings)`` and, if it needs a package
or model that may be missing, ``missing(settings) -> str`` that says what is missing, or nothing.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any

from hub.errors import UnknownEngine
from hub.settings import validate


def engine_names(package: str) -> list[str]:
    """Names of the engines in ``package``, found by file name without importing any of them."""
    return sorted(m.name for m in pkgutil.iter_modules(importlib.import_module(package).__path__))


def load_engine(package: str, name: str, options: Mapping[str, Any]) -> Any:
    """Import only the chosen engine and build it; native libraries are heavy and may clash.

    Args:
        package: such as ``workers.stt.engines``.
        name: file name of the engine; ``auto`` takes the first preferred that misses nothing.
        options: checked by the engine's Settings.

    Raises:
        UnknownEngine: no such file.
        SettingsError: an option the engine does not know.
        EngineError: the engine's model or program is missing or broken.
    """
    if name == "auto":
        order = preferred(package)
        name = next((n for n in order[:-1] if not missing(package, n, options)), order[-1])
    module = _module(package, name)
    engine = module.Engine(_settings(module, package, name, options))
    engine.name = name
    return engine


def preferred(package: str) -> Sequence[str]:
    """The engines that ``auto`` chooses from, best first; the last always works."""
    order: Sequence[str] = importlib.import_module(package).PREFERRED
    return order


def missing(package: str, name: str, options: Mapping[str, Any]) -> str:
    """What the engine lacks on this machine, in plain words; empty when it can run."""
    module = _module(package, name)
    if not hasattr(module, "missing"):
        return ""
    return str(module.missing(_settings(module, package, name, options)))


def _module(package: str, name: str) -> Any:
    known = engine_names(package)
    if name not in known:
        raise UnknownEngine(package.split(".")[1], name, known)
    return importlib.import_module(f"{package}.{name}")


def _settings(module: Any, package: str, name: str, options: Mapping[str, Any]) -> Any:
    return validate(module.Settings, dict(options), f"stages.{package.split('.')[1]}.options for engine {name}")
