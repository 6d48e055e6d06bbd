"""toyhub toy, ask, say and watch against the scripted hub, without a broker and without a process."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from hub.audio import RATE, decode_file, to_wav
from hub.bus import Sendable
from hub.errors import HubError, single_error
from hub.messages import Presence
from hub.settings import BrokerSettings
from hub.tools import ask, say, toy, watch
from hub.topics import matches
from hub.view.watcher import Watcher
from tests.hub.toy.scripted_hub import scripted_hub
from tests.memory_broker import MemoryBroker

PCM = (np.sin(np.arange(RATE // 5) / 5) * 8000).astype(np.int16)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> MemoryBroker:
    made = MemoryBroker()
    monkeypatch.setattr("hub.bus.connect", made.connect)
    monkeypatch.setattr("hub.view.observer._STATUS_S", 0.1)
    return made


@pytest.fixture
def call(broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Run a command with a scripted hub beside it in the same event loop; returns exit code and what it printed."""

    def invoke(tool: object, *arguments: str, hub: bool = True, greet: Sendable | None = None) -> tuple[int, str]:
        def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
            async def both() -> None:
                if not hub:
                    return await main(asyncio.Event())
                async with scripted_hub(broker) as script:
                    if greet:
                        await script.bus.publish(greet)
                    await main(asyncio.Event())
                return None

            with single_error():
                asyncio.run(both())

        monkeypatch.setattr(tool, "run", run)
        app = typer.Typer()
        app.command()(tool.command)  # type: ignore[attr-defined]
        result = CliRunner().invoke(app, arguments)
        if isinstance(result.exception, HubError | BaseExceptionGroup):
            raise result.exception
        return result.exit_code, result.output

    return invoke


def test_toy_says_a_file_and_saves_the_answer(call: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "say.wav").write_bytes(to_wav(PCM, RATE))
    code, printed = call(toy, "--wav", str(tmp_path / "say.wav"), "--save", str(tmp_path / "reply.wav"))
    assert code == 0
    for words in (
        "microphone on",
        "listening turn 101",
        "hello there",
        "you said",
        "none late or lost",
        "end-point decided",
    ):
        assert words in printed
    assert decode_file((tmp_path / "reply.wav").read_bytes(), 10).size == pytest.approx(0.6 * RATE, abs=2)


def test_toy_interrupts(call: Callable[..., tuple[int, str]]) -> None:
    code, printed = call(toy, "--say", "hi", "--interrupt-after", "0.1", "--codec", "pcm16")
    assert code == 0
    assert "interrupt turn 101" in printed


def test_toy_that_is_not_answered_fails(call: Callable[..., tuple[int, str]]) -> None:
    code, printed = call(toy, "--device", "cat", "--say", "hi", "--seconds-limit", "0.5")
    assert code == 1
    assert "timeout" in printed


@pytest.mark.parametrize("arguments", [[], ["--say", "a", "--mic"], ["--say", "a", "--codec", "mp3"]])
def test_toy_wants_one_sound_and_a_codec(call: Callable[..., tuple[int, str]], arguments: list[str]) -> None:
    assert call(toy, *arguments)[0] == 2


def test_ask_prints_the_reply(call: Callable[..., tuple[int, str]]) -> None:
    assert call(ask, "what time is it") == (0, "you said what time is it\n")


def test_ask_gives_up(call: Callable[..., tuple[int, str]]) -> None:
    with pytest.raises(HubError, match="did not answer"):
        call(ask, "anybody?", "--device", "cat", "--seconds", "0.2")


@pytest.mark.parametrize(("tool", "arguments"), [(toy, ["--say", "hi"]), (ask, ["hi"]), (say, ["hi"])])
def test_without_a_hub_there_is_a_clear_message(
    call: Callable[..., tuple[int, str]], tool: object, arguments: list[str]
) -> None:
    with pytest.raises(HubError, match="no hub is running"):
        call(tool, *arguments, hub=False)


def test_say_needs_the_toy(call: Callable[..., tuple[int, str]], broker: MemoryBroker) -> None:
    with pytest.raises(HubError, match="no toy 'bear'"):
        call(say, "good night")
    assert call(say, "good night", greet=Presence(device="bear", text="online"))[0] == 0
    assert broker.log[-1][:2] == ("toys/bear/set/say", b"good night")


async def test_watch_prints_what_travels(broker: MemoryBroker, capsys: pytest.CaptureFixture[str]) -> None:
    stop = asyncio.Event()
    async with scripted_hub(broker) as hub, asyncio.TaskGroup() as tasks:
        tasks.create_task(watch._watch(BrokerSettings(), None, Watcher(), stop), name="watch")
        await asyncio.sleep(0.05)
        await hub.bus.publish(Presence(device="bear", text="online"))
        await asyncio.sleep(0.05)
        stop.set()
    printed = capsys.readouterr().out
    assert "hub/status" in printed
    assert "retained" in printed
    assert "bear/up/presence" in printed


def test_watch_sees_everything_or_one_device() -> None:
    assert watch.filters(None) == ["#"]
    one = watch.filters("bear")
    for topic in ("toys/bear/up/audio", "turns/bear/7/sentence", "toys/bear/set/say", "hub/status"):
        assert sum(matches(each, topic) for each in one) == 1
    assert not any(matches(each, "toys/cat/up/audio") for each in one)
