"""The command line: what it lists, what it imports, how it ends."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from hub import cli
from hub.errors import AudioError, BrokerError, HubError, SettingsError, UnknownEngine


def run(*arguments: str, code: str = "", environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    start = ["-c", textwrap.dedent(code)] if code else ["-m", "hub.cli"]
    return subprocess.run(
        [sys.executable, *start, *arguments],
        capture_output=True, text=True, timeout=30, check=False, env={**os.environ, **(environment or {})},
    )  # fmt: skip


def test_help_lists_every_tool_with_its_first_line() -> None:
    answer = run("--help", environment={"COLUMNS": "200"})
    assert answer.returncode == 0
    for name, path in cli.find_tools().items():
        assert f" {name} " in answer.stdout
        assert cli._first_line(path), f"{path} has no docstring"
        assert cli._first_line(path)[:60] in answer.stdout


def test_help_imports_no_tool_and_is_quick() -> None:
    code = """
        import sys
        from hub.cli import app
        app(["--help"], standalone_mode=False)
        print([m for m in sys.modules if m.startswith(("hub.tools.", "workers", "aiomqtt", "numpy", "av"))])
    """
    times = []
    for _ in range(3):
        began = time.monotonic()
        answer = run(code=code)
        times.append(time.monotonic() - began)
    assert answer.stdout.splitlines()[-1] == "[]"
    assert min(times) < 1.0  # 0.3 s on an idle machine


@pytest.mark.parametrize("name", cli.find_tools())
def test_every_tool_has_a_command_and_help(name: str) -> None:
    answer = run(name, "--help")
    assert answer.returncode == 0, answer.stderr
    assert "Usage" in answer.stdout


def test_a_mistyped_command_is_told_the_nearest() -> None:
    answer = run("wroker")
    assert answer.returncode == 2
    assert "worker" in answer.stderr


def test_a_setting_that_cannot_be_used_is_one_line_and_exit_code_78() -> None:
    answer = run("worker", "stt", environment={"TOYHUB_BROKER__PORTT": "1"})
    assert answer.returncode == 78
    assert answer.stderr.count("\n") == 1
    assert "broker.portt" in answer.stderr


def test_an_unknown_stage_is_one_line_and_names_those_there_are() -> None:
    answer = run("worker", "nose")
    assert answer.returncode == 78
    assert answer.stderr.startswith("toyhub: no stage 'nose'; there are ")


@pytest.mark.parametrize(
    ("raised", "code", "text"),
    [
        ("BrokerError('no broker')", 1, "toyhub: no broker"),
        ("SettingsError('x: bad')", 78, "toyhub: x: bad"),
        ("UnknownEngine('stt', 'ears', ['phrases'])", 78, "toyhub: stt: no engine 'ears'"),
        ("ExceptionGroup('a', [BrokerError('gone'), ExceptionGroup('b', [BrokerError('gone')])])", 1, "toyhub: gone"),
        ("ExceptionGroup('a', [BrokerError('gone'), ValueError('a bug')])", 1, "ValueError: a bug"),
        ("ValueError('a bug')", 1, "ValueError: a bug"),
        ("KeyboardInterrupt()", 130, ""),
    ],
)
def test_how_it_ends(raised: str, code: int, text: str) -> None:
    program = f"""
        from hub import cli
        from hub.errors import *
        def app():
            raise {raised}
        cli.app = app
        cli.main()
    """
    answer = run(code=program)
    assert answer.returncode == code
    assert text in answer.stderr
    assert ("Traceback" in answer.stderr) == ("bug" in raised)
    assert answer.stderr.count("gone") <= 1 or "bug" in raised


def test_errors_of_ours_are_found_in_groups() -> None:
    ours: list[HubError] = [BrokerError("a"), AudioError("b")]
    assert cli.plain_errors(ExceptionGroup("", [ours[0], ExceptionGroup("", [ours[1]])])) == ours
    assert cli.plain_errors(ExceptionGroup("", [ours[0], KeyError()])) == []
    assert cli.plain_errors(SettingsError("c"))
    assert isinstance(cli.plain_errors(UnknownEngine("stt", "x", []))[0], UnknownEngine)


def test_a_stage_brings_commands_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ("hub/tools/_helper.py", "hub/tools/long_name.py", "workers/media/tools/library.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text('"""What it does.\n\nMore."""\n')
    monkeypatch.setattr(cli, "_ROOT", tmp_path)
    assert list(cli.find_tools()) == ["library", "long-name"]
    assert cli._first_line(cli.find_tools()["library"]) == "What it does."
