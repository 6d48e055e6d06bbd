"""The built-in recogniser: it acts on what was meant for it, and on nothing else."""

import threading
import wave
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from hub.messages import Title
from hub.settings import config_dir
from tests.workers.stt.voices import Command, commands, content, missing_programs, said
from workers.llm.intents import Intent, Intents
from workers.stt.engine import Heard
from workers.stt.engines.phrases import Engine, Settings
from workers.stt.speech import RATE

needs_voices = pytest.mark.skipif(bool(missing_programs()), reason=f"not installed: {', '.join(missing_programs())}")
# real speech, where the machine has it: an inaugural address, with nothing in it for a toy
JFK = Path(__file__).parents[4] / "shared" / "audio" / "jfk.wav"
RNG = np.random.default_rng(7)


def titles(*names: str) -> list[Title]:
    return [Title(id=name, title=name) for name in names]


@pytest.fixture(scope="module")
def engine() -> Engine:
    made = Engine(Settings())
    made.learn(titles(*content()["titles"]))
    made.warm()
    return made


@pytest.fixture(scope="module")
def intents() -> Intents:
    return Intents.load(config_dir() / "intents", "en")


def acted_on(heard: Heard, intents: Intents) -> Intent | None:
    """As the llm stage does it."""
    return intents.match(heard.text) if heard.source != "open" and heard.confidence >= 0.5 else None


def right(command: Command, heard: Heard, intents: Intents) -> bool:
    return acted_on(heard, intents) == Intent(command.intent, command.slots)


@needs_voices
@pytest.mark.slow
def test_19_of_20_commands_are_acted_on_as_meant(engine: Engine, intents: Intents) -> None:
    heard = [(command, engine.transcribe(said(command.say, command.voice), RATE)) for command in commands()]
    missed = [(command.say, text.text) for command, text in heard if not right(command, text, intents)]
    assert len(heard) >= 60
    assert len(missed) <= len(heard) / 20, missed


@needs_voices
@pytest.mark.slow
@pytest.mark.parametrize("voice", content()["voices"])
def test_talk_triggers_nothing(voice: str, engine: Engine, intents: Intents) -> None:
    heard = {text: engine.transcribe(said(text, voice), RATE) for text in content()["talk"]}
    assert {text: it for text, it in heard.items() if acted_on(it, intents)} == {}
    assert all(it.confidence < 0.5 for it in heard.values() if it.source == "open")


@pytest.mark.skipif(not JFK.exists(), reason="no recording of real speech here")
@pytest.mark.slow
def test_a_real_voice_that_talks_of_other_things(engine: Engine, intents: Intents) -> None:
    with wave.open(str(JFK)) as file:
        speech = file.readframes(file.getnframes())
    assert acted_on(engine.transcribe(speech, RATE), intents) is None


NOTHING = {
    "no bytes": b"",
    "half a sample": b"\x01",
    "odd silence": bytes(32_001),
    "a sample": b"\x00\x10",
    "a click": bytes(8000) + b"\xff\x7f" * 40 + bytes(8000),
    "noise": RNG.normal(0, 3000, 2 * RATE).astype("<i2").tobytes(),
    "loud noise": RNG.uniform(-32768, 32767, RATE).astype("<i2").tobytes() + b"\x00",
    "hum": (6000 * np.sin(np.arange(2 * RATE) * 2 * np.pi * 100 / RATE)).astype("<i2").tobytes(),
    "a beep": bytes(16_000) + (9000 * np.sin(np.arange(RATE) / 2)).astype("<i2").tobytes(),
    "a constant": np.full(RATE, 5000, "<i2").tobytes(),
}


@pytest.mark.parametrize("pcm", NOTHING.values(), ids=NOTHING)
def test_what_is_no_speech_triggers_nothing(pcm: bytes, engine: Engine, intents: Intents) -> None:
    assert acted_on(engine.transcribe(pcm, RATE), intents) is None


@pytest.mark.parametrize("name", ["no bytes", "half a sample", "odd silence", "a sample", "a click"])
def test_silence_is_an_empty_text(name: str, engine: Engine) -> None:
    assert engine.transcribe(NOTHING[name], RATE).text == ""


@needs_voices
def test_any_rate(engine: Engine) -> None:
    pcm = np.frombuffer(said("play some music", "slt"), "<i2")
    fast = np.repeat(pcm, 3).astype("<i2").tobytes()
    assert engine.transcribe(fast, 3 * RATE).text == "play some music"


@needs_voices
def test_the_same_sound_is_always_heard_the_same_way(engine: Engine) -> None:
    first, second = (engine.transcribe(said("tell me a joke", "kal"), RATE) for _ in range(2))
    assert (first.text, first.source) == (second.text, second.source)
    assert first.text == "tell me a joke"
    assert first.source == "grammar"
    assert 0.5 <= first.confidence <= 1


@needs_voices
def test_titles_are_learned_while_others_are_heard() -> None:
    made = Engine(Settings())
    play = said("play the wheels on the bus", "slt")
    assert made.transcribe(play, RATE).source == "open"
    heard: list[str] = []
    listening = threading.Thread(
        target=lambda: heard.extend(made.transcribe(said("tell me a joke", "slt"), RATE).text for _ in range(8))
    )
    listening.start()
    for names in (["The Wheels on the Bus"], [], ["The Wheels on the Bus", "Zoë & the 3 Wibblos"]):
        made.learn(titles(*names))
    listening.join()
    assert heard == ["tell me a joke"] * 8
    assert made.transcribe(play, RATE).text == "play the wheels on the bus"


@needs_voices
def test_other_names_of_a_title() -> None:
    made = Engine(Settings())
    made.learn([Title(id="wheels", title="Bus Song", also=["The Wheels on the Bus"])])
    assert made.transcribe(said("play the wheels on the bus", "slt"), RATE).text == "play the wheels on the bus"


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(ValidationError, match="treshold"):
        Settings.model_validate({"treshold": -3})
