import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub.errors import SettingsError, StoreError
from hub.settings import config_dir, load_settings
from hub.store import open_store
from hub.tools import persona


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOYHUB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "160")

    async def add() -> None:
        async with open_store(load_settings()) as store:
            await store.devices.add("bear")

    asyncio.run(add())


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(persona.app, list(arguments))


def test_the_personas_are_listed() -> None:
    output = _run("list").output
    for text in ("bear", "Bruno", "pirate", "robot", "en-us+m7"):
        assert text in output


def test_a_toy_is_given_another_persona() -> None:
    assert "name: Bruno" in _run("show", "--device", "bear").output
    assert _run("set", "bear", "robot").exit_code == 0
    assert "name: Bolt" in _run("show", "--device", "bear").output


def test_what_is_shown_can_be_edited_and_given_back(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(_run("show", "pirate").output.replace("Captain Pearl", "Captain Ruby"))
    result = _run("edit", "bear", "--file", str(file))
    assert "version 1 of its own persona" in result.output
    assert "name: Captain Ruby" in _run("show", "--device", "bear").output
    assert _run("set", "bear", "robot").exit_code == 0
    assert _run("set", "bear", "own").exit_code == 0
    assert "name: Captain Ruby" in _run("show", "--device", "bear").output
    assert "version 2" in _run("edit", "bear", "--file", str(file)).output


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("set", "fox", "robot"), StoreError),
        (("set", "bear", "nobody"), SettingsError),
        (("set", "bear", "own"), SettingsError),
        (("show", "nobody"), SettingsError),
        (("show", "--device", "fox"), StoreError),
        (("edit", "bear", "--file", "no/such/file.yaml"), SettingsError),
        (("edit", "fox", "--file", str(config_dir() / "personas" / "robot.yaml")), StoreError),
    ],
)
def test_what_cannot_be_done_is_an_error_of_ours(arguments: tuple[str, ...], error: type[Exception]) -> None:
    assert isinstance(_run(*arguments).exception, error)


def test_one_of_name_and_device_is_needed() -> None:
    assert _run("show").exit_code == 2
    assert _run("show", "bear", "--device", "bear").exit_code == 2
