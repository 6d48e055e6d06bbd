import logging
from pathlib import Path

import pytest

from hub.errors import SettingsError, StoreError
from hub.messages import Persona, Voice
from hub.settings import Settings
from hub.store import OWN, Store, open_store, read_persona
from hub.store.personas import read_personas

FOLDER = Path(__file__).parent.parent.parent.parent / "config" / "personas"


async def test_a_device_without_a_choice_has_the_default(store: Store) -> None:
    assert (await store.personas.of("nobody")).id == "bear"
    await store.devices.seen("bear")
    assert (await store.personas.of("bear")).name == "Bruno"


async def test_a_device_has_the_persona_that_was_chosen(store: Store) -> None:
    await store.devices.seen("bear")
    await store.devices.set_persona("bear", "pirate")
    assert (await store.personas.of("bear")).id == "pirate"


async def test_the_personas_that_come_with_it_are_complete(store: Store) -> None:
    personas = await store.personas.list()
    assert await store.personas.names() == ("bear", "pirate", "robot")
    for persona in personas:
        assert persona.backstory
        assert persona.rules
        assert persona.voice.name
        assert {"greeting", "hello", "who_are_you", "goodbye", "chat", "not_caught"} <= persona.lines.keys()


def test_every_key_is_explained_in_the_first_file() -> None:
    lines = (FOLDER / "bear.yaml").read_text().splitlines()
    voice = ("voice", "  name", "  speed", "  pitch", "  language")
    for key in ("name", "language", "backstory", "rules", *voice, "lines"):
        at = next(n for n, line in enumerate(lines) if line.startswith(f"{key}:"))
        assert lines[at - 1].strip().startswith("#"), key


async def test_an_edited_persona_is_the_devices_own_and_keeps_its_versions(store: Store) -> None:
    await store.devices.seen("bear")
    await store.devices.seen("fox")
    assert await store.personas.save("bear", Persona(id="x", name="Otto"))
    assert await store.personas.save("bear", Persona(id="x", name="Otto the Second"))
    assert (await store.personas.of("bear")) == Persona(id=OWN, name="Otto the Second")
    assert (await store.personas.of("fox")).name == "Bruno"
    assert [(v.number, v.persona.name) for v in await store.personas.versions("bear")] == [
        (1, "Otto"), (2, "Otto the Second"),
    ]  # fmt: skip
    await store.devices.set_persona("bear", "robot")
    assert (await store.personas.of("bear")).id == "robot"
    await store.devices.set_persona("bear", OWN)
    assert (await store.personas.of("bear")).name == "Otto the Second"


async def test_a_persona_is_not_saved_for_a_device_that_is_not_there(store: Store) -> None:
    assert not await store.personas.save("bear", Persona(id="x", name="Otto"))
    assert await store.personas.versions("bear") == []


async def test_a_persona_whose_file_is_gone_gives_way_to_the_default(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await store.devices.seen("bear")
    await store._database.execute("UPDATE devices SET persona = 'fairy'")
    with caplog.at_level(logging.WARNING):
        assert (await store.personas.of("bear")).id == "bear"
    assert "fairy" in caplog.text


async def test_a_saved_persona_that_cannot_be_read_is_named_without_its_content(store: Store) -> None:
    await store.devices.seen("bear")
    await store.personas.save("bear", Persona(id="x", name="Otto"))
    await store._database.execute("""UPDATE personas SET persona = '{"secret": 1}'""")
    with pytest.raises(StoreError, match=r"^persona of bear, version 1: cannot be read$"):
        await store.personas.of("bear")


async def test_a_broken_persona_stops_the_start(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "bear.yaml").write_text("name: Bruno\nbackstorry: typo\n")
    monkeypatch.setenv("TOYHUB_CONFIG_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match=r"personas/bear\.yaml: backstorry: "):
        async with open_store(settings):
            pass


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"bear\.yaml: "),
        ("name: ''", "name: "),
        ("language: en", "name: Field required"),
        ("name: B\nid: bear", "id: "),
        ("name: B\nvoice: {pitch: 9}", r"voice\.pitch: "),
        ("name: B\nvoice: {volume: 1}", r"voice\.volume: "),
        ("name: B\nrules: be kind", "rules: "),
        (f"name: B\nbackstory: {'x' * 1300}", "backstory: "),
        ("name: B\nlines: {hello: []}", r"lines\.hello: "),
        ("name: B\nlines: {helo: [Hi]}", r"lines\.helo: no such occasion"),
        ("name: B\nlines: {yes: [Good]}", "lines"),
        ("name: B\nlines: {hello: ['It is {time}']}", r"lines\.hello: no placeholder \{time\} here"),
        ("name: [", r"bear\.yaml, line 1"),
    ],
)
def test_a_persona_file_is_checked_key_by_key(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "bear.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=complaint) as caught:
        read_persona(file)
    assert str(file) in str(caught.value)


def test_a_voice_speaks_the_language_of_its_persona(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: A\nlanguage: de\nvoice: {speed: 0.9}\n")
    (tmp_path / "b.yaml").write_text("name: B\nlanguage: de\nvoice: {language: en}\nlines: {hello: ['Hi {name}']}\n")
    personas = read_personas(tmp_path, "a")
    assert personas["a"] == Persona(id="a", name="A", language="de", voice=Voice(speed=0.9, language="de"))
    assert personas["b"].voice.language == "en"


@pytest.mark.parametrize("name", ["own", "Big Bear", "bär"])
def test_a_file_must_be_named_like_an_id(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.yaml"
    file.write_text("name: A")
    with pytest.raises(SettingsError, match="cannot be the id of a persona"):
        read_persona(file)
    assert read_persona(file, OWN).id == OWN


def test_the_default_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ghost\.yaml for the default persona; there are bear, pirate, robot"):
        read_personas(FOLDER, "ghost")
    with pytest.raises(SettingsError, match="there are none"):
        read_personas(tmp_path, "bear")
