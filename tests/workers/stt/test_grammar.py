"""The word automaton: what can be said, how probably, and that nothing else can."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.settings import config_dir
from workers.stt.grammar import FINAL, START, Grammar, Phrases, compile_grammar, words_of

SMALL = """
skip_words: [please]
intents:
  stop: {data: [{sentences: ["stop [it|that]"]}]}
  play: {data: [{sentences: ["play {title}", "(play|sing) the {anything}"]}]}
  count: {data: [{sentences: ["count to {number}"]}]}
  pets: {data: [{sentences: ["<my> {pet}['s name]", "(red;blue) [one]"]}]}
expansion_rules: {my: "(my|our)"}
lists:
  title: {wildcard: true}
  anything: {wildcard: true}
  number: {range: {from: 21, to: 22}}
  pet: {values: [dog, guinea pig]}
spoken:
  title: ["<my> song"]
"""


def grammar(
    folder: Path, text: str = SMALL, titles: tuple[str, ...] = (), unspeakable: frozenset[str] = frozenset()
) -> Grammar:
    (folder / "en").mkdir(exist_ok=True)
    (folder / "en" / "a.yaml").write_text(text)
    return compile_grammar(Phrases.load(folder, "en"), titles, lambda word: word not in unspeakable)


def sentences(made: Grammar) -> dict[str, float]:
    following = defaultdict(list)
    for arc in made.arcs:
        following[arc.start].append(arc)

    def walk(state: int, words: tuple[str, ...], probability: float) -> Iterator[tuple[str, float]]:
        if state == FINAL:
            yield " ".join(words), probability
        for arc in following[state]:
            yield from walk(arc.end, (*words, arc.word) if arc.word else words, probability * arc.probability)

    return dict(walk(START, (), 1.0))


def plain(made: Grammar) -> set[str]:
    return {sentence for sentence in sentences(made) if "please" not in sentence}


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    assert plain(grammar(tmp_path, titles=("Puff, the Dragon!",))) == {
        "stop", "stop it", "stop that",
        "play my song", "play our song", "play puff the dragon",
        "count to twenty one", "count to twenty two",
        "my dog", "our dog", "my guinea pig", "our guinea pig",
        "my dog's name", "our dog's name", "my guinea pig's name", "our guinea pig's name",
        "red blue", "blue red", "red blue one", "blue red one",
    }  # fmt: skip


def test_fillers_stand_at_the_end_and_seldom(tmp_path: Path) -> None:
    said = sentences(grammar(tmp_path))
    assert "please stop" not in said
    assert said["stop please"] < said["stop"] / 5


def test_intents_are_as_probable_as_each_other(tmp_path: Path) -> None:
    said = sentences(grammar(tmp_path))
    stop = sum(share for sentence, share in said.items() if "stop" in sentence)
    count = sum(share for sentence, share in said.items() if "count" in sentence)
    assert stop == pytest.approx(count, rel=0.02) == pytest.approx(0.25, rel=0.02)
    assert said["stop it"] == pytest.approx(said["stop that"])


def test_what_has_no_sound_is_left_out_with_its_sentences_only(tmp_path: Path) -> None:
    said = plain(grammar(tmp_path, titles=("Wibblo",), unspeakable=frozenset({"wibblo", "that", "guinea"})))
    assert {"stop", "stop it", "my dog", "play my song"} < said
    assert not any(word in sentence for sentence in said for word in ("wibblo", "that", "guinea"))


def test_states_are_shared(tmp_path: Path) -> None:
    many = grammar(tmp_path, titles=tuple(f"title {chr(97 + n)}" for n in range(26)))
    assert many.states < 40
    assert all(0 < arc.probability <= 1.01 for arc in many.arcs)


def test_our_own_intents_are_a_grammar_of_bearable_size() -> None:
    made = compile_grammar(Phrases.load(config_dir() / "intents", "en"), ["Humpty Dumpty"], lambda _: True)
    assert {"humpty", "music", "ninety", "unicorns"} < made.words
    assert 1_000 < len(made.arcs) < 20_000


def test_titles_as_they_are_read_aloud() -> None:
    assert words_of("Number 21!", "en") == ["number", "twenty", "one"]
    assert words_of("Ben & Holly's “Big” Day – part_2", "en") == ["ben", "and", "holly's", "big", "day", "part", "two"]
    assert words_of("Frère Jacques", "en") == ["frère", "jacques"]
    assert words_of("…", "en") == []


BROKEN = {
    "no sentences": ("intents: {stop: {data: [{}]}}", "sentences"),
    "no list": ("intents: {}\nspoken: {title: 5}", "spoken.title"),
    "open bracket": ('intents: {}\nspoken: {title: ["(a"]}', "spoken.title"),
    "unknown list": ('intents: {stop: {data: [{sentences: ["stop {x}"]}]}}', "{x}"),
    "unknown rule": ('intents: {stop: {data: [{sentences: ["stop <x>"]}]}}', "<x>"),
    "a list": ("[]", "a.yaml"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        grammar(tmp_path, text)
    assert message in str(caught.value)


def test_a_language_without_files(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="xx"):
        Phrases.load(tmp_path, "xx")
