"""Fixtures for all tests: settings, a broker in memory, a real Mosquitto, asyncio's debug mode."""

import importlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from hub.broker import mosquitto_binary, write_conf
from hub.errors import BrokerError
from hub.settings import BrokerSettings, Settings
from tests.memory_broker import MemoryBroker

_IMAGE = "eclipse-mosquitto:2"


@pytest.fixture(scope="session", autouse=True)
def _asyncio_debug() -> Iterator[None]:
    """Forgotten awaits and slow callbacks show; loops made in the tests read this variable, worker processes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONASYNCIODEBUG", "1")
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults, with everything that is written below a temporary folder."""
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def memory_broker() -> MemoryBroker:
    """A broker in memory; its ``connect`` stands where ``hub.bus.connect`` does."""
    return MemoryBroker()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives a TCP port of 127.0.0.1 that nothing uses."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[BrokerSettings]:
    """A real Mosquitto with the project's own mosquitto.conf: in a container where Docker runs, else as installed.

    ``TEST_BROKER=installed`` takes the installed one in any case.
    """
    settings = BrokerSettings(port=free_port())
    folder = tmp_path_factory.mktemp("mosquitto")
    start = _in_container if _docker_runs() else _as_process
    yield from start(settings, folder)


def _docker_runs() -> bool:
    docker = shutil.which("docker")
    if not docker or not find_spec("testcontainers") or os.environ.get("TEST_BROKER") == "installed":
        return False
    asked = subprocess.run([docker, "info"], capture_output=True, timeout=20, check=False)
    return asked.returncode == 0


def _as_process(settings: BrokerSettings, folder: Path) -> Iterator[BrokerSettings]:
    try:
        binary = mosquitto_binary()
    except BrokerError as error:
        pytest.skip(str(error))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, "-c", str(write_conf(settings, folder))], stderr=log)
    try:
        _wait_until_open(settings, folder / "log")
        yield settings
    finally:
        process.terminate()
        process.wait(10)


def _in_container(settings: BrokerSettings, folder: Path) -> Iterator[BrokerSettings]:
    testcontainers: Any = importlib.import_module("testcontainers.core.container")
    inside = BrokerSettings(host="0.0.0.0", port=1883)  # noqa: S104 - inside the container; published on 127.0.0.1 only
    conf = write_conf(inside, folder)
    conf.write_text(conf.read_text().replace(str(folder), "/mosquitto/data"))
    container = testcontainers.DockerContainer(_IMAGE)
    container.with_bind_ports("1883/tcp", ("127.0.0.1", settings.port))
    container.with_volume_mapping(str(conf), "/mosquitto/config/mosquitto.conf")
    with container:
        _wait_until_open(settings, folder / "log")
        yield settings


def _wait_until_open(settings: BrokerSettings, log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex((settings.host, settings.port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"Mosquitto does not listen: {log.read_text() if log.exists() else ''}")
