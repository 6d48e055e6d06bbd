"""Every error this project raises on purpose.

::

    HubError
    ├── SettingsError      config/ or the environment says something that cannot be done; names file and key
    ├── BadMessage         a payload that does not fit its topic; carries a reason that can be counted
    ├── BrokerError        the broker cannot be reached or refused what was asked
    ├── StoreError         the database cannot be opened or is newer than this program
    └── StageError         a stage cannot finish a turn; ``code`` goes on the wire as a Failure
        ├── EngineError    the model or program behind an engine failed
        ├── AudioError     audio that cannot be decoded or encoded
        └── UnknownEngine  the configured engine has no module

Foreign exceptions are wrapped once, where they enter, with ``from``. Texts of errors never hold what a child said.
"""

import contextlib
from collections.abc import Iterator, Sequence


class HubError(Exception):
    """Base of every error this project raises on purpose."""


class SettingsError(HubError):
    """A setting that cannot be used; the message names the file or variable and the key."""


class BadMessage(HubError):
    """A payload that does not fit its topic.

    Attributes:
        reason: one short word to count by, such as ``malformed`` or ``unknown-codec``.
        topic: where it was published.
    """

    def __init__(self, topic: str, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason} on {topic!r}{': ' if detail else ''}{detail}")
        self.topic, self.reason = topic, reason


class BrokerError(HubError):
    """The broker cannot be reached or refused what was asked."""


class StoreError(HubError):
    """The database cannot be opened or was written by a newer version."""


class StageError(HubError):
    """A stage cannot finish a turn; ``code`` goes on the wire and picks the apology."""

    code = "stage-failed"


class EngineError(StageError):
    """The model or program behind an engine failed."""

    code = "engine-failed"


class AudioError(StageError):
    """Audio that cannot be decoded or encoded."""

    code = "bad-audio"


class UnknownEngine(StageError):
    """The configured engine has no module."""

    code = "unknown-engine"

    def __init__(self, stage: str, name: str, known: Sequence[str]) -> None:
        super().__init__(f"{stage}: no engine {name!r}; there are {', '.join(known)}")


@contextlib.contextmanager
def single_error() -> Iterator[None]:
    """Around a TaskGroup that is an implementation detail: one error comes out as itself, not as a group of one."""
    try:
        yield
    except BaseExceptionGroup as group:
        only: BaseException = group
        while isinstance(only, BaseExceptionGroup) and len(only.exceptions) == 1:
            only = only.exceptions[0]
        if only is group:
            raise
        raise only from only.__cause__
