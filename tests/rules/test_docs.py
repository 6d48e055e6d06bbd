"""The documentation is complete and true, as far as a test can tell; each check finds a planted omission."""

from collections.abc import Callable, Iterator

import pytest

from hub.messages import DownAudio, UpAudio
from hub.topics import every_topic
from tests.rules import documentation as rules

DOCS = rules.ROOT / "docs"
PROTOCOL = (DOCS / "protocol.md").read_text()
ARCHITECTURE = (DOCS / "architecture.md").read_text()
HUB_YAML = (rules.ROOT / "config" / "hub.yaml").read_text()

CHECKS: dict[str, tuple[Callable[[str], Iterator[str]], str]] = {
    "topics": (rules.topic_violations, PROTOCOL + ARCHITECTURE),
    "fields": (rules.field_violations, PROTOCOL),
    "names": (rules.name_violations, PROTOCOL),
    "reasons": (rules.reason_violations, PROTOCOL),
    "settings": (rules.settings_violations, HUB_YAML),
    "library": (rules.library_violations, ARCHITECTURE),
    "engines": (rules.engine_violations, ARCHITECTURE),
    "chunk": (rules.chunk_violations, PROTOCOL),
    "client": (rules.client_violations, PROTOCOL),
    "links of protocol": (lambda text: rules.link_violations(DOCS, "protocol.md", text), PROTOCOL),
    "links of architecture": (lambda text: rules.link_violations(DOCS, "architecture.md", text), ARCHITECTURE),
}

PLANTED = [
    ("topics", "`toys/<device>/up/hello`", "it", "the topic HELLO is not named"),
    ("topics", "`leases/<device>/<turn>/<noun>`", "it", "the topic LEASE is not named"),
    ("topics", "toys/<device>/up/text", "toys/<device>/up/words", "toys/<device>/up/words is neither"),
    ("topics", "toys/<device>/up/text", "toys/<toy>/up/text", "toys/<toy>/up/text is neither"),
    ("topics", "toys/bear/set/say", "toys/bear/say", "toys/bear/say is neither"),
    ("topics", "toys/+/transcript", "toys/+/+/transcript", "toys/+/+/transcript is neither"),
    ("topics", "hub/dispatch.py", "hub/despatch.py", "hub/despatch.py is neither"),
    ("fields", "| `buffer_ms` |", "| `buffer` |", "Hello.buffer_ms is not described"),
    ("fields", "100 to 60000 ms | `2000` |", "100 to 60000 ms | `200` |", "Hello.buffer_ms: the default is `2000`"),
    ("fields", "512 to 65536 bytes", "512 bytes and more", "the limit 65536 is missing"),
    ("fields", "| `mode` | `open`, `push` |", "| `mode` | `open` |", "the value push is missing"),
    ("fields", "| `from_seq` |", "| `from` |", "Control.from_seq is not described"),
    ("fields", "| `utc_offset_min` |", "| `offset` |", "Config.utc_offset_min is not described"),
    ("fields", "### `toys/<device>/reply`", "### Reply", "Reply has no section"),
    ("fields", "| `timestamp_ms` |", "| `time` |", "timestamp_ms of a chunk is not described"),
    ("names", "| `underrun` |", "| `dry` |", "the event underrun has no row"),
    ("names", "| `flush` |", "| `empty` |", "there is no order empty"),
    ("names", "| `media-unreadable` |", "| `media` |", "the code media-unreadable has no row"),
    ("reasons", "| `bad-version` |", "| `version` |", "the reason bad-version has no row"),
    ("reasons", "| `too-fast` |", "| `fast` |", "the reason too-fast has no row"),
    ("settings", "  answer_s: 8.0\n", "", "turn.answer_s is missing"),
    ("settings", "  answer_s: 8.0\n", "  answer_s: 9.0\n", "turn.answer_s is 9.0, not 8.0"),
    ("settings", "# Persona of", "\n", "no comment above"),
    ("library", "| `threshold` |", "| `least` |", "library.threshold is not described"),
    ("engines", "| tts | `espeak` |", "| tts | `parrot` |", "the engine espeak of tts is not listed"),
    ("engines", "| tts | `espeak` |", "| tts | `parrot` |", "tts has no engine parrot"),
    ("chunk", "cc 01 c5", "cc 02 c5", "offset 16 is not as the table says"),
    ("chunk", "| 1121815912 |", "| 1121815913 |", "`turn` is 1121815912"),
    ("chunk", "| 10 | 1 | `ce`", "| 11 | 1 | `ce`", "offset 11 is not"),
    ("chunk", "| 8 | 2 | `00 03` | `seq` |", "| 8 | 2 | `00 03` | number |", "seq has no row"),
    ("client", "def connected", "if True: pass\ndef connected", "the client has 31 lines"),
    ("client", "def connected(*_):", "def connected(*_)", "the client: "),
    ("client", "import json,", "import hub, json,", "the client says import hub"),
    ("links of protocol", "## 8 Playing", "## 8 Play", "there is no heading #8-playing"),
    ("links of architecture", "(protocol.md)", "(protocols.md)", "there is no protocols.md"),
]


@pytest.mark.parametrize("check", CHECKS)
def test_holds(check: str) -> None:
    find, text = CHECKS[check]
    assert list(find(text)) == []


@pytest.mark.parametrize(("check", "old", "new", "finding"), PLANTED)
def test_a_planted_omission_is_found(check: str, old: str, new: str, finding: str) -> None:
    find, text = CHECKS[check]
    assert old in text
    assert any(finding in found for found in find(text.replace(old, new)))


def test_the_reasons_are_found_in_the_code() -> None:
    assert rules.refusals() >= {"malformed", "bad-field", "bad-topic", "bad-device", "bad-version", "too-fast"}


def test_every_message_of_a_toy_is_described() -> None:
    described = {*(kind.topic for kind in rules.DESCRIBED), UpAudio.topic, DownAudio.topic}
    assert described == {topic for topic in every_topic().values() if topic.template.startswith("toys/")}
