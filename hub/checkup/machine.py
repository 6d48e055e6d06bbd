"""Python, its packages, programs of the system, disk and clock."""

import platform
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from hub.broker import mosquitto_binary
from hub.checkup import Finding, broken, note, ok
from hub.errors import BrokerError

_SPACE_MB = (100, 1000)
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+).*?(?:extra == [\"']([\w-]+)[\"'])?$")
_WRITTEN = 1_735_689_600  # the beginning of 2025: no clock that is right shows less


def look() -> Iterator[Finding]:
    """All findings about this machine."""
    version = platform.python_version()
    if sys.version_info >= (3, 11):  # noqa: UP036 - whoever starts us with an older one past pip should be told
        yield ok("Python", version)
    else:
        yield broken("Python", f"{version} is too old", "install Python 3.11 or newer and run `make clean run`")
    yield from packages()
    yield mosquitto()
    yield program("espeak-ng", "--version", why="the built-in voice")
    yield clock()


def packages() -> Iterator[Finding]:
    """Python packages of the core, and of each extra."""
    try:
        required = metadata.requires("toyhub") or []
    except metadata.PackageNotFoundError:
        yield note("packages", "toyhub runs from a folder where it is not installed", "run `make setup`")
        return
    missing: defaultdict[str, list[str]] = defaultdict(list)
    extras = dict.fromkeys(metadata.metadata("toyhub").get_all("Provides-Extra") or [], 0)
    for requirement in required:
        found = _REQUIREMENT.match(requirement)
        if found and not _installed(found[1]):
            missing[found[2] or ""].append(found[1])
    if missing[""]:
        yield broken("packages", f"missing: {', '.join(missing[''])}", "run `make setup`")
    else:
        yield ok("packages", "all of the core are installed")
    for extra in extras:
        if extra in ("test", "dev"):
            continue
        if missing[extra]:
            how = f".venv/bin/pip install -e '.[{extra}]'"
            yield note(f"extra {extra}", f"not installed: {', '.join(missing[extra])}", f"optional: {how}")
        else:
            yield ok(f"extra {extra}", "installed")


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def mosquitto() -> Finding:
    """The broker's program; not essential where a broker runs elsewhere."""
    try:
        path = mosquitto_binary()
    except BrokerError as error:
        return note("mosquitto", "not installed; needed where no broker runs elsewhere", str(error))
    said = _says(path, "-h")
    version = re.search(r"version (\d+)\.(\d+)\S*", said)
    if version and (int(version[1]), int(version[2])) < (2, 0):
        return broken("mosquitto", f"{version[0]} at {path} is too old", "install Mosquitto 2.0 or newer")
    return ok("mosquitto", f"{version[0] if version else 'unknown version'} at {path}")


def program(name: str, *arguments: str, why: str) -> Finding:
    """A program on PATH."""
    path = shutil.which(name)
    if not path:
        return broken(name, f"not installed: {why} needs it", f"`sudo apt-get install {name}`, or run `make setup`")
    return ok(name, f"{(_says(path, *arguments).splitlines() or ['?'])[0].strip()[:60]} at {path}")


def _says(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run: {type(error).__name__}"
    return done.stdout + done.stderr


def clock() -> Finding:
    """Whether the clock can be right: toys tell the time, deadlines travel as times."""
    if (now := time.time()) < _WRITTEN:
        shown = time.strftime("%Y-%m-%d", time.gmtime(now))
        return broken("clock", f"shows {shown}", "`sudo timedatectl set-ntp true`, or a clock module for the box")
    return ok("clock", time.strftime("%Y-%m-%d %H:%M %Z"))


def data_folder(folder: Path) -> Iterator[Finding]:
    """Whether data can be kept."""
    where = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / ".doctor"
        trial.write_bytes(b"x")
        trial.unlink()
        free_mb = shutil.disk_usage(folder).free // 2**20
    except OSError as error:
        remedy = f"`sudo chown -R $USER {where}`, or choose another with TOYHUB_DATA_DIR"
        yield broken("data folder", f"{where}: {error.strerror}", remedy)
        return
    yield ok("data folder", f"{where} can be written")
    text = f"{free_mb:,} MB free"
    if free_mb < _SPACE_MB[0]:
        yield broken("disk", text, "make room, or choose another folder with TOYHUB_DATA_DIR")
    elif free_mb < _SPACE_MB[1]:
        yield note("disk", text, "history is small, but a library of music is not: make room in time")
    else:
        yield ok("disk", text)
