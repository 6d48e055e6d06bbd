import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from hub.errors import AudioError, EngineError, SettingsError, StageError, UnknownEngine
from hub.lines import FAILURE_CODES, OCCASIONS, languages, load_lines
from hub.messages import Persona
from hub.settings import config_dir

LINES = load_lines("en")
BEAR = Persona(id="bear", name="Bruno", lines={"hello": ["Grr {name}", "Grr"], "late": ["Too late"], "chat": []})


def test_every_occasion_has_a_line() -> None:
    assert LINES.lines.keys() == OCCASIONS.keys()
    assert languages() == ["en"]


@pytest.mark.parametrize("error", [StageError, EngineError, AudioError, UnknownEngine])
def test_every_failure_code_of_the_kernel_has_an_apology(error: type[StageError]) -> None:
    assert error.code in FAILURE_CODES


def test_apologies_can_be_told_apart_by_their_first_words() -> None:
    beginnings = {" ".join(LINES.first(code).split()[:2]) for code in FAILURE_CODES}
    assert len(beginnings) == len(FAILURE_CODES)
    others = {
        " ".join(line.split()[:2]) for name in OCCASIONS.keys() - set(FAILURE_CODES) for line in LINES.lines[name]
    }
    assert not beginnings & others


def test_apologies_are_short_and_the_same_every_time() -> None:
    for code in FAILURE_CODES:
        assert len(LINES.lines[code]) == 1
        assert len(LINES.first(code)) < 90


def test_a_code_of_a_newer_worker_gets_the_general_apology() -> None:
    assert LINES.apology("meteorite", 1) == LINES.first("stage-failed")
    assert LINES.apology("late", 1, BEAR) == "Too late"


def test_a_line_with_a_name_is_left_out_where_it_is_not_known() -> None:
    assert {LINES.pick("hello", turn, BEAR) for turn in range(20)} == {"Grr"}
    assert {LINES.pick("hello", turn, BEAR, name="Mia") for turn in range(20)} == {"Grr Mia", "Grr"}
    assert not any("{" in LINES.pick(name, turn, BEAR, **values(name)) for name in OCCASIONS for turn in range(20))


def values(occasion: str) -> dict[str, str]:
    return dict.fromkeys(OCCASIONS[occasion], "x")


def test_what_was_heard_last_comes_last() -> None:
    heard: list[str] = []
    for turn in range(30):
        line = LINES.pick("chat", turn, BEAR, heard=heard[-3:])
        assert line not in heard[-3:]
        heard.append(line)


def test_what_was_heard_in_part_counts_as_heard() -> None:
    first = LINES.riddle(3)
    assert (
        LINES.riddle(3, [first.question[: len(first.question) // 2 + 14]]) != first or len(first.question.split()) < 6
    )


def test_a_value_is_never_read_as_a_placeholder() -> None:
    assert "{toy}" in LINES.pick("remember", 1, BEAR, fact="{toy} and {0.__class__}")


def test_jokes_and_riddles_are_many_and_begin_differently() -> None:
    assert len(LINES.lines["joke"]) >= 20
    assert len(LINES.riddles) >= 20
    beginnings = {" ".join(re.findall(r"\w+", riddle.question.lower())[:6]) for riddle in LINES.riddles}
    assert len(beginnings) == len(LINES.riddles)
    assert all(
        "{question}" in line for name in ("riddle", "riddle_wrong", "riddle_unheard") for line in LINES.lines[name]
    )


def test_no_line_asks_for_personal_data() -> None:
    asking = re.compile(
        r"(what is|what's|tell me|say) your (name|age|address|birthday|school)|where do you live|how old", re.IGNORECASE
    )
    assert not [line for lines in LINES.lines.values() for line in lines if asking.search(line)]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(config_dir() / "lines", tmp_path / "lines")
    monkeypatch.setenv("TOYHUB_CONFIG_DIR", str(tmp_path))
    return tmp_path / "lines" / "en.yaml"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"lines": {"hullo": ["x"]}}, r"en\.yaml: lines\.hullo: no such occasion"),
        ({"lines": {"hello": ["Hi {nmae}"]}}, r"en\.yaml: lines\.hello: no placeholder \{nmae\}"),
        ({"lines": {"hello": ["Hi {name}"]}}, r"en\.yaml: lines\.hello: at least one line without \{name\}"),
        ({"lines": {"hello": []}}, r"lines\.hello: at least one line"),
        ({"lines": {"hello": "Hi"}}, r"en\.yaml: lines\.hello: .*list"),
        ({"jokes": ["x"]}, r"en\.yaml: jokes: "),
        ({"riddles": [{"question": "x", "answers": "y"}]}, r"riddles\.0\.answer"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(change: dict[str, Any], complaint: str, config: Path) -> None:
    content = yaml.safe_load(config.read_text())
    content["lines"].update(change.pop("lines", {}))
    config.write_text(yaml.safe_dump({**content, **change}))
    with pytest.raises(SettingsError, match=complaint):
        load_lines("en")


def test_an_unknown_language_names_the_known(config: Path) -> None:
    with pytest.raises(SettingsError, match="there are en"):
        load_lines("tlh")
