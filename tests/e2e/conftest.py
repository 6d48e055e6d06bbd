"""A toyhub for each module, with the project's own settings; a loop without debug mode, as measurements need it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.broker import mosquitto_binary
from hub.errors import BrokerError
from tests.e2e.home import Home


@pytest.fixture(scope="session")
def _mosquitto_is_installed() -> None:
    try:
        mosquitto_binary()
    except BrokerError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """Settings of the module's home as environment variables without prefix; modules have their own."""
    return {}


@pytest.fixture(scope="module")
def home(
    _mosquitto_is_installed: None,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    variables: dict[str, str],
) -> Iterator[Home]:
    """`toyhub up` for all tests of a module."""
    with Home(tmp_path_factory.mktemp("home"), free_port(), variables) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, _mosquitto_is_installed: None) -> Path:
    """A data_dir for a home of a single test."""
    return tmp_path / "data"


@pytest.fixture(autouse=True)
async def _undisturbed_clock() -> None:
    """Debug mode keeps the stack of every callback: twenty toys in one loop would be late by it."""
    asyncio.get_running_loop().set_debug(False)
