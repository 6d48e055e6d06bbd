"""What a toy was told is there when everything was switched off and on again."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.home import Home, tell

pytestmark = [pytest.mark.broker, pytest.mark.slow]

READY_S = 10.0
"""Promised are 5 s; a machine that does much else at the same time gets twice that."""


async def test_a_name_and_a_fact_outlive_a_restart_which_takes_seconds(
    folder: Path, free_port: Callable[[], int]
) -> None:
    with Home(folder, free_port()) as home:
        async with home.toy("bear") as toy:
            for told in ("my name is Ada", "remember that my dog is called max"):
                assert (await toy.text(told)).answered
    assert home.end() == 0
    kept = home.turns("bear")
    assert [turn.said for turn in kept.values()] == ["my name is Ada", "remember that my dog is called max"]
    began = time.monotonic()
    with Home(folder, free_port()) as again:
        tell(f"started again in {again.ready_s:.1f} s, the first time in {home.ready_s:.1f}")
        assert time.monotonic() - began < READY_S
        async with again.toy("bear") as toy, again.toy("mouse") as other:
            report, stranger = await asyncio.gather(*(one.text("what do you know about me") for one in (toy, other)))
    assert report.answered
    assert report.reply is not None
    assert "Ada" in report.reply
    assert "max" in report.reply.lower()
    assert "dog" in report.reply
    assert stranger.reply is not None
    assert "Ada" not in stranger.reply
    assert "max" not in stranger.reply.lower()
