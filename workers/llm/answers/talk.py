"""The clock, courtesies, and what the toy says about itself."""

from collections.abc import Iterator
from datetime import datetime

from hub.messages import Action
from workers.llm import english
from workers.llm.answers.parts import Part, Teller
from workers.llm.intents import Intent


def time(_: Intent, toy: Teller) -> Iterator[Part]:
    """The time in words."""
    now = _now(toy)
    yield toy.line("time", time=english.time_of_day(now)) if now else toy.line("no_clock")


def day(_: Intent, toy: Teller) -> Iterator[Part]:
    """The day in words."""
    now = _now(toy)
    yield toy.line("day", day=english.day_of_year(now)) if now else toy.line("no_clock")


def hello(_: Intent, toy: Teller) -> Iterator[Part]:
    """A greeting back."""
    yield toy.line("hello")


def thanks(_: Intent, toy: Teller) -> Iterator[Part]:
    """You are welcome."""
    yield toy.line("thanks")


def goodbye(_: Intent, toy: Teller) -> Iterator[Part]:
    """A farewell; what was playing stays silent."""
    yield toy.line("goodbye")
    yield Action(name="stop")


def who_are_you(_: Intent, toy: Teller) -> Iterator[Part]:
    """The toy's name."""
    yield toy.line("who_are_you")


def what_can_you_do(_: Intent, toy: Teller) -> Iterator[Part]:
    """What may be asked."""
    yield toy.line("what_can_you_do")


def repeat(_: Intent, toy: Teller) -> Iterator[Part]:
    """The last reply once more."""
    yield toy.prompt.last_reply or toy.line("nothing_said")


def _now(toy: Teller) -> datetime | None:
    """The home's local time; None: the hub does not know it."""
    try:
        return datetime.fromisoformat(toy.prompt.local_time)
    except ValueError:
        return None
