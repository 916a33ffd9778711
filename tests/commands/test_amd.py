"""Machines and people are told apart by the real detection, at least as often as promised."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.asterisk.calibration import Recording, Result
from gateway.asterisk.trials import Heard
from gateway.settings import MachineDetection

PROMISED_PEOPLE, PROMISED_MACHINES = 0.98, 0.95


def ringwell(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ringwell", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "ringwell.toml"
    file.write_text(f'instance = "{tmp_path}/clinic"\n[clinic]\nname = "Harbor Street Clinic"\n')
    return str(file)


@pytest.mark.timeout(300)
def test_the_parameters_that_ship_are_right_as_often_as_promised(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    examples = str(tmp_path / "examples")
    assert ringwell(monkeypatch, "amd", "examples", examples) == 0
    capsys.readouterr()
    code = ringwell(monkeypatch, "amd", "calibrate", examples, "--no-search", "--json", "--config", config)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)["now"]
    assert code == 0
    assert told["people"]["recordings"] + told["machines"]["recordings"] >= 100
    assert told["people"]["right"] >= PROMISED_PEOPLE, told["people"]["wrong"]
    assert told["machines"]["right"] >= PROMISED_MACHINES, told["machines"]["wrong"]
    assert told["parameters"] == MachineDetection().model_dump()


@pytest.mark.parametrize("make", [(), ("people",), ("people", "machines")])
def test_a_folder_without_recordings_of_both_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    config: str,
    make: tuple[str, ...],
) -> None:
    for label in make:
        (tmp_path / "set" / label).mkdir(parents=True)
    assert ringwell(monkeypatch, "amd", "calibrate", str(tmp_path / "set"), "--config", config) == 2
    said = capsys.readouterr().err
    assert "people/ and in machines/" in said
    assert said.count("\n") == 1


def test_a_file_that_is_no_sound_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    for label in ("people", "machines"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "one.wav").write_text("no sound")
    assert ringwell(monkeypatch, "amd", "calibrate", str(tmp_path), "--config", config) == 2
    assert "people/one.wav cannot be read as sound" in capsys.readouterr().err


def _result(people: str, machines: str, seconds: float = 1.0) -> Result:
    """One letter for each recording: what it was taken for."""
    status = {"p": "HUMAN", "m": "MACHINE", "?": "NOTSURE"}
    heard = [
        (Recording(label, label == "machines", Path()), Heard(status[letter], "", seconds))
        for label, letters in (("people", people), ("machines", machines))
        for letter in letters
    ]
    return Result(MachineDetection(), heard)


def test_who_is_not_sure_is_a_person() -> None:
    result = _result("pp?m", "mm?p")
    assert (result.right_share(False), result.right_share(True)) == (0.75, 0.5)


def test_a_person_taken_for_a_machine_counts_more_and_then_the_quicker_wins() -> None:
    assert _result("pp", "mp").score < _result("pm", "mm").score
    assert _result("pp", "mm", 1.0).score < _result("pp", "mm", 1.5).score
    assert _result("pp", "mm", 9.0).score < _result("pp", "mp", 1.0).score
