"""`toyhub up`: what it does with whatever is at the broker's address, and when it says ready."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hub import broker as hub_broker
from hub import bus
from hub.errors import BrokerError, HubError, SettingsError
from hub.messages import HubStatus, Worker
from hub.settings import BrokerSettings, Settings
from hub.supervisor import supervise
from hub.tools import up
from tests.memory_broker import MemoryBroker


class Shown:
    """Remembers what was shown."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))


async def test_ready_counts_only_what_comes_after_the_start(memory_broker: MemoryBroker) -> None:
    stale = Worker(stage="stt", replica="stt-old", state="ready")
    async with memory_broker.connect() as on:
        await on.publish(stale)
        await on.publish(HubStatus(text="online"))
        ready = up.Readiness(["hub", "stt"])
        await ready.watch(on, clean=True)
        assert ready.missing == {"hub", "stt"}
        cleared = {p.topic: p.payload for p in memory_broker.log[2:]}
        assert cleared == {"workers/stt/stt-old": b"", "hub/status": b"offline"}
        await on.publish(Worker(stage="stt", replica="stt-new", state="ready"))
        await on.publish(HubStatus(text="online"))
        async with asyncio.timeout(1):
            await ready.all.wait()


async def test_ready_leaves_a_foreign_broker_as_it_is(memory_broker: MemoryBroker) -> None:
    async with memory_broker.connect() as on:
        await on.publish(Worker(stage="stt", replica="stt-other", state="ready"))
        await up.Readiness(["stt"]).watch(on, clean=False)
    assert len(memory_broker.log) == 1


async def test_uses_a_broker_that_is_there_and_says_so(mosquitto: BrokerSettings, settings: Settings) -> None:
    shown = Shown()
    async with supervise(shown) as supervisor:
        assert not await up.have_broker(settings.model_copy(update={"broker": mosquitto}), supervisor, shown)
    assert "already listens" in shown.lines[0][1]


async def test_starts_a_broker_where_there_is_none_and_ends_it(
    settings: Settings, free_port: Callable[[], int]
) -> None:
    broker = BrokerSettings(port=free_port())
    shown = Shown()
    async with supervise(shown) as supervisor:
        assert await up.have_broker(settings.model_copy(update={"broker": broker}), supervisor, shown)
        async with bus.connect(broker, "test"):
            pass
    assert (settings.data_dir / "mosquitto" / "mosquitto.db").exists()
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(broker.host, broker.port)


async def test_a_stranger_on_the_port_is_named_with_a_way_out(settings: Settings) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        broker = BrokerSettings(port=server.sockets[0].getsockname()[1])
        text = await _refusal(settings, broker)
    assert text.startswith(f"what listens on 127.0.0.1:{broker.port} is no MQTT broker")
    assert "TOYHUB_BROKER__PORT" in text


async def test_a_broker_with_passwords_is_named_with_a_way_out(
    settings: Settings, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    broker = BrokerSettings(port=free_port())
    conf = tmp_path / "closed.conf"
    conf.write_text(f"listener {broker.port} 127.0.0.1\nallow_anonymous false\n")
    process = await asyncio.create_subprocess_exec(hub_broker.mosquitto_binary(), "-c", str(conf))
    try:
        async with asyncio.timeout(5):
            while (await hub_broker.ask(broker)).kind == "nothing":
                await asyncio.sleep(0.02)
        text = await _refusal(settings, broker)
        assert "does not let us in (Not authorized)" in text
        assert "TOYHUB_BROKER__PORT" in text
    finally:
        process.terminate()
        await process.wait()


async def test_no_broker_is_started_for_other_machines(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_: BrokerSettings) -> hub_broker.Answer:
        return hub_broker.Answer("nothing", "no answer")

    monkeypatch.setattr(up, "ask", nothing)
    assert "only on this machine" in await _refusal(settings, BrokerSettings(host="192.0.2.1"))


async def _refusal(settings: Settings, broker: BrokerSettings) -> str:
    async def attempt() -> None:
        async with supervise(Shown()) as supervisor:
            await up.have_broker(settings.model_copy(update={"broker": broker}), supervisor, Shown())

    with pytest.raises(BaseExceptionGroup) as caught:
        await attempt()
    (error,) = caught.value.exceptions
    assert isinstance(error, BrokerError)
    return str(error)


def test_two_at_once_on_one_folder_are_refused(tmp_path: Path) -> None:
    with up._alone(tmp_path / "data"), pytest.raises(HubError, match="already running"), up._alone(tmp_path / "data"):
        pass


def test_a_folder_that_cannot_be_written_is_a_settings_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="data_dir"), up._alone(tmp_path / "file" / "data"):
        pass
