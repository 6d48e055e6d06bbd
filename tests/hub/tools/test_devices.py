import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hub.errors import StoreError
from hub.messages import Hello
from hub.settings import load_settings
from hub.store import Store, open_store
from hub.tools import devices


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOYHUB_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")


def _run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(devices.app, list(arguments), input=answer)


def _prepare(work: Callable[[Store], Coroutine[Any, Any, object]]) -> None:
    async def run() -> None:
        async with open_store(load_settings()) as store:
            await work(store)

    asyncio.run(run())


async def _two_toys(store: Store) -> None:
    await store.devices.seen("bear", Hello(device="bear", firmware="7.1"))
    await store.devices.add("fox")
    await store.memories.set_child("bear", "Mia")
    await store.memories.add("bear", "i like apples", keep=9)


def test_no_toy_yet() -> None:
    assert "No toy has introduced itself yet." in _run().output


def test_the_list_says_who_is_there_but_not_what_was_told() -> None:
    _prepare(_two_toys)
    result = _run()
    assert result.exit_code == 0
    for text in ("bear", "just now", "Bruno", "Mia", "7.1", "fox", "never"):
        assert text in result.output
    assert "apples" not in result.output


def test_a_toy_is_added_and_forgotten() -> None:
    assert _run("add", "bear").exit_code == 0
    assert "bear" in _run().output
    assert _run("forget", "bear", answer="n\n").exit_code == 1
    assert "bear" in _run().output
    assert _run("forget", "bear", answer="y\n").exit_code == 0
    assert "bear" not in _run().output
    assert str(_run("forget", "bear", "--yes").exception) == "no device 'bear'; 'toyhub devices' lists them"


def test_an_id_that_cannot_be_one_is_refused() -> None:
    result = _run("add", "a/b")
    assert result.exit_code == 2
    assert "1 to 64 letters" in result.output


def test_a_damaged_database_is_one_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "toyhub.db").write_bytes(b"nothing " * 100)
    assert isinstance(_run().exception, StoreError)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "never"), (5, "just now"), (65, "1 minute ago"), (7200, "2 hours ago"), (86_400 * 3, "3 days ago")],
)
def test_how_long_ago(monkeypatch: pytest.MonkeyPatch, seconds: int | None, text: str) -> None:
    monkeypatch.setattr("hub.tools.devices.time.time", lambda: 1_000_000.0)
    assert devices._ago(None if seconds is None else (1_000_000 - seconds) * 1000) == text
