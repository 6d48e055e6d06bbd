import pytest

from hub.errors import SettingsError
from hub.messages import Hello, Place
from hub.store import Store
from tests.hub.store.conftest import Clock

HELLO = Hello(device="bear", firmware="1.2", codecs=["pcm16"], rate=24000, capabilities=["led"])


async def test_a_device_is_kept_as_it_introduced_itself(store: Store, clock: Clock) -> None:
    await store.devices.seen("bear", HELLO)
    first = clock.ms
    await store.devices.seen("bear")
    device = await store.devices.get("bear")
    assert device
    assert (device.hello, device.approved, device.persona, device.volume) == (HELLO, False, None, None)
    assert (device.first_seen_ms, device.last_seen_ms) == (first, clock.ms)
    assert await store.devices.get("fox") is None


async def test_a_new_hello_replaces_the_old_one(store: Store) -> None:
    await store.devices.seen("bear", HELLO)
    await store.devices.seen("bear", Hello(device="bear", firmware="2"))
    device = await store.devices.get("bear")
    assert device
    assert device.hello == Hello(device="bear", firmware="2")


async def test_a_hello_of_another_version_is_forgotten_not_fatal(store: Store) -> None:
    await store.devices.seen("bear", HELLO)
    await store._database.execute("""UPDATE devices SET hello = '{"rate": 1}'""")
    device = await store.devices.get("bear")
    assert device
    assert device.hello is None


async def test_a_device_added_by_hand_has_not_been_seen(store: Store) -> None:
    await store.devices.add("fox")
    await store.devices.seen("bear")
    await store.devices.add("bear")
    bear, fox = await store.devices.list()
    assert (bear.id, bear.approved, bear.last_seen_ms is None) == ("bear", True, False)
    assert (fox.id, fox.approved, fox.last_seen_ms) == ("fox", True, None)
    await store.devices.seen("fox")
    fox = (await store.devices.list())[1]
    assert fox.approved
    assert fox.first_seen_ms is not None
    assert await store.devices.count() == 2


async def test_what_is_set_is_kept(store: Store) -> None:
    await store.devices.seen("bear")
    assert await store.devices.set_volume("bear", 40)
    assert await store.devices.set_pause_ms("bear", 800)
    assert await store.devices.set_persona("bear", "robot")
    device = await store.devices.get("bear")
    assert device
    assert (device.volume, device.pause_ms, device.persona) == (40, 800, "robot")


async def test_nothing_is_set_for_a_device_that_is_not_there(store: Store) -> None:
    assert not await store.devices.set_volume("bear", 40)
    assert not await store.devices.set_pause_ms("bear", 800)
    assert not await store.devices.set_persona("bear", "robot")
    assert await store.devices.list() == []


async def test_a_persona_must_be_known(store: Store) -> None:
    await store.devices.seen("bear")
    with pytest.raises(SettingsError, match="no persona 'nobody'; there are bear, "):
        await store.devices.set_persona("bear", "nobody")
    with pytest.raises(SettingsError, match="no persona 'own'"):
        await store.devices.set_persona("bear", "own")


async def test_a_forgotten_device_leaves_nothing_behind(store: Store) -> None:
    place = Place(item="i", title="T", kind="story")
    for device in ("bear", "fox"):
        await store.devices.seen(device, HELLO)
        await store.memories.add(device, "my dog is called max", keep=9)
        await store.memories.set_child(device, "Mia")
        await store.history.add(device, 1, said="hello", heard="hi", outcome="answered")
        await store.playing.stopped(device, place, ended=False)
        await store.personas.save(device, (await store.personas.list())[0])
    assert await store.devices.forget("bear")
    assert not await store.devices.forget("bear")
    tables = ("devices", "personas", "profiles", "memories", "turns", "playing")
    for table in tables:
        device = "id" if table == "devices" else "device"
        rows = await store._database.fetch(f"SELECT count(*), sum({device} = 'fox') FROM {table}")  # noqa: S608 - our own names
        assert tuple(rows[0]) == (1, 1), table
    assert await store.memories.facts("bear") == []
