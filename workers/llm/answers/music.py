"""Music, stories and the buttons of a tape recorder.

What is in the library only media knows: a request for it is the last part, and media goes on with the reply.
"""

from collections.abc import Iterator

from hub.messages import Action
from workers.llm.answers.parts import Part, Teller, resumed
from workers.llm.intents import Intent


def play(intent: Intent, _: Teller) -> Iterator[Part]:
    """One title."""
    yield Action(name="play", slots={"title": intent.slots["title"]})


def play_kind(intent: Intent, _: Teller) -> Iterator[Part]:
    """Any music, any song, anything."""
    yield Action(name="play", slots={"kind": intent.slots.get("kind", "anything")})


def story(intent: Intent, _: Teller) -> Iterator[Part]:
    """Any story, one about a topic, or one with a title."""
    yield Action(name="story", slots={key: intent.slots[key] for key in ("title", "topic") if key in intent.slots})


def resume(_: Intent, toy: Teller) -> Iterator[Part]:
    """On from where it stopped, today or last week."""
    place = toy.prompt.playing
    yield resumed(place, place.position) if place else toy.line("nothing_playing")


def again(_: Intent, toy: Teller) -> Iterator[Part]:
    """The same piece from its beginning; the last words, if they were about something else, such as a joke."""
    place, last = toy.prompt.playing, toy.prompt.last_reply
    if place and (toy.prompt.was_playing or not last or place.title in last):
        yield resumed(place, 0)
    else:
        yield last or toy.line("nothing_playing")


def following(_: Intent, toy: Teller) -> Iterator[Part]:
    """Another piece of the same kind."""
    place = toy.prompt.playing
    yield Action(name="play", slots={"after": place.item, "kind": place.kind} if place else {"kind": "anything"})


def pause(_: Intent, toy: Teller) -> Iterator[Part]:
    """Silent now; the hub has kept the place when the child began to speak."""
    yield toy.line("pause")
    yield Action(name="stop")


def stop(_: Intent, toy: Teller) -> Iterator[Part]:
    """Silent for good, after one word: a child that hears nothing says it again."""
    yield toy.line("stop")
    yield Action(name="stop")


def louder(_: Intent, toy: Teller) -> Iterator[Part]:
    """A step up."""
    yield from _volume(toy, Action(name="louder"))


def quieter(_: Intent, toy: Teller) -> Iterator[Part]:
    """A step down."""
    yield from _volume(toy, Action(name="quieter"))


def volume(intent: Intent, toy: Teller) -> Iterator[Part]:
    """A level from 0 to 100."""
    level = max(0, min(100, int(intent.slots["level"])))
    yield from _volume(toy, Action(name="volume", slots={"level": level}))


def _volume(toy: Teller, change: Action) -> Iterator[Part]:
    """The change, then something to hear it by: the music that goes on, else a word."""
    yield change
    if not (toy.prompt.was_playing and toy.prompt.playing):
        yield toy.line(change.name)
