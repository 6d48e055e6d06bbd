"""What the documentation must say, as functions that find what is missing or wrong in a text."""

import ast
import dataclasses
import json
import re
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from annotated_types import Ge, Le, Lt, MaxLen
from pydantic import BaseModel

from hub.lines import FAILURE_CODES
from hub.messages import (
    Config,
    Control,
    Event,
    Heard,
    Hello,
    Message,
    Presence,
    Reply,
    Set,
    State,
    Text,
    UpAudio,
    UtteranceFile,
)
from hub.messages.control import ERROR_CODES
from hub.settings import Settings
from hub.topics import every_topic
from workers.media.settings import LibrarySettings

ROOT = Path(__file__).parent.parent.parent
DESCRIBED: tuple[type[Message], ...] = (
    Presence, Hello, Event, UtteranceFile, Text, Control, Config, State, Heard, Reply, Set,
)  # fmt: skip
"""Messages whose fields are in protocol.md, each in the section of its topic."""
IN_TABLES = {(Event, "event"), (Control, "control"), (Set, "text")}
"""Fields whose values have a table of their own."""
MAX_CLIENT_LINES = 30
_TOPIC = re.compile(
    r"(?<![\w/.$}-])(?:\$share/[^/\s]+/)?(?:toys|turns|leases|workers|library|hub)/[\w<>{}+#/*.-]*[\w>}+#*/]"
)
_CODE = re.compile(r"`([^`]*)`")


def topic_violations(text: str) -> Iterator[str]:
    """Every topic is named, and what looks like a topic is one, or a file of ours."""
    for name, topic in every_topic().items():
        if f"`{topic.template.translate(str.maketrans('{}', '<>'))}`" not in text:
            yield f"the topic {name} is not named"
    for found in _TOPIC.findall(text):
        if not (_is_topic(found) or any(ROOT.glob(found.replace("<stage>", "*"))) or any(ROOT.glob(f"{found}.py"))):
            yield f"{found} is neither a topic nor a file"


def _is_topic(text: str) -> bool:
    """Whether ``text`` is a topic, a filter, or the beginning of one that ends with a slash.

    ``<field>``, ``{expression}``, ``+`` or a real value may stand where a level varies.
    """
    levels = text.split("/")
    levels = levels[2:] if levels[0] == "$share" else levels
    whole = levels[-1] not in ("", "#")
    levels = levels if whole else levels[:-1]
    templates = [topic.template.split("/") for topic in every_topic().values()]
    return any(
        (len(levels) == len(template) if whole else len(levels) < len(template))
        and all(map(_fits, levels, template))
        for template in templates
    )  # fmt: skip


def _fits(level: str, of_template: str) -> bool:
    varies = of_template.startswith("{")
    if level == "<noun>" or (varies and "{" in level):
        return True
    if level.startswith("<"):
        return level[1:-1] == of_template[1:-1]
    return varies if level == "+" else varies or level == of_template


def field_violations(protocol: str) -> Iterator[str]:
    """Every field of every message of toys and people has a row in the section of its topic, with range and default."""
    for kind in DESCRIBED:
        place = section(protocol, kind.topic.template)
        if not place:
            yield f"{kind.__name__} has no section"
        for name, field in kind.model_fields.items():
            if name in kind.topic.fields:
                continue
            row = _row(place, name)
            if (kind, name) in IN_TABLES and kind is Set:
                continue
            if row is None:
                yield f"{kind.__name__}.{name} is not described"
            else:
                yield from (f"{kind.__name__}.{name}: {what}" for what in _row_violations(kind, name, field, row))
    table = section(protocol, "4 Audio chunks", "## ")
    for name in {field.name for field in dataclasses.fields(UpAudio)} - {"device", "data"}:
        if f"| `{name}` |" not in table:
            yield f"{name} of a chunk is not described"


def _row_violations(kind: type[Message], name: str, field: Any, row: Sequence[str]) -> Iterator[str]:
    if field.is_required():
        default = "required"
    else:
        default = "absent" if field.default is None else f"`{json.dumps(field.default)}`"
    if row[2] != default:
        yield f"the default is {default}, not {row[2]}"
    if (kind, name) in IN_TABLES:
        return
    for limit in _limits(field):
        if not re.search(rf"(?<!\d){limit}(?!\d)", row[1]):
            yield f"the limit {limit} is missing"
    for value in _literals(field.annotation):
        if f"`{value}`" not in row[1] and str(value) not in re.findall(r"\d+", row[1]):
            yield f"the value {value} is missing"


def _limits(field: Any) -> Iterator[int]:
    for limit in field.metadata:
        match limit:
            case Ge(ge=value) | Le(le=value) | MaxLen(max_length=value):
                yield typing.cast("int", value)
            case Lt(lt=value):
                yield typing.cast("int", value) - 1


def _literals(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) is typing.Literal:
        return list(typing.get_args(annotation))
    return [value for part in typing.get_args(annotation) for value in _literals(part)]


def name_violations(protocol: str) -> Iterator[str]:
    """Every event, order and code has its row, and no row names another."""
    events, orders = (_literals(kind.model_fields[kind.topic.noun].annotation) for kind in (Event, Control))
    tables = {
        "event": (section(protocol, Event.topic.template), "| Event |", events),
        "order": (section(protocol, Control.topic.template), "| Order |", orders),
        "code": (
            section(protocol, "10 How a turn ends", "## "), "| Code |", [*FAILURE_CODES, *ERROR_CODES, "no-speech"]
        ),
    }
    for what, (place, head, names) in tables.items():
        named = [_CODE.findall(row[0])[0] for row in table_rows(place, head)]
        yield from (f"the {what} {name} has no row" for name in names if name not in named)
        yield from (f"there is no {what} {name}" for name in named if name not in names)


def reason_violations(protocol: str) -> Iterator[str]:
    """Every reason for which a message is refused has its row."""
    place = section(protocol, "12 Limits and bad input", "## ")
    for reason in sorted(refusals()):
        if f"| `{reason}` |" not in place:
            yield f"the reason {reason} has no row"


def refusals() -> set[str]:
    """Reasons as they stand in the code: of bad messages, and of the registry."""
    found = set()
    for path in ROOT.glob("hub/messages/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "BadMessage":
                found |= {str(each.value) for each in node.args[1:2] if isinstance(each, ast.Constant)}
    registry = ast.parse((ROOT / "hub/session/devices.py").read_text())
    refusal = next(n for n in ast.walk(registry) if isinstance(n, ast.FunctionDef) and n.name == "refusal")
    returned = [node.value for node in ast.walk(refusal) if isinstance(node, ast.Return) and node.value]
    words = [node.value for value in returned for node in ast.walk(value) if isinstance(node, ast.Constant)]
    return found | {word for word in words if isinstance(word, str) and "-" in word}


def settings_violations(text: str) -> Iterator[str]:
    """Every key of the settings is in hub.yaml, with a comment above it and its default as value."""
    values = yaml.safe_load(text)
    for path, default in defaults(Settings()):
        found = values
        for key in path:
            found = found.get(key, KeyError) if isinstance(found, dict) else KeyError
        if found is KeyError:
            yield f"{'.'.join(path)} is missing"
        elif found != default:
            yield f"{'.'.join(path)} is {found!r}, not {default!r}"
    lines = text.splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        if line.strip() and not line.lstrip().startswith("#") and not above.lstrip().startswith("#"):
            yield f"no comment above {line.strip()!r}"


def defaults(model: BaseModel) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Path and default of each key."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from (((name, *path), default) for path, default in defaults(value))
        else:
            yield (name,), str(value) if isinstance(value, Path) else value


def library_violations(architecture: str) -> Iterator[str]:
    """Every key of the library's settings has its row."""
    named = {row[0] for row in table_rows(architecture, "| Key |")}
    for key in LibrarySettings.model_fields:
        if f"`{key}`" not in named:
            yield f"library.{key} is not described"


def engine_violations(architecture: str) -> Iterator[str]:
    """The table of engines has every engine file, and no other."""
    named = {(row[0], row[1].strip("`")) for row in table_rows(architecture, "| Stage | Engine file |")}
    files = {(path.parts[-3], path.stem) for path in ROOT.glob("workers/*/engines/*.py") if path.stem != "__init__"}
    yield from (f"the engine {name} of {stage} is not listed" for stage, name in sorted(files - named))
    yield from (f"{stage} has no engine {name}" for stage, name in sorted(named - files))


def chunk_violations(protocol: str) -> Iterator[str]:
    """The example of a chunk is read as the table beside it says, byte by byte."""
    example = bytes.fromhex(block(protocol, "hex"))
    rows = table_rows(section(protocol, "4 Audio chunks", "## "), "| Offset |")
    chunk = UpAudio.decode(UpAudio.topic.format(device="bear"), example)
    fields = (field.name for field in dataclasses.fields(chunk))
    stated = {name: getattr(chunk, name) for name in fields if name not in ("device", "data")}
    stated |= {"version": 1, "length of the sound": len(chunk.data)}
    offset = 0
    for at, size, shown, field, value in rows:
        part = bytes.fromhex(shown.strip("`"))
        if int(at) != offset or example[offset : offset + len(part)] != part or size not in (str(len(part)), "n"):
            yield f"offset {at} is not as the table says"
        offset += len(part)
        wanted = hex(part[0]) if field == "constant" else stated.pop(field.strip("`"), value)
        if value != str(wanted):
            yield f"{field} is {wanted}, not {value}"
    yield from (f"{field} has no row" for field in stated)
    if offset != len(example) or chunk.encode().payload != example:
        yield "the table does not cover the example"


def client_violations(protocol: str) -> Iterator[str]:
    """The example client is short, can be compiled and imports nothing of ours."""
    source = block(protocol, "python")
    lines = [line for line in source.splitlines() if line.strip() and not line.lstrip().startswith(("#", '"""'))]
    if len(lines) > MAX_CLIENT_LINES:
        yield f"the client has {len(lines)} lines"
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        yield f"the client: {error}"
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and "hub" in ast.unparse(node):
            yield f"the client says {ast.unparse(node)}"


def link_violations(folder: Path, name: str, text: str) -> Iterator[str]:
    """Links lead to files and headings that are there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if "://" in target:
            continue
        path = folder / (file or name)
        if not path.exists():
            yield f"{name}: there is no {file}"
        elif anchor and anchor not in anchors(text if not file else path.read_text()):
            yield f"{name}: there is no heading {target}"


def anchors(text: str) -> set[str]:
    """The names by which headings can be linked to, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(text: str, title: str, level: str = "### ") -> str:
    """What stands below a heading, up to the next of its level or above; empty if there is none."""
    wanted = level + (f"`{title.translate(str.maketrans('{}', '<>'))}`" if level == "### " else title)
    inside, lines = False, []
    for line in text.splitlines():
        heading = re.match(r"(#+) ", line)
        if line == wanted:
            inside = True
        elif heading and len(heading[1]) < len(level):
            inside = False
        if inside:
            lines.append(line)
    return "\n".join(lines)


def table_rows(text: str, head: str) -> list[list[str]]:
    """The cells of the first table whose first line begins with ``head``."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(head):
            next(lines)
            break
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def _row(text: str, field: str) -> list[str] | None:
    return next((row for row in table_rows(text, "| Field |") if row[0] == f"`{field}`"), None)


def block(text: str, language: str) -> str:
    """The first code block of a language; empty if there is none."""
    found = re.search(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def commands(text: str) -> list[str]:
    """The lines of all shell examples."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for each in blocks for line in each.splitlines() if line.strip()]
