"""How words sound."""

import logging
import shutil
import subprocess
from pathlib import Path

import pytest

from workers.stt.lexicon import Lexicon, british, phones_of
from workers.stt.sphinx import DICTIONARY

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
PHONES = {phone for line in DICTIONARY.read_text().splitlines() for phone in line.split()[1:]}


@pytest.fixture
def small(tmp_path: Path) -> Lexicon:
    (tmp_path / "d").write_text("car K AA R\nthe DH AH\nthe(2) DH IY\n")
    made = Lexicon(tmp_path / "d")
    made.load()
    return made


def test_the_dictionary(small: Lexicon) -> None:
    assert "car" in small
    assert "bus" not in small
    assert list(small.lines({"the", "car"})) == ["car K AA R\n", "car(2) K AA\n", "the DH AH\n", "the(2) DH IY\n"]


def test_the_english_leave_out_an_r_before_no_vowel() -> None:
    assert british(("M", "AO", "R", "N", "IH", "NG")) == ("M", "AO", "N", "IH", "NG")
    assert british(("B", "EH", "R")) == ("B", "EH", "AH")
    assert british(("B", "R", "AH", "DH", "ER")) == ("B", "R", "AH", "DH", "AH")
    assert british(("S", "T", "AO", "R", "IY")) == ("S", "T", "AO", "R", "IY")


@needs_espeak
def test_a_made_up_name_is_learned_from_its_spelling(small: Lexicon) -> None:
    small.learn({"wibblo", "car"})
    assert small.ways("wibblo")[0] == ("W", "IH", "B", "L", "OW")


@needs_espeak
@pytest.mark.parametrize("word", ["humpty", "siobhan", "frère", "unicorns", "zoë", "pororo", "łukasz", "cheer"])
def test_every_sound_of_espeak_is_known(word: str) -> None:
    made = Lexicon(DICTIONARY)
    made.learn([word])
    assert word in made
    assert set(made.ways(word)[0]) <= PHONES


def test_an_unknown_mnemonic_gives_nothing() -> None:
    assert phones_of("h_'E_§") == ()
    assert phones_of("h_@_l_'oU") == ("HH", "AH", "L", "OW")


@pytest.mark.parametrize("broken", ["missing", "crashing"])
def test_without_espeak_words_are_counted_and_never_named(
    broken: str, small: Lexicon, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "espeak-ng")

    monkeypatch.setattr(shutil, "which", lambda _: None if broken == "missing" else "/bin/false")
    monkeypatch.setattr(subprocess, "run", crash)
    with caplog.at_level(logging.WARNING):
        small.learn({"wibblo", "zimbo", "%"})
    assert "wibblo" not in small
    assert "2 words" in caplog.text
    assert "wibblo" not in caplog.text
