"""The raw floor of a chain: the same hops through as many processes, each a bare paho loop without any of our code.

Run as a program it is one such loop: it takes what comes on its hops and publishes it on the next.
"""

import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

_ROOT = "floor"


def client(host: str, port: int, on_message: Callable[[str, bytes], None], subscribe: list[str]) -> Client:
    """A connected paho client with small packets sent at once."""

    def arrived(_: Client, __: Any, message: MQTTMessage) -> None:
        on_message(message.topic, bytes(message.payload))

    def subscribed(mqtt: Client, *_: Any) -> None:
        mqtt.subscribe([(topic, 1) for topic in subscribe])

    def no_delay(_: Client, __: Any, connection: Any) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    mqtt = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    mqtt.on_message, mqtt.on_connect, mqtt.on_socket_open = arrived, subscribed, no_delay
    mqtt.connect(host, port)
    return mqtt


def echo(host: str, port: int, hops: list[int]) -> None:
    """Hand every message of ``hops`` on to its next hop, until killed."""

    def onward(topic: str, payload: bytes) -> None:
        hop = int(topic.rsplit("/", 1)[1])
        loops[0].publish(_topic(hop + 1, payload[0]), payload, qos=1)

    loops = [client(host, port, onward, [f"{_ROOT}/pass/{hop}" for hop in hops])]
    loops[0].loop_forever()


def measure(host: str, port: int, hops: int, turns: int, pause_s: float, size: int = 200) -> list[float]:
    """Milliseconds that each of ``turns`` messages of ``size`` bytes needs for ``hops`` hops; the echoes must run."""
    times: list[float] = []
    back = False

    def arrived(_: str, __: bytes) -> None:
        nonlocal back
        times.append((time.perf_counter() - sent) * 1000)
        back = True

    mqtt = client(host, port, arrived, [f"{_ROOT}/end"])
    payload = bytes([hops]) * size
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        mqtt.loop(0.05)
    for _ in range(turns):
        back, sent = False, time.perf_counter()
        mqtt.publish(_topic(0, hops), payload, qos=1)
        while not back:
            mqtt.loop(1.0)
        time.sleep(pause_s)
    mqtt.disconnect()
    return times


def _topic(hop: int, hops: int) -> str:
    return f"{_ROOT}/pass/{hop}" if hop < hops - 1 else f"{_ROOT}/end"


if __name__ == "__main__":
    echo(sys.argv[1], int(sys.argv[2]), [int(hop) for hop in sys.argv[3:]])
