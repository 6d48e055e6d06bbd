"""What the toy answers to each intent: pure functions of the prompt and the lines, one file per family.

An answer yields *parts*: text to say and actions to ask for, in order. :func:`pieces` makes the numbered messages.
"""

from collections.abc import Iterator, Mapping

from hub.lines import Lines
from hub.messages import Prompt, Request, Sentence
from workers.llm.answers import games, memory, music, talk
from workers.llm.answers.parts import Answer, Part, Teller, go_on, pieces
from workers.llm.intents import Intent, Intents

ANSWERS: Mapping[str, Answer] = {
    "play": music.play, "play_kind": music.play_kind, "pause": music.pause, "resume": music.resume,
    "stop": music.stop, "next": music.following, "again": music.again, "story": music.story,
    "louder": music.louder, "quieter": music.quieter, "volume": music.volume,
    "joke": games.joke, "riddle": games.riddle, "riddle_answer": games.riddle_answer, "count": games.count,
    "my_name": memory.my_name, "remember": memory.remember, "know_me": memory.know_me, "know": memory.know,
    "forget": memory.forget, "forget_everything": memory.forget_everything,
    "time": talk.time, "day": talk.day, "who_are_you": talk.who_are_you, "what_can_you_do": talk.what_can_you_do,
    "hello": talk.hello, "thanks": talk.thanks, "goodbye": talk.goodbye, "repeat": talk.repeat,
}  # fmt: skip
"""By name of the intent in config/intents."""

_GOES_ON_AFTER = frozenset(
    "louder quieter volume time day who_are_you what_can_you_do hello thanks know_me know my_name remember forget "
    "forget_everything repeat".split()
)
"""Asked in passing: the music or story that was interrupted goes on after the answer."""


def respond(prompt: Prompt, intents: Intents, lines: Lines) -> Iterator[Sentence | Request] | None:
    """The reply to what needs no engine: nothing understood, a riddle's answer, a command; None for all other talk."""
    toy = Teller(prompt, lines)
    if not any(character.isalnum() for character in prompt.text):
        return pieces(prompt, _gone_on(prompt, iter([toy.line("not_caught")])))
    right = games.guess(toy)
    if right:  # before commands: the answer to a riddle may be "music"
        return pieces(prompt, games.judged(toy, right=True))
    if toy.sure and (intent := intents.match(prompt.text)) is not None:
        return answer(intent, prompt, lines)
    return None if right is None else pieces(prompt, games.judged(toy, right=False))


def answer(intent: Intent, prompt: Prompt, lines: Lines) -> Iterator[Sentence | Request]:
    """The whole answer to an intent, as the pieces of a reply.

    Raises:
        KeyError: an intent nobody wrote an answer for.
    """
    parts = ANSWERS[intent.name](intent, Teller(prompt, lines))
    return pieces(prompt, _gone_on(prompt, parts) if intent.name in _GOES_ON_AFTER else parts)


def _gone_on(prompt: Prompt, parts: Iterator[Part]) -> Iterator[Part]:
    yield from parts
    yield from go_on(prompt)
