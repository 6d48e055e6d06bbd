import asyncio

import pytest

from hub.errors import SettingsError, UnknownEngine
from hub.settings import Settings, StageSettings
from hub.store import Store
from hub.store.history import CLIP
from workers.memory.engine import Engine, StoreFailed, open_engine
from workers.memory.prompt import TEXT_CHARACTERS


async def test_opens_the_store_of_the_settings(settings: Settings) -> None:
    async with open_engine(settings) as engine:
        assert engine.name == "sqlite"
        assert (await engine.known("bear", "hello")).persona.id == settings.persona
    assert (settings.data_dir / "toyhub.db").exists()


async def test_another_engine_is_unknown(settings: Settings) -> None:
    other = settings.model_copy(update={"stages": {"memory": StageSettings(engine="qdrant")}})
    with pytest.raises(UnknownEngine, match="memory: no engine 'qdrant'; there are sqlite"):
        async with open_engine(other):
            pass


async def test_an_option_is_unknown(settings: Settings) -> None:
    other = settings.model_copy(update={"stages": {"memory": StageSettings(engine="sqlite", options={"path": "x"})}})
    with pytest.raises(SettingsError, match=r"stages\.memory\.options for engine sqlite: path"):
        async with open_engine(other):
            pass


async def test_a_store_that_fails_is_a_failure_of_the_stage(engine: Engine, store: Store) -> None:
    await store._database.execute("DROP TABLE playing")
    with pytest.raises(StoreFailed) as caught:
        await engine.known("bear", "hello")
    assert caught.value.code == "store-failed"


async def test_jobs_of_a_device_go_one_after_the_other(engine: Engine) -> None:
    order: list[str] = []

    async def job(device: str, name: str) -> None:
        async with engine.in_order(device):
            await asyncio.sleep(0.01 if name == "first" else 0)
            order.append(f"{device} {name}")

    await asyncio.gather(job("bear", "first"), job("bear", "second"), job("fox", "second"), job("bear", "third"))
    assert order == ["fox second", "bear first", "bear second", "bear third"]
    assert len(engine._locks) == 0


def test_store_and_prompt_count_characters_alike() -> None:
    assert CLIP == TEXT_CHARACTERS
