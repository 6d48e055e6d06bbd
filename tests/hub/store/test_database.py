import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from hub.errors import HubError, StoreError
from hub.settings import Settings
from hub.store import Store, open_store
from hub.store.database import Database, open_database

ROOT = Path(__file__).parent.parent.parent.parent


def _file(settings: Settings) -> Path:
    return settings.data_dir / "toyhub.db"


async def _writer(settings: Settings, device: str, count: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.hub.store.writer", str(settings.data_dir), device, str(count),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_a_commit_is_on_the_disk_before_it_returns(store: Store) -> None:
    writer = store._database._writer
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000, "secure_delete": 1}
    for name, value in wanted.items():
        (row,) = await writer.execute_fetchall(f"PRAGMA {name}")
        assert row[0] == value, name


async def test_the_file_is_for_its_owner_only(store: Store, settings: Settings) -> None:
    await store.devices.seen("bear")
    assert {path.stat().st_mode & 0o077 for path in settings.data_dir.iterdir()} == {0}


async def test_a_transaction_is_kept_or_undone_as_a_whole(store: Store) -> None:
    async def write_half() -> None:
        async with store.write():
            await store.devices.seen("bear")
            await store.memories.add("bear", "my dog is called max", keep=10)
            assert await store.devices.get("bear") is not None
            raise KeyError

    with pytest.raises(KeyError):
        await write_half()
    assert await store.devices.list() == []
    await store.devices.seen("bear")  # and the next one works


async def test_others_do_not_see_a_transaction_before_its_end(store: Store) -> None:
    async with store.write():
        await store.devices.seen("bear")
        other = asyncio.create_task(store.devices.list(), name="reader")
        assert await other == []
    assert [device.id for device in await store.devices.list()] == ["bear"]


async def test_a_transaction_that_is_cancelled_is_undone_and_the_next_goes_on(store: Store) -> None:
    begun = asyncio.Event()

    async def write() -> None:
        async with store.write():
            await store.devices.seen("half")
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(write(), name="writer")
    waiting = asyncio.create_task(store.devices.seen("next"), name="waiting")
    await begun.wait()
    task.cancel()
    await waiting
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [device.id for device in await store.devices.list()] == ["next"]


async def test_cancelling_at_any_moment_leaves_the_store_usable(store: Store) -> None:
    for wait_ms in range(40):
        task = asyncio.create_task(store.devices.seen(f"bear{wait_ms}"), name="writer")
        await asyncio.sleep(wait_ms / 10_000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await store.devices.seen("always")
    assert (await store._database.fetch("PRAGMA integrity_check"))[0][0] == "ok"


async def test_many_tasks_write_at_once(store: Store) -> None:
    await asyncio.gather(*(store.memories.add("bear", f"fact {n}", keep=100) for n in range(50)))
    assert len(await store.memories.facts("bear")) == 50


@pytest.mark.parametrize("content", [b"this is no database, " * 200, os.urandom(8192)])
async def test_a_file_that_is_no_database_is_named_and_left_alone(settings: Settings, content: bytes) -> None:
    file = _file(settings)
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"toyhub\.db is damaged.*\.recover"):
        async with open_store(settings):
            pass
    assert file.read_bytes() == content


async def test_a_damaged_page_is_found_at_the_start(settings: Settings) -> None:
    async with open_store(settings) as store:
        for turn in range(300):
            await store.history.add("bear", turn, said="x" * 200, heard="y" * 200, outcome="answered")
    file = _file(settings)
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = os.urandom(8192)
    file.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged"):
        async with open_store(settings):
            pass
    assert file.read_bytes() == bytes(content)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/data/toyhub\.db: cannot be opened"):
        async with open_store(Settings(data_dir=tmp_path / "file" / "data")):
            pass


async def test_an_error_never_quotes_what_was_said(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        await store._database.fetch("SELECT json_extract('{}', ?)", "my secret")
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, HubError)
    assert isinstance(caught.value.__cause__, sqlite3.Error)


async def test_a_process_that_writes_for_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.store.database.BUSY_S", 0.05)
    async with open_database(tmp_path / "a.db", int) as database:
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="another process has been writing"):
                await database.execute("DELETE FROM devices")
        finally:
            other.close()
        await database.execute("DELETE FROM devices")


async def test_a_reader_does_not_wait_for_a_writer_of_another_process(tmp_path: Path) -> None:
    async with open_database(tmp_path / "a.db", int) as database:
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            async with asyncio.timeout(1):
                assert await database.fetch("SELECT * FROM devices") == []
        finally:
            other.close()


async def test_several_processes_make_open_and_write_the_same_file(settings: Settings) -> None:
    async with asyncio.timeout(60):
        writers = [await _writer(settings, f"bear{n}", 60) for n in range(3)]
        ends = await asyncio.gather(*(writer.communicate() for writer in writers))
    assert [end[1] for end in ends] == [b"", b"", b""]
    async with open_store(settings) as store:
        assert [len(await store.memories.facts(f"bear{n}")) for n in range(3)] == [60, 60, 60]
        assert len(await store._database.fetch("SELECT * FROM migrations")) == 1


async def test_kill_9_loses_nothing_that_was_acknowledged(settings: Settings) -> None:
    for life in range(3):
        writer = await _writer(settings, f"bear{life}", 100_000)
        assert writer.stdout
        acknowledged = -1
        async with asyncio.timeout(30):
            while acknowledged < 30 + 7 * life:
                acknowledged = int(await writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            if rest := (await writer.stdout.read()).split():
                acknowledged = int(rest[-1])
            await writer.wait()
        async with open_store(settings) as store:
            kept = await store._database.fetch("SELECT turn FROM turns WHERE device = ?", f"bear{life}")
            facts = await store.memories.facts(f"bear{life}")
            assert {row[0] for row in kept} >= set(range(acknowledged + 1))
            assert len(facts) == len(kept)  # both of a transaction, or neither
            assert (await store._database.fetch("PRAGMA integrity_check"))[0][0] == "ok"


async def test_a_connection_stays_open_while_it_is_used(tmp_path: Path) -> None:
    async with open_database(tmp_path / "a.db", int) as database:
        assert isinstance(database, Database)
    assert os.listdir(tmp_path) == ["a.db"]  # noqa: PTH208 - closed: no -wal, no -shm
