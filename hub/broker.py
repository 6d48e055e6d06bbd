"""The broker from outside: what answers at its address, and the Mosquitto we start when nothing does."""

import asyncio
import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.errors import BrokerError
from hub.settings import BrokerSettings, config_dir

_ANSWER_S = 3.0
_CONNACK = 0x20
_DISCONNECT = b"\xe0\x00"
OTHER_PORT = "choose another port with TOYHUB_BROKER__PORT=1884 (or broker.port in config/hub.yaml)"


@dataclass(frozen=True)
class Answer:
    """What came back when we asked to connect."""

    kind: Literal["nothing", "stranger", "refused", "welcome"]
    """nothing listens; something that is no MQTT broker; a broker that does not let us in; one that does."""
    reason: str = ""
    max_packet_size: int | None = None
    """The broker's limit, where it names one."""


async def ask(broker: BrokerSettings) -> Answer:
    """Connect as an MQTT 5 client would, and leave at once."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(broker.host, broker.port)
    except (OSError, TimeoutError) as error:
        return Answer("nothing", str(error) or "no answer")
    try:
        async with asyncio.timeout(_ANSWER_S):
            writer.write(_connect_packet(broker))
            answer = _read_connack(await _read_packet(reader))
            writer.write(_DISCONNECT)
            return answer
    except (OSError, EOFError, TimeoutError) as error:
        return Answer("stranger", type(error).__name__)
    finally:
        writer.close()


def _connect_packet(broker: BrokerSettings) -> bytes:
    """CONNECT of MQTT 5 (section 3.1): clean start, 10 s keepalive, no properties."""
    fields = [f"toyhub-ask-{random.randbytes(4).hex()}"]  # noqa: S311 - unique, not secret
    flags = 0x02
    for value, flag in ((broker.username, 0x80), (broker.password, 0x40)):
        if value is not None:
            fields.append(value)
            flags |= flag
    body = b"\x00\x04MQTT\x05" + bytes([flags]) + b"\x00\x0a\x00"
    body += b"".join(len(text).to_bytes(2) + text for text in map(str.encode, fields))
    return b"\x10" + _length(len(body)) + body


def _length(size: int) -> bytes:
    """MQTT's variable byte integer (section 1.5.5)."""
    low, rest = size % 128, size // 128
    return bytes([low | 0x80]) + _length(rest) if rest else bytes([low])


async def _read_packet(reader: asyncio.StreamReader) -> bytes:
    """Body of a CONNACK; empty when it is something else."""
    if (await reader.readexactly(1))[0] != _CONNACK:
        return b""
    size = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return await reader.readexactly(size) if size < 10_000 else b""


def _read_connack(body: bytes) -> Answer:
    """CONNACK (section 3.2): flags, reason code, properties; a broker before MQTT 5 sends none of the last."""
    if len(body) < 2:
        return Answer("stranger", "no MQTT")
    if body[1] == 0x01:
        return Answer("refused", "it speaks no MQTT 5")
    if body[1]:
        try:
            return Answer("refused", str(ReasonCode(PacketTypes.CONNACK, identifier=body[1])))
        except KeyError:  # a code of MQTT 3.1.1
            return Answer("refused", f"code {body[1]}")
    properties: Any = Properties(PacketTypes.CONNACK)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    if len(body) > 2:
        properties.unpack(body[2:])
    return Answer("welcome", max_packet_size=getattr(properties, "MaximumPacketSize", None))


def mosquitto_binary() -> str:
    """Where Mosquitto is; Debian puts it in /usr/sbin, which is not on everybody's PATH.

    Raises:
        BrokerError: it is not installed.
    """
    path = os.pathsep.join((*os.get_exec_path(), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"))
    if found := shutil.which("mosquitto", path=path):
        return found
    raise BrokerError(
        "Mosquitto is not installed: `sudo apt-get install mosquitto` (Debian, Ubuntu, Raspberry Pi OS), "
        "`brew install mosquitto` (macOS), or name a broker that runs elsewhere with TOYHUB_BROKER__HOST"
    )


def write_conf(broker: BrokerSettings, folder: Path) -> Path:
    """Render mosquitto/mosquitto.conf for this address and folder; Mosquitto itself expands no variables.

    Raises:
        BrokerError: the folder cannot be written, or there is no mosquitto.conf beside config/.
    """
    source = config_dir().parent / "mosquitto" / "mosquitto.conf"
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()
        lines = [f"listener {broker.port} {broker.host}" if line.startswith("listener ") else line for line in lines]
        lines += ["", f"# written by toyhub up from {source.resolve()}", f"persistence_location {folder}/"]
        if os.geteuid() == 0:
            # else it becomes user `mosquitto`, who may not even enter a checkout below /root
            lines.append("user root")
        rendered = folder / "mosquitto.conf"
        rendered.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise BrokerError(f"cannot prepare Mosquitto: {error}") from error
    return rendered
