import re
import sqlite3

import pytest

from hub.errors import StoreError
from hub.settings import Settings
from hub.store import migrations, open_store
from hub.store.migrations import MIGRATIONS, Migration

NEXT = Migration("a second step", ("ALTER TABLE devices ADD COLUMN colour TEXT", "UPDATE devices SET colour = 'brown'"))


async def test_each_step_is_recorded_with_its_time(settings: Settings) -> None:
    async with open_store(settings, lambda: 77) as store:
        rows = await store._database.fetch("SELECT * FROM migrations")
    assert [tuple(row) for row in rows] == [(1, MIGRATIONS[0].name, 77)]


async def test_a_next_step_keeps_what_there_is_and_a_copy_of_before(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(settings) as store:
        await store.devices.seen("bear")
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, NEXT))
    async with open_store(settings) as store:
        rows = await store._database.fetch("SELECT id, colour FROM devices")
        assert [tuple(row) for row in rows] == [("bear", "brown")]
    copy = sqlite3.connect(settings.data_dir / "toyhub.db.v1")
    assert copy.execute("SELECT id FROM devices").fetchall() == [("bear",)]
    assert copy.execute("SELECT max(version) FROM migrations").fetchone() == (1,)
    copy.close()
    async with open_store(settings):
        pass


async def test_a_step_that_fails_changes_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_store(settings) as store:
        await store.devices.seen("bear")
    broken = Migration("broken", (*NEXT.statements, "INSERT INTO no_such_table VALUES (1)"))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, broken))
        with pytest.raises(StoreError):
            async with open_store(settings):
                pass
    async with open_store(settings) as store:
        assert [device.id for device in await store.devices.list()] == ["bear"]
        assert len(await store._database.fetch("SELECT * FROM migrations")) == 1


async def test_a_database_of_a_newer_program_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, NEXT))
        async with open_store(settings):
            pass
    file = re.escape(str(settings.data_dir / "toyhub.db"))
    with pytest.raises(StoreError, match=rf"^{file} has version 2, this program knows up to 1"):
        async with open_store(settings):
            pass
