"""Logs: one line per event with stage, device and turn bound to it; never what a child said.

Code logs static texts and numbers. Whatever was said, answered or remembered is content and stays out, exception
texts of engines included.
"""

import contextlib
import contextvars
import logging
import sys
from collections import Counter
from collections.abc import Iterator

_bound: contextvars.ContextVar[dict[str, object]] = contextvars.ContextVar("toyhub_log", default={})  # noqa: B039 - never mutated


@contextlib.contextmanager
def bind(**fields: object) -> Iterator[None]:
    """Put ``device=…``, ``turn=…`` or ``stage=…`` on every line logged inside, tasks started there included."""
    token = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(token)


class _Fields(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.fields = "".join(f" {key}={value}" for key, value in _bound.get().items())
        return True


def set_up(level: str, name: str) -> None:
    """Log to standard error as ``time level name text device=… turn=…``; without a name when it is empty."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Fields())
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s %(levelname)-7s {name and f'{name:<7} '}%(message)s%(fields)s", "%H:%M:%S")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("mqtt", "httpx", "httpcore", "libav"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Tally:
    """Counts what was refused; logs the 1st, 2nd, 4th, 8th … of each kind, so that a flood is not a flood of lines."""

    def __init__(self, logger: logging.Logger, text: str) -> None:
        self.counts: Counter[str] = Counter()
        self._logger, self._text = logger, text

    def add(self, kind: str, detail: object = "") -> None:
        """Count one; ``detail`` names topic and reason, never content."""
        self.counts[kind] += 1
        seen = self.counts[kind]
        if seen & (seen - 1) == 0:
            self._logger.warning("%s %s (%d): %s", self._text, kind, seen, detail)
