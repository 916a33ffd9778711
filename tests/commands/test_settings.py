"""`ringwell settings` as an administrator would use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.commands import shared

runner = CliRunner()


@pytest.fixture(autouse=True)
def _instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGWELL_INSTANCE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


def _run(*words: str, fails: bool = False) -> str:
    done = runner.invoke(app, ["settings", *words])
    assert (done.exit_code != 0) is fails, done.output
    return done.output if not fails else str(done.exception)


def test_settings_are_listed_by_a_word_with_their_explanation() -> None:
    told = _run("list", "caps")
    assert "policy.caps.a_day" in told
    assert "Calls and texts" in told
    assert "clinic.name" not in told
    assert "No setting has" in _run("list", "nosuchword")


def test_messaging_shows_what_a_clinic_sets_by_topic() -> None:
    told = _run("list", "messaging")
    lines = told.splitlines()
    hours = next(number for number, line in enumerate(lines) if "Messaging: hours" in line)
    assert "policy.voice.opens" in lines[hours + 1]
    assert "clinic.name" in told
    (row,) = json.loads(_run("list", "clinic.name", "--json"))
    assert row["topic"] == "Messaging: the clinic"


def test_a_narrow_window_cuts_nothing_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared.out, "width", 80)
    _run("set", "policy.sms.opens", "09:00", "--by", "Ana")
    told = _run("list", "policy")
    assert "…" not in told
    assert "policy.consent.emergencies_without" in told
    assert "09:00 (changed here, not 08:00)" in told


def test_a_change_shows_in_list_and_history_until_it_is_taken_back() -> None:
    assert "changed" in _run("set", "policy.caps.a_day", "2", "--by", "Ana", "--note", "complaints")
    (row,) = json.loads(_run("list", "policy.caps.a_day", "--json"))
    assert (row["value"], row["default"], row["origin"]) == (2, 3, "changed here")
    assert "in the settings file again" in _run("reset", "policy.caps.a_day", "--by", "Ben")
    assert "was not changed here" in _run("reset", "policy.caps.a_day", "--by", "Ben")
    (row,) = json.loads(_run("list", "policy.caps.a_day", "--json"))
    assert (row["value"], row["origin"]) == (3, "default")
    newest, first = json.loads(_run("history", "--json"))
    assert (first["value"], first["by"], first["note"]) == (2, "Ana", "complaints")
    assert (newest["value"], newest["by"]) == (None, "Ben")
    assert "complaints" in _run("history", "policy.caps.a_day")
    assert "Nothing was changed" in _run("history", "policy.sms.opens")


def test_a_wrong_change_says_what_is_wrong() -> None:
    assert "'many' is not a whole number such as 3" in _run(
        "set", "policy.caps.a_day", "many", "--by", "Ana", fails=True
    )
    assert "known setting" in _run("set", "policy.nothing", "1", "--by", "Ana", fails=True)
    assert "settings file" in _run("set", "clinic.name", "Other", "--by", "Ana", fails=True)
    assert "Nothing was changed" in _run("history")


def test_days_are_set_as_they_are_said() -> None:
    _run("set", "policy.sms.days", "mon,tue", "--by", "Ana")
    assert "mon, tue (changed here" in _run("list", "policy.sms.days")
    assert "mon, tue" in _run("history", "policy.sms.days")


def test_a_change_that_another_one_needs_is_not_taken_back_before_it() -> None:
    _run("set", "policy.sms.closes", "23:00", "--by", "Ana")
    _run("set", "policy.sms.opens", "22:00", "--by", "Ana")
    said = _run("reset", "policy.sms.closes", "--by", "Ana", fails=True)
    assert "opens at 22:00, after it closes at 21:00" in said
    assert "take that back first" in said
    _run("reset", "policy.sms.opens", "--by", "Ana")
    _run("reset", "policy.sms.closes", "--by", "Ana")
