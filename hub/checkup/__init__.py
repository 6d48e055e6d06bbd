"""What ``toyhub doctor`` looks at.

machine (Python, programs, disk, clock) · content (settings, files, database, engines) · live (broker, hub, workers)
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    about: str
    state: Literal["ok", "note", "broken"]
    """ok; worth knowing but nothing essential is missing; essential."""
    text: str
    remedy: str = ""


def ok(about: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(about, "ok", text)


def note(about: str, text: str, remedy: str = "") -> Finding:
    """Worth knowing; everything essential works."""
    return Finding(about, "note", text, remedy)


def broken(about: str, text: str, remedy: str) -> Finding:
    """Something essential is missing."""
    return Finding(about, "broken", text, remedy)
