"""The example client and the commands of docs/protocol.md, as they stand there, against a whole toyhub."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
import pytest
import pytest_asyncio

from hub import bus
from hub.audio import RATE, decode_file, level_db, to_wav
from hub.bench.rig import rig
from hub.messages import Control, Heard, HubHealth
from hub.settings import Settings
from hub.stage import stage_names
from hub.toy.microphone import spoken
from tests.chain.house import Log
from tests.rules.documentation import ROOT, block, commands

pytestmark = [pytest.mark.broker, pytest.mark.asyncio(loop_scope="module")]

PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
QUESTION = "what time is it"
EXPECTED = [
    ("transcript", '"what time is it", "source": "text"'), ("state", '"thinking"'), ("config", '"volume": 60'),
    ("presence", "online"), ("control", '"listening"'), ("control", '"flush"'), ("state", '"speaking"'),
    ("transcript", '"tell me a joke", "source": "text"'), ("control", '"volume":40'), ("config", '"volume": 40'),
]  # fmt: skip
"""What the commands lead to at the toy `bear`: last level of a topic, and something in the payload."""


class Ended(NamedTuple):
    """A program that has ended."""

    code: int
    out: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def toyhub() -> AsyncIterator[Settings]:
    """Broker, hub and all workers as processes, with the engines of the settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TOYHUB_")}
    with mock.patch.dict(os.environ, ours, clear=True):  # the rig adds to it
        async with rig(stage_names(), {"LIBRARY": "{starter: false}"}) as settings:
            yield settings


async def run(*command: str, cwd: Path, limit_s: float = 60, **environment: str) -> Ended:
    program = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(limit_s):
            out, _ = await program.communicate()
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    return Ended(program.returncode or 0, out.decode(errors="replace"))


async def be_a_toy(settings: Settings, folder: Path, device: str, question: bytes) -> Ended:
    """Run the client as a person would who copied it out of the document."""
    (folder / "example_toy.py").write_text(block(PROTOCOL, "python"))
    (folder / "question.wav").write_bytes(question)
    where = (settings.broker.host, str(settings.broker.port))
    return await run(sys.executable, "example_toy.py", *where, device, "question.wav", "answer.wav", cwd=folder)


def told(expected: tuple[str, str], delivery: bus.Delivery) -> bool:
    return delivery.topic.endswith(f"/{expected[0]}") and expected[1].encode() in delivery.payload


async def test_the_client_speaks_and_saves_the_answer(toyhub: Settings, tmp_path: Path) -> None:
    heard, orders = Log(), Log()
    question = to_wav(await spoken(QUESTION), RATE)
    async with bus.connect(toyhub.broker, "stranger") as on:
        await on.subscribe(Heard.topic.only(device="example"), heard.take)
        await on.subscribe(Control.topic.only(device="example"), orders.take)
        ended = await be_a_toy(toyhub, tmp_path, "example", question)
        await orders.until(lambda d: b'"done"' in d.payload)
    assert ended == (0, "")
    answer = decode_file((tmp_path / "answer.wav").read_bytes(), 60)
    assert answer.size > RATE / 2
    assert level_db(answer) > -50
    assert [bool(Heard.decode(d.topic, d.payload).text) for d in heard.seen] == [True]  # what it heard is stt's affair
    names = [Control.decode(d.topic, d.payload).control for d in orders.seen]
    assert names == ["listening", "stop_listening", "play", "done"]


async def test_the_client_tells_why_there_is_no_answer(toyhub: Settings, tmp_path: Path) -> None:
    ended = await be_a_toy(toyhub, tmp_path, "mouse", to_wav(np.zeros(RATE, np.int16), RATE))
    assert ended.code == 1
    assert ended.out.strip() == "no-speech"


async def test_every_command_of_the_document_works(toyhub: Settings, tmp_path: Path) -> None:
    (tmp_path / "question.wav").write_bytes(to_wav(await spoken(QUESTION), RATE))
    for program, more in (("mosquitto_pub", ""), ("mosquitto_sub", "-W 2\n")):
        (tmp_path / program).write_text(f"-h {toyhub.broker.host}\n-p {toyhub.broker.port}\n{more}")
    lines, seen, health = commands(PROTOCOL), Log(), Log()
    async with bus.connect(toyhub.broker, "stranger") as on:
        await on.subscribe("toys/bear/#", seen.take)
        await on.subscribe(HubHealth.topic.filter, health.take)
        for line in lines:
            ended = await run("sh", "-c", line, cwd=tmp_path, XDG_CONFIG_HOME=str(tmp_path))
            if line.startswith("mosquitto_pub"):
                assert ended == (0, ""), line
                await asyncio.sleep(1)  # each has its effect before the next ends it
            else:
                assert ended.code in (0, 27), line  # 27: the time was up
                assert ended.out, line
        for expected in EXPECTED:
            await seen.until(partial(told, expected))
        await asyncio.sleep(5.5)  # the hub counts every 5 s
    last = health.seen[-1]
    assert len(lines) >= 15
    assert HubHealth.decode(last.topic, last.payload).rejected == {}
