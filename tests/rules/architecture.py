"""The architecture as functions that find violations in a tree of sources; tests run them on ours and planted ones."""

import ast
from collections.abc import Iterator
from pathlib import Path

ONLY_IN = {
    "aiomqtt": "hub/bus.py", "aiosqlite": "hub/store/", "msgpack": "hub/messages/", "piper": "workers/tts/engines/",
}  # fmt: skip
"""Packages that one place imports, so that it can be replaced there."""
PURE = ("hub/session/endpointing.py", "hub/session/turns.py", "hub/session/turn.py", "hub/session/playout.py",
        "hub/session/effects.py", "hub/session/ear.py", "workers/memory/prompt.py", "hub/discovery/")  # fmt: skip
"""Files without I/O and without a clock."""
NOT_PURE = {"asyncio", "time", "socket", "subprocess", "threading", "os", "pathlib", "random", "aiomqtt", "aiosqlite",
            "httpx", "datetime"}  # fmt: skip
MAX_STAGE, MAX_ENGINE, MAX_FUNCTION = 60, 150, 50


def sources(root: Path) -> Iterator[tuple[str, ast.Module, str]]:
    """Path relative to ``root``, syntax tree and text of each source file of the product."""
    for path in sorted([*root.glob("hub/**/*.py"), *root.glob("workers/**/*.py")]):
        text = path.read_text()
        yield path.relative_to(root).as_posix(), ast.parse(text), text


def imported(tree: ast.Module) -> Iterator[str]:
    """Every module a file imports, however deep in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def import_violations(root: Path) -> Iterator[str]:
    """hub imports no workers, a stage no other stage, an engine no asyncio or bus; some packages live in one place."""
    for path, tree, _ in sources(root):
        parts = path.split("/")
        for name in imported(tree):
            levels = name.split(".")
            if levels[0] == "workers" and (parts[0] == "hub" or levels[1:2] not in ([], [parts[1]])):
                yield f"{path} imports {name}"
            if (place := ONLY_IN.get(levels[0])) and not path.startswith(place):
                yield f"{path} imports {name}, which belongs to {place}"
            if "/engines/" in path and (levels[0] == "asyncio" or name.startswith(("hub.bus", "hub.stage"))):
                yield f"{path} is an engine and imports {name}"
            if path.startswith(PURE) and (levels[0] in NOT_PURE or name.startswith(("hub.bus", "hub.store"))):
                yield f"{path} does no I/O and imports {name}"


def topic_violations(root: Path, roots: set[str]) -> Iterator[str]:
    """Topics are spelled only in hub/topics.py: no other string begins like one."""
    for path, tree, _ in sources(root):
        if path == "hub/topics.py":
            continue
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                text = node.value.removeprefix("$share/")
                if "/" in text and " " not in text and text.split("/")[0] in roots:
                    yield f"{path}:{node.lineno} spells the topic {node.value!r}"


def size_violations(root: Path) -> Iterator[str]:
    """Stage files, engine files and functions stay small. A longer function says why: ``# long: reason``."""
    for path, tree, text in sources(root):
        lines = text.splitlines()
        if "_to_" in path and len(lines) > MAX_STAGE:
            yield f"{path} is a stage of {len(lines)} lines"
        if "/engines/" in path and len(lines) > MAX_ENGINE:
            yield f"{path} is an engine of {len(lines)} lines"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > MAX_FUNCTION and "# long:" not in "\n".join(lines[node.lineno - 1 : node.end_lineno]):
                    yield f"{path}:{node.lineno} {node.name} is {length} lines long"


def task_violations(root: Path) -> Iterator[str]:
    """Every task has a name."""
    for path, tree, _ in sources(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                if called == "create_task" and not any(keyword.arg == "name" for keyword in node.keywords):
                    yield f"{path}:{node.lineno} makes a task without a name"


def name_violations(root: Path, consumed: dict[str, str]) -> Iterator[str]:
    """``<a>_to_<b>.py`` consumes the topic whose last level is ``a``; given as file name -> last level."""
    for path in sorted(root.glob("workers/*/*_to_*.py")):
        noun = consumed.get(path.stem, "?")
        if path.stem.split("_to_")[0] != noun:
            yield f"{path.name} consumes {noun}"
