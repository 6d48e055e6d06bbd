"""`toyhub doctor`: what it finds, and that each finding that matters comes with a remedy."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hub.checkup import Finding, content, live, machine
from hub.settings import BrokerSettings, Settings, StageSettings
from hub.tools import doctor


async def test_everything_that_is_wrong_has_a_remedy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOYHUB_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("TOYHUB_BROKER__PORT", "1")
    findings = [finding async for finding in doctor.look()]
    assert {"Python", "mosquitto", "clock", "settings", "disk", "intents", "engine of stt", "broker"} <= {
        finding.about for finding in findings
    }
    assert all(finding.remedy for finding in findings if finding.state == "broken")


def test_settings_that_cannot_be_used_end_it_with_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOYHUB_BROKER__PORTT", "1")
    answer = subprocess.run(
        [sys.executable, "-m", "hub.cli", "doctor", "--json"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    report = json.loads(answer.stdout)
    assert report["ok"] is False
    (wrong,) = [each for each in report["findings"] if each["about"] == "settings"]
    assert wrong["state"] == "broken"
    assert "broker.portt" in wrong["text"]


def test_a_program_that_is_missing_is_essential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    finding = machine.program("espeak-ng", "--version", why="the built-in voice")
    assert finding.state == "broken"
    assert "apt-get install espeak-ng" in finding.remedy


def test_a_clock_that_lost_its_battery_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 86_400.0)
    assert machine.clock().state == "broken"
    assert "1970" in machine.clock().text


def test_a_folder_that_cannot_be_written_is_essential(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (finding,) = machine.data_folder(tmp_path / "file" / "data")
    assert finding.state == "broken"
    assert "TOYHUB_DATA_DIR" in finding.remedy


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    assert [finding.about for finding in machine.data_folder(tmp_path)] == ["data folder", "disk"]
    assert not list(tmp_path.iterdir())


async def test_a_damaged_database_is_essential(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "toyhub.db").write_bytes(b"this is no database, and long enough to be read as one" * 100)
    finding = await content.database(settings)
    assert finding.state == "broken"
    assert "toyhub.db" in finding.remedy


def test_an_engine_that_does_not_exist_is_essential(settings: Settings) -> None:
    chosen = settings.model_copy(update={"stages": {"tts": StageSettings(engine="choir")}})
    finding = content.engine("tts", chosen)
    assert finding.state == "broken"
    assert "espeak" in finding.text


def test_an_engine_is_named_with_the_reason(settings: Settings) -> None:
    chosen = settings.model_copy(update={"stages": {"tts": StageSettings(engine="espeak")}})
    assert content.engine("tts", chosen) == Finding("engine of tts", "ok", "espeak, because the settings say so")


def test_a_language_without_files_is_essential(settings: Settings) -> None:
    martian = settings.model_copy(update={"language": "xx"})
    assert content.intents(martian).state == "broken"
    assert content.lines(martian).state == "broken"


@pytest.mark.broker
async def test_the_broker_is_measured_and_nobody_is_there(settings: Settings, mosquitto: BrokerSettings) -> None:
    there = settings.model_copy(update={"broker": mosquitto})
    findings = {finding.about: finding async for finding in live.look(there)}
    assert findings["broker"].state == "ok"
    assert findings["broker delay"].state == "ok", findings["broker delay"].text
    assert findings["broker limits"].state == "ok"
    assert findings["hub"].state == findings["worker stt"].state == "note"


async def test_a_broker_that_is_not_there_is_a_note(settings: Settings) -> None:
    (finding,) = [each async for each in live.look(settings.model_copy(update={"broker": BrokerSettings(port=1)}))]
    assert finding.state == "note"
    assert "toyhub up" in finding.remedy
