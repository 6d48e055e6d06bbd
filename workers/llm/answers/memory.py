"""What the toy was told and shall keep, tell or forget.

The memory stage carries the requests out when the turn is done. One to keep something comes before the words, one to
forget comes after them: a child that interrupts the toy has still told it, and can still stop it from forgetting.
"""

import re
from collections.abc import Iterator, Sequence

from hub.messages import Action, Fact
from workers.llm import english
from workers.llm.answers.parts import Part, Teller
from workers.llm.intents import Intent

_TOLD_AT_ONCE = 5
_LONGEST = 300
"""Characters of a fact; more is talk that happens to begin with "remember"."""
_MY_NAME = re.compile(r"(?:that )?my name(?: is|'s) (.+)", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*(?: [^\W\d_]+(?:['’-][^\W\d_]+)*){0,2}")
_NO_NAME = frozenset("not and is the a an what who".split())
_SAY_LITTLE = frozenset(
    "a an the my your our i me you we is are am was of to in at on and or that this it about called name have has got "
    "like likes love favourite favorite s".split()
)


def my_name(intent: Intent, toy: Teller) -> Iterator[Part]:
    """The child's name."""
    name = _as_name(str(intent.slots["name"]))
    if not name:
        yield toy.line("name_unclear")
        return
    yield Action(name="my_name", slots={"name": name})
    yield toy.line("my_name", name=name)


def remember(intent: Intent, toy: Teller) -> Iterator[Part]:
    """A fact, kept in the child's words and said back from the toy's side."""
    fact = _plain(str(intent.slots["fact"]))
    if (named := _MY_NAME.fullmatch(fact)) and (name := _as_name(named[1])):
        yield Action(name="my_name", slots={"name": name})
        yield toy.line("my_name", name=name)
        return
    if len(fact) > _LONGEST:
        yield toy.line("too-long")
        return
    yield Action(name="remember", slots={"fact": fact})
    yield toy.line("remember", fact=english.turned_round(fact))


def know_me(_: Intent, toy: Teller) -> Iterator[Part]:
    """The name and what was told last."""
    if toy.prompt.child:
        yield toy.line("known_name")
    yield from _tell(toy, list(reversed(toy.prompt.memories)))
    if not toy.prompt.child and not toy.prompt.memories:
        yield toy.line("nothing_known")


def know(intent: Intent, toy: Teller) -> Iterator[Part]:
    """What was told about a topic."""
    topic = _plain(str(intent.slots["topic"]))
    if topic.lower() == "my name" and toy.prompt.child:
        yield toy.line("known_name")
    elif facts := _about(topic, [*toy.prompt.recalled, *toy.prompt.memories]):
        yield from _tell(toy, facts)
    else:
        yield toy.line("unknown_topic", topic=english.turned_round(topic[:_LONGEST]))


def forget(intent: Intent, toy: Teller) -> Iterator[Part]:
    """What fits the child's words; each fact is named before it goes."""
    topic = _plain(str(intent.slots["what"]))
    if topic.lower() in ("my name", "what my name is", "who i am") and toy.prompt.child:
        yield toy.line("forget_name")
        yield Action(name="forget", slots={"what": "my name"})
        return
    facts = _about(topic, [*toy.prompt.recalled, *toy.prompt.memories])
    for fact in facts:
        yield toy.line("forget", fact=english.turned_round(_plain(fact.text)))
    for fact in facts:
        yield Action(name="forget", slots={"what": fact.text, "id": fact.id})
    if not facts:
        yield toy.line("unknown_forget", topic=english.turned_round(topic[:_LONGEST]))


def forget_everything(_: Intent, toy: Teller) -> Iterator[Part]:
    """All of it, without asking back.

    The words are explicit and nothing else sounds like them; memories are few and easily told again, while one that
    was kept although a family asked to have it forgotten is a broken promise, and a "yes" is what recognition hears
    worst. Whoever did not mean it interrupts the announcement, and nothing is lost.
    """
    yield toy.line("forget_everything")
    yield Action(name="forget", slots={"what": "all"})


def _tell(toy: Teller, facts: Sequence[Fact]) -> Iterator[Part]:
    for fact in facts[:_TOLD_AT_ONCE]:
        yield toy.line("known", fact=english.turned_round(_plain(fact.text)))
    if len(facts) > _TOLD_AT_ONCE:
        yield toy.line("known_more")


def _about(topic: str, facts: Sequence[Fact]) -> list[Fact]:
    """The facts that have every telling word of the topic, each once."""
    wanted = _telling(topic)
    found = {fact.id: fact for fact in facts if wanted and wanted <= _telling(fact.text)}
    return list(found.values())


def _telling(text: str) -> set[str]:
    """The words that say what a text is about, without a plural s."""
    words = [word.removesuffix("'s") for word in english.in_words(text)]
    telling = {word for word in words if word not in _SAY_LITTLE} or set(words)
    return {word.removesuffix("s") if len(word) > 3 else word for word in telling}


def _as_name(text: str) -> str:
    """A name of one to three words with capitals; empty: that is no name."""
    found = _NAME.match(text.strip())
    if found is None or found[0].split()[0].lower() in _NO_NAME:
        return ""
    if len(text.split()) > 3:
        return ""
    return " ".join(word[0].upper() + word[1:] for word in found[0].split())


def _plain(text: str) -> str:
    return text.strip().rstrip(".!?,;: ")
