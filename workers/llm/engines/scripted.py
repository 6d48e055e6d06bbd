"""The built-in engine: no language model. It answers from the persona's lines, and says honestly what it can do."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from hub.lines import Lines, languages, load_lines
from hub.messages import Prompt
from workers.llm.answers.parts import Teller
from workers.llm.english import in_words, turned_round

_FEELINGS = {
    "hurt": "hurt hurts ouch bleeding blood ill sick poorly tummyache headache",
    "scared": "scared afraid frightened scary nightmare monster monsters",
    "sad": "sad cry crying lonely unhappy miss",
    "angry": "angry mad cross furious",
    "tired": "tired sleepy yawn",
    "hungry": "hungry thirsty",
    "bored": "bored boring",
    "happy": "happy glad excited hooray yay great",
    "yes": "yes yeah yep okay",
    "no": "no nope",
}
_OCCASION = {word: occasion for occasion, words in _FEELINGS.items() for word in words.split()}
_LOVES = ({"love", "you"}, {"like", "you"}, {"best", "friend"})
_NEGATIONS = frozenset("not don't isn't never no".split())
_ASKING = frozenset(
    "what why how who whose where when which is are am do does did can could will would should has have".split()
)


class Settings(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Engine:
    """Looks for a feeling, a memory or a question, in this order, and never pretends to have understood more."""

    name = "scripted"
    model = ""

    def __init__(self, settings: Settings) -> None: ...

    def warm(self) -> None:
        """Nothing to load."""

    def reply(self, prompt: Prompt) -> Iterator[str]:
        """One or two sentences; the same prompt gets the same ones."""
        toy = Teller(prompt, _lines(prompt.persona.language))
        if prompt.source == "open":  # about one word in three is right: reacting to one would be guessing
            yield toy.line("not_understood")
            return
        words = in_words(prompt.text)
        occasion = _occasion(words)
        if occasion is None and prompt.recalled:
            yield toy.line("recalled", fact=turned_round(prompt.recalled[0].text.rstrip(".!? ")))
        elif occasion is None and (prompt.text.rstrip().endswith("?") or (words and words[0] in _ASKING)):
            yield toy.line("question")
        else:
            yield toy.line(occasion or "chat")


def _occasion(words: list[str]) -> str | None:
    """The first feeling the words name; not when it is denied ("I am not sad"), and yes and no only when alone."""
    if len(words) <= 2 and words and _OCCASION.get(words[0]) in ("yes", "no"):
        return _OCCASION[words[0]]
    if _NEGATIONS.intersection(words):
        return None
    if any(love.issubset(words) for love in _LOVES) and words[0] not in _ASKING:
        return "love"
    found = (_OCCASION[word] for word in words if word in _OCCASION)
    return next((occasion for occasion in found if occasion not in ("yes", "no")), None)


def _lines(language: str) -> Lines:
    """The lines of the persona's language, English where there are none."""
    return load_lines(language if language in languages() else "en")
