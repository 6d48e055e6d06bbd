"""Every topic of the project, one per line, in chain order; nowhere else is a topic spelled.

Identity is in the topic, content in the payload. ``{field}`` is exactly one level.
"""

import re
from dataclasses import dataclass
from functools import cached_property

_FIELD = re.compile(r"\{(\w+)\}")
_DEVICE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Topic:
    """A topic template such as ``turns/{device}/{turn}/sentence``."""

    template: str

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the levels that vary, in order."""
        return tuple(_FIELD.findall(self.template))

    @cached_property
    def noun(self) -> str:
        """The last level: what happened."""
        return self.template.rsplit("/", 1)[1]

    @cached_property
    def filter(self) -> str:
        """Subscription filter: every field becomes ``+``."""
        return _FIELD.sub("+", self.template)

    def shared(self, group: str) -> str:
        """Filter that hands each message to one member of ``group``."""
        return f"$share/{group}/{self.filter}"

    def only(self, **fields: str) -> str:
        """Filter with the given fields fixed and the others open."""
        return _FIELD.sub(lambda found: fields.get(found[1], "+"), self.template)

    def format(self, **fields: str) -> str:
        """The exact topic; every field must be given."""
        return self.template.format(**fields)

    def beside(self, **fields: str) -> str:
        """Filter of this topic and all others beside and below it: ``only`` with ``#`` for the last level."""
        return self.only(**fields).rpartition("/")[0] + "/#"

    def parse(self, topic: str) -> dict[str, str] | None:
        """The fields of an exact topic, or None when it is another topic."""
        match = self._pattern.fullmatch(topic)
        return match.groupdict() if match else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(_FIELD.sub(r"(?P<\1>[^/+#]+)", self.template))


def is_device_id(text: str) -> bool:
    """Whether ``text`` can name a device: 1–64 of letters, digits, ``_`` and ``-``."""
    return _DEVICE.fullmatch(text) is not None


def matches(topic_filter: str, topic: str) -> bool:
    """Whether an exact topic falls under a subscription filter (MQTT 5, section 4.7), ``$share`` included."""
    if topic_filter.startswith("$share/"):
        topic_filter = topic_filter.split("/", 2)[2]
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)


# -- a toy says
HELLO = Topic("toys/{device}/up/hello")
PRESENCE = Topic("toys/{device}/up/presence")
UP_AUDIO = Topic("toys/{device}/up/audio")
UP_UTTERANCE = Topic("toys/{device}/up/utterance")
UP_TEXT = Topic("toys/{device}/up/text")
EVENT = Topic("toys/{device}/up/event")
# -- a toy hears
DOWN_AUDIO = Topic("toys/{device}/down/audio")
CONTROL = Topic("toys/{device}/down/control")
CONFIG = Topic("toys/{device}/down/config")
# -- people and Home Assistant read and write
STATE = Topic("toys/{device}/state")
HEARD = Topic("toys/{device}/transcript")
REPLY = Topic("toys/{device}/reply")
SET = Topic("toys/{device}/set/{what}")
# -- the chain
UTTERANCE = Topic("turns/{device}/{turn}/utterance")
TRANSCRIPT = Topic("turns/{device}/{turn}/transcript")
PROMPT = Topic("turns/{device}/{turn}/prompt")
SENTENCE = Topic("turns/{device}/{turn}/sentence")
SPEECH = Topic("turns/{device}/{turn}/speech")
REQUEST = Topic("turns/{device}/{turn}/request")
TRACK = Topic("turns/{device}/{turn}/track")
FAILURE = Topic("turns/{device}/{turn}/failure")
DONE = Topic("turns/{device}/{turn}/done")
CANCEL = Topic("turns/{device}/{turn}/cancel")
# -- who does the work
LEASE = Topic("leases/{device}/{turn}/{noun}")
WORKER = Topic("workers/{stage}/{replica}")
LIBRARY = Topic("library/titles")
HUB_STATUS = Topic("hub/status")
HUB_HEALTH = Topic("hub/health")


def every_topic() -> dict[str, Topic]:
    """All topics by their name in this file, in chain order."""
    return {name: value for name, value in globals().items() if isinstance(value, Topic)}
