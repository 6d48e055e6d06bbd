"""A process that writes turns and says after each that it is kept.

``python -m tests.hub.store.writer FOLDER DEVICE COUNT``
"""

import asyncio
import sys
from pathlib import Path

from hub.settings import Settings
from hub.store import open_store


async def main(folder: str, device: str, count: str) -> None:
    async with open_store(Settings(data_dir=Path(folder))) as store:
        for turn in range(int(count)):
            async with store.write():
                await store.history.add(device, turn, said=f"said {turn}", heard="heard " * 20, outcome="answered")
                await store.memories.add(device, f"fact number {turn}", keep=10_000)
            sys.stdout.write(f"{turn}\n")
            sys.stdout.flush()
            await store.memories.facts(device)


asyncio.run(main(*sys.argv[1:]))
