"""The architecture holds here, and each rule finds a planted violation."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub.stage import find_stages, stage_names
from hub.topics import every_topic
from tests.rules import architecture as rules

ROOT = Path(__file__).parent.parent.parent
ROOTS = {topic.template.split("/")[0] for topic in every_topic().values()}
STAGES = {file.stem: importlib.import_module(f"workers.{file.parent.name}.{file.stem}").STAGE.consumes.topic.noun
          for file in ROOT.glob("workers/*/*_to_*.py")}  # fmt: skip

RULES: dict[str, Callable[[Path], Iterator[str]]] = {
    "imports": rules.import_violations,
    "topics": lambda root: rules.topic_violations(root, ROOTS),
    "sizes": rules.size_violations,
    "tasks": rules.task_violations,
    "names": lambda root: rules.name_violations(root, STAGES),
}

PLANTED = [
    ("imports", "hub/a.py", "import workers.stt.engine\n"),
    ("imports", "hub/a.py", "def f() -> None:\n    from workers.stt import engine\n"),
    ("imports", "workers/llm/a.py", "from workers.stt.engine import Heard\n"),
    ("imports", "workers/llm/a.py", "import aiomqtt\n"),
    ("imports", "hub/store.py", "import aiosqlite\n"),
    ("imports", "hub/bus.py", "import msgpack\n"),
    ("imports", "workers/llm/a.py", "import piper\n"),
    ("imports", "workers/stt/engines/a.py", "import asyncio\n"),
    ("imports", "workers/stt/engines/a.py", "from hub.bus import Bus\n"),
    ("imports", "hub/session/turns.py", "import time\n"),
    ("imports", "workers/memory/prompt.py", "from datetime import datetime\n"),
    ("topics", "hub/a.py", 'TOPIC = "toys/{device}/up/hello"\n'),
    ("topics", "workers/stt/a.py", 'f = f"$share/stt/turns/+/+/x"\ng = "turns/+/+/x"\n'),
    ("sizes", "workers/stt/a_to_b.py", "x = 1\n" * 61),
    ("sizes", "workers/stt/engines/a.py", "x = 1\n" * 151),
    ("sizes", "hub/a.py", "def f() -> None:\n" + "    x = 1\n" * 50),
    ("tasks", "hub/a.py", "tasks.create_task(f())\n"),
    ("names", "workers/stt/speech_to_transcript.py", ""),
]


@pytest.mark.parametrize("rule", RULES)
def test_holds(rule: str) -> None:
    assert list(RULES[rule](ROOT)) == []


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_a_planted_violation_is_found(rule: str, path: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert list(RULES[rule](tmp_path))


def test_every_stage_is_found_by_its_files() -> None:
    assert stage_names() == ["llm", "media", "memory", "stt", "tts"]
    for name in stage_names():
        assert {stage.name for stage in find_stages(name)} == {name}
