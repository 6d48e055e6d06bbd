"""Every message has a readable line, found by its topic."""

import pytest

from hub import messages
from hub.errors import BadMessage
from hub.messages import AudioChunk, Message
from hub.topics import every_topic
from hub.view.lines import class_of, decode, kind_of, line, message_classes, readable_classes
from tests.hub.view.examples import EXAMPLES


def travelling() -> set[type]:
    """Every message class there is, found without the help of the code under test."""
    found: set[type] = set()
    open_classes: list[type] = [Message, AudioChunk]
    while open_classes:
        each = open_classes.pop()
        open_classes += each.__subclasses__()
        if hasattr(each, "topic") and each.__module__.startswith("hub.messages"):
            found.add(each)
    return found


def test_every_class_has_a_line_and_an_example() -> None:
    assert readable_classes() == travelling()
    assert {type(message) for message, _ in EXAMPLES} == travelling()


def test_every_topic_has_a_class() -> None:
    assert set(message_classes()) == {topic.template for topic in every_topic().values()}


@pytest.mark.parametrize(("message", "words"), EXAMPLES, ids=lambda each: type(each).__name__)
def test_what_travels_is_decoded_and_said_on_one_line(message: Message | AudioChunk, words: str) -> None:
    packet = message.encode()
    assert class_of(packet.topic) is type(message)
    again = decode(packet.topic, packet.payload)
    assert again == message
    said = line(again)
    assert words in said
    assert "\n" not in said
    assert len(said) <= 160


def test_long_and_broken_lines_become_short_ones() -> None:
    said = line(messages.Text(device="bear", text="la\nla " * 200))
    assert len(said) == 160
    assert said.endswith("…")
    assert "\n" not in said


@pytest.mark.parametrize("topic", ["nobody/knows", "toys/bear/up/other", "turns/bear/7", ""])
def test_an_unknown_topic_is_a_reason(topic: str) -> None:
    with pytest.raises(BadMessage, match="unknown-topic"):
        decode(topic, b"{}")


def test_kinds() -> None:
    found = [kind_of(topic) for topic in ("toys/b/up/x", "toys/b/down/x", "toys/b/state", "turns/b/7/x", "hub/status")]
    assert found == ["toy", "order", "people", "chain", "work"]
    assert kind_of("toys") == "people"
