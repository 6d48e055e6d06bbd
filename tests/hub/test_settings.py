"""Settings: file, environment over it, and errors that name file and key."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from hub.errors import SettingsError
from hub.settings import Settings, config_dir, load_settings

_SHIPPED = Path(__file__).parents[2] / "config" / "hub.yaml"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub.yaml that is read."""
    monkeypatch.setenv("TOYHUB_CONFIG_DIR", str(tmp_path))
    return tmp_path / "hub.yaml"


def keys(model: BaseModel, prefix: str = "") -> Iterator[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        yield from keys(value, f"{prefix}{name}.") if isinstance(value, BaseModel) else [f"{prefix}{name}"]


def paths(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        yield from paths(value, f"{prefix}{key}.") if isinstance(value, dict) and value else [f"{prefix}{key}"]


def test_the_shipped_file_names_every_key_with_its_default() -> None:
    values = yaml.safe_load(_SHIPPED.read_text())
    assert Settings.model_validate(values) == Settings()
    assert set(paths(values)) == set(keys(Settings()))


def test_every_key_of_the_shipped_file_has_a_comment() -> None:
    before = ""
    for line in _SHIPPED.read_text().splitlines():
        if line.strip() and not line.strip().startswith("#"):
            assert "#" in line or before.strip().startswith("#"), line
        before = line


def test_without_a_file_the_defaults_hold(config: Path) -> None:
    assert load_settings({}) == Settings()


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_is_the_defaults(config: Path, text: str) -> None:
    config.write_text(text)
    assert load_settings({}) == Settings()


def test_the_environment_wins(config: Path) -> None:
    config.write_text("broker: {host: broker.lan, port: 1884}\n")
    environment = {"TOYHUB_BROKER__PORT": "1885", "TOYHUB_LIMITS__OPEN": "no", "TOYHUB_STAGES__STT__ENGINE": "phrases"}
    settings = load_settings({**environment, "HOME": "/"})
    assert (settings.broker.host, settings.broker.port) == ("broker.lan", 1885)
    assert settings.limits.open is False
    assert settings.stage("stt").engine == "phrases"
    assert settings.stage("tts").engine == "auto"


@pytest.mark.parametrize(
    ("text", "environment", "named"),
    [
        ("brokr: {}\n", {}, ["hub.yaml", "brokr"]),
        ("broker: {prt: 1}\n", {}, ["broker.prt"]),
        ("broker: {port: 70000}\n", {}, ["broker.port"]),
        ("turn: {answer_s: soon}\n", {}, ["turn.answer_s"]),
        ("- a\n", {}, ["hub.yaml", "keys and values"]),
        ("broker: {port: 1\n", {}, ["hub.yaml, line 2"]),
        ("", {"TOYHUB_BROKER__PORT__X": "1", "TOYHUB_BROKER__PORT": "1883"}, ["TOYHUB_BROKER__PORT"]),
        ("", {"TOYHUB_BROKER__PORT": "{"}, ["TOYHUB_BROKER__PORT"]),
        ("", {"TOYHUB_NOISE": "loud"}, ["noise"]),
        ("stages: {stt: {engin: x}}\n", {}, ["stages.stt.engin"]),
    ],
)
def test_what_cannot_be_used_is_named(config: Path, text: str, environment: dict[str, str], named: list[str]) -> None:
    config.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(environment)
    assert all(part in str(caught.value) for part in named)
    assert "\n" not in str(caught.value)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().broker.port = 1  # type: ignore[misc]


def test_the_folder_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOYHUB_CONFIG_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    assert (config_dir() / "hub.yaml").samefile(_SHIPPED)
