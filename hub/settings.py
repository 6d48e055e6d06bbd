"""Settings: config/hub.yaml, then environment variables over it; the only reader of config/ and the environment.

``TOYHUB_BROKER__PORT=1884`` sets ``broker.port``: two underscores go one level down, values are read as YAML.
``TOYHUB_CONFIG_DIR`` names another folder than config/. An unknown key is an error that names it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hub.errors import SettingsError

_Model = TypeVar("_Model", bound=BaseModel)
_PREFIX = "TOYHUB_"
_FOLDER = f"{_PREFIX}CONFIG_DIR"


class Section(BaseModel):
    """A part of the settings: frozen, unknown keys rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokerSettings(Section):
    """Where Mosquitto listens and who we are there."""

    host: str = "127.0.0.1"
    port: int = Field(default=1883, ge=1, le=65535)
    username: str | None = None
    password: str | None = None
    """From the environment, never from a file in the repository."""
    keepalive_s: int = Field(default=10, ge=2, le=120)
    """A process that hangs is noticed after 1.5 to 2 times this."""


class EndpointSettings(Section):
    """When speech begins and ends."""

    speech_probability: float = Field(default=0.5, gt=0, lt=1)
    """From the voice activity detector; above it a frame is speech."""
    gate_db: float = Field(default=-50.0, ge=-90, le=0)
    """Frames quieter than this (dB of full scale) are silence and cost no detector."""
    start_ms: int = Field(default=96, ge=32)
    """Speech must last this long to count as a beginning."""
    silence_ms: int = Field(default=600, ge=100, le=5000)
    """Silence that ends speech, before a device's own pauses are known."""
    min_silence_ms: int = Field(default=450, ge=100, le=5000)
    max_silence_ms: int = Field(default=1200, ge=100, le=5000)
    """Bounds of the silence learned from a device's pauses."""
    before_ms: int = Field(default=300, ge=0)
    """Sound kept from before speech began."""
    after_ms: int = Field(default=200, ge=0)
    """Silence kept after speech ended."""
    no_speech_s: float = Field(default=8.0, gt=0)
    """Listening ends when nobody speaks for so long."""
    max_speech_s: float = Field(default=20.0, gt=0)
    """Speech is cut here and answered as it is."""
    lost_s: float = Field(default=2.0, gt=0)
    """No chunk for so long while listening: what is there is taken as all."""


class TurnSettings(Section):
    """How long a child waits at most."""

    answer_s: float = Field(default=8.0, gt=0)
    """From the end of speech to the first sound of the answer; then the apology comes."""
    next_s: float = Field(default=6.0, gt=0)
    """Longest gap inside a reply while the next piece is being made."""
    played_s: float = Field(default=0.25, gt=0)
    """How long an interrupted toy has to report what it played before wall clock is taken."""


class PlayoutSettings(Section):
    """How audio is paced to a toy."""

    ahead_ms: int = Field(default=400, ge=60, le=5000)
    """Sent ahead of real time; never more than the toy's buffer."""
    more_ms: int = Field(default=6000, ge=500)
    """Ask for the next part of a story or track when less than this is left to send."""


class LimitSettings(Section):
    """Against toys that misbehave."""

    devices: int = Field(default=500, ge=1)
    """Most devices that may introduce themselves."""
    open: bool = True
    """Whether an unknown device may introduce itself; False: only devices added by ``toyhub devices add``."""
    events_per_s: float = Field(default=20.0, gt=0)
    burst: int = Field(default=60, ge=1)
    """Events, texts and files a device may send at once; above it they are dropped and counted."""
    utterance_s: float = Field(default=30.0, gt=0)
    """Longest sound taken from one file."""


class StageSettings(Section):
    """One stage of the chain."""

    engine: str = "auto"
    options: dict[str, Any] = {}
    """Checked by the engine's own Settings."""
    concurrency: int = Field(default=2, ge=1, le=256)
    """Jobs one replica works on at once."""
    drain_s: float = Field(default=5.0, ge=0)


class MemorySettings(Section):
    """What is kept about a device."""

    history_turns: int = Field(default=12, ge=0)
    """Turns of history put into a prompt."""
    keep_turns: int = Field(default=200, ge=1)
    """Turns kept in the store for each device."""
    keep_memories: int = Field(default=200, ge=1)
    recalled: int = Field(default=4, ge=0)
    """Memories put into a prompt because what was said is about them."""


class Settings(Section):
    """All settings; config/hub.yaml holds each key with its comment."""

    data_dir: Path = Path("data")
    """Database, library and index live here."""
    language: str = "en"
    persona: str = "bear"
    """Persona of a device that has none of its own."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    broker: BrokerSettings = BrokerSettings()
    endpoint: EndpointSettings = EndpointSettings()
    turn: TurnSettings = TurnSettings()
    playout: PlayoutSettings = PlayoutSettings()
    limits: LimitSettings = LimitSettings()
    memory: MemorySettings = MemorySettings()
    stages: dict[str, StageSettings] = {}
    library: dict[str, Any] = {}
    """Checked by the library's own settings."""

    def stage(self, name: str) -> StageSettings:
        """Settings of one stage; the defaults when config/ does not name it."""
        return self.stages.get(name, StageSettings())


def config_dir() -> Path:
    """The folder of settings, personas, intents and the starter library.

    ``TOYHUB_CONFIG_DIR``, else ``config`` where the program was started, else the one beside the installed package.
    """
    if named := os.environ.get(_FOLDER):
        return Path(named)
    here = Path("config")
    return here if (here / "hub.yaml").exists() else Path(__file__).parent.parent / "config"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check all settings.

    Raises:
        SettingsError: naming the file or variable and the key.
    """
    environment = os.environ if environment is None else environment
    path = config_dir() / "hub.yaml"
    values = read_yaml(path) if path.exists() else {}
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: expected keys and values")
    for variable in sorted(environment):
        if variable.startswith(_PREFIX) and variable != _FOLDER:
            _overlay(values, variable, environment[variable])
    return validate(Settings, values, f"{path} and {_PREFIX}* variables")


def _overlay(values: dict[str, Any], variable: str, text: str) -> None:
    *parents, key = variable.removeprefix(_PREFIX).lower().split("__")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise SettingsError(f"{variable}: {parent} has no keys below it")
    try:
        values[key] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{variable}: not a YAML value") from error


def validate(model: type[_Model], values: Any, where: str) -> _Model:
    """Check values against a model.

    Raises:
        SettingsError: one line for each key that does not fit.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or '(all)'}: {e['msg']}" for e in error.errors(include_url=False)]
        raise SettingsError(f"{where}: {'; '.join(lines)}") from None


def read_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        SettingsError: the file cannot be read or is no YAML; names file, line and column.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SettingsError(f"{path}{place}: not YAML") from error
