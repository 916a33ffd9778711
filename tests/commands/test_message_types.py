"""Message types from the command line: renewals, birthdays, lists, and templates that are saved."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import app

runner = CliRunner()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for files, beside an installation with two clients and a clinician."""
    monkeypatch.setenv("RINGWELL_INSTANCE", str(tmp_path / "clinic"))
    monkeypatch.setenv("RINGWELL_CLINIC__ZONE", "UTC")
    (tmp_path / "clients.csv").write_text(
        "id,given_name,family_name,mobile,messaging_consent,birth_date\n"
        "C1,Ana,Diaz,+1 212 555 0101,yes,1990-06-01\n"
        "C2,Ben,Evans,+1 212 555 0102,yes,1980-06-02\n"
    )
    (tmp_path / "staff.csv").write_text("id,given_name,family_name,mobile\nS1,Tara,Fischer,+1 212 555 0103\n")
    _run("import", "clients", str(tmp_path / "clients.csv"))
    _run("import", "staff", str(tmp_path / "staff.csv"))
    return tmp_path


def _run(*words: str, code: int = 0) -> str:
    done = runner.invoke(app, list(words))
    assert done.exit_code == code, (done.output, done.exception)
    return done.output if done.exception is None or (code == 1 and done.output) else str(done.exception)


def _plan(*words: str) -> list[tuple[str, str, str]]:
    lines = json.loads(_run("broadcast", "plan", "--channel", "sms", "--json", *words))
    return [(line["name"], line["decision"], line["reason"]) for line in lines]


def test_renewals_are_imported_and_reminded_of(files: Path) -> None:
    soon = datetime.now(UTC).date() + timedelta(days=3)
    table = files / "renewals.csv"
    table.write_text(
        f"id,client,staff,name,due_on\nR1,C1,,Licence,{soon}\nR2,,S1,Licence,{soon}\nR3,C9,,Licence,{soon}\n"
    )
    told = json.loads(_run("import", "renewals", str(table), "--json", code=1))
    assert told == {
        "imported": 2,
        "problems": [
            {"line": 4, "column": "client", "reason": "is not known: import clients and staff first"}
        ],
    }
    span = ("--start-date", str(soon), "--at", f"{soon}T12:00")
    # In the window of a text, or later: never refused.
    assert _plan("--type", "client-upcoming-renewals", *span) == [("Ana Diaz", "defer", "broadcast-time")]
    assert _plan("--type", "staff-upcoming-renewals", *span)[0][0] == "Tara Fischer"
    assert _plan("--type", "client-upcoming-renewals", "--start-date", str(soon + timedelta(days=1))) == []


def test_birthdays_are_those_of_the_days(files: Path) -> None:
    year = datetime.now(UTC).year + 1
    span = ("--start-date", f"{year}-06-02", "--at", f"{year}-06-02T12:00")
    assert _plan("--type", "client-birthdays", *span) == [("Ben Evans", "defer", "broadcast-time")]
    shown = _run(
        "broadcast", "plan", "--channel", "sms", "--type", "client-birthdays", "--start-date", "2027-03-01"
    )
    assert "Nobody has a birthday" in shown


def test_a_list_and_a_saved_template_make_a_broadcast(files: Path) -> None:
    table, texts = files / "glasses.csv", files / "glasses.toml"
    table.write_text("id,Desk\nC1,4\nC2,\nC9,5\n")
    texts.write_text('[sms]\nbody = "<Practice>: <FirstName>, at desk <Desk>. STOP to opt out."\n')
    told = _run("import", "list", str(table), "--name", "Glasses", code=1)
    assert "line 4, column id: is not known among clients" in told
    (shown,) = json.loads(_run("lists", "--json"))
    assert (shown["name"], shown["columns"], shown["members"]) == ("Glasses", ["Desk"], 2)
    assert "<Desk>" in _run("lists")
    save = ("template", "save", "Ready", str(texts), "--type", "client-list")
    assert "<Desk> is not one of" in _run(*save, code=1)
    assert "version 1" in _run(*save, "--list", "Glasses")
    assert "version 1" in _run(*save, "--list", "Glasses")
    texts.write_text('[sms]\nbody = "<Practice>: <FirstName>, desk <Desk>. STOP to opt out."\n')
    assert "version 2" in _run(*save, "--list", "Glasses")
    assert "at desk" in _run("template", "show", "Ready", "--version", "1")
    assert "Ready" in _run("template", "list")
    use = ("--type", "client-list", "--list", "Glasses", "--template", "Ready")
    plan = _plan(*use, "--at", f"{datetime.now(UTC).date() + timedelta(days=1)}T15:00")
    assert plan == [("Ana Diaz", "defer", "broadcast-time"), ("Ben Evans", "refuse", "missing-value")]
    assert "<Desk>" in _run("broadcast", "plan", "--channel", "sms", *use)
    made = json.loads(_run("broadcast", "create", "Glasses", "--channel", "sms", *use, "--json"))
    assert made["messages"]["not sent (missing-value)"] == 1
    order = json.loads(_run("broadcast", "show", "1", "--json"))
    assert "desk <Desk>" in order["templates"]["sms"]["body"]
    assert order["broadcast_class"] == "other-informational"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--type", "client-list"), "needs a list: name it with --list"),
        (("--type", "client-list", "--list", "Nobody"), "there is no list 'Nobody'"),
        (("--type", "client-notice", "--template", "None"), "there is no template 'None'"),
        (("--type", "staff-notice", "--class", "marketing"), "not marketing"),
    ],
)
def test_what_does_not_fit_is_told(files: Path, words: tuple[str, ...], complaint: str) -> None:
    assert complaint in _run("broadcast", "plan", "--channel", "sms", *words, code=1)


def test_a_template_of_another_type_is_refused_and_one_that_nobody_saved_is_told(files: Path) -> None:
    _run("template", "save", "Closed", "--type", "client-notice")
    use = ("broadcast", "plan", "--channel", "sms", "--type", "staff-notice", "--template", "Closed")
    assert "is for messages of type client-notice" in _run(*use, code=1)
    assert "there is no template 'Open'" in _run("template", "show", "Open", code=1)


def test_a_template_gets_another_type_only_if_that_is_said(files: Path) -> None:
    _run("template", "save", "Closed", "--type", "client-notice")
    again = ("template", "save", "Closed", "--type", "staff-notice")
    said = _run(*again, code=1)
    assert "is for messages of type client-notice" in said
    assert "--change-type" in said
    assert [one["version"] for one in json.loads(_run("template", "list", "--json"))] == [1]
    assert "version 2" in _run(*again, "--change-type")
    (kept,) = json.loads(_run("template", "list", "--json"))
    assert (kept["type"], kept["version"]) == ("staff-notice", 2)


def test_what_is_shown_of_a_template_can_be_saved_again(files: Path) -> None:
    _run("template", "save", "Closed", "--type", "client-notice")
    copy = files / "copy.toml"
    copy.write_text(_run("template", "show", "Closed"))
    assert "version 1" in _run("template", "save", "Closed", str(copy), "--type", "client-notice")
