"""What commands print for people: nothing is cut off in a narrow window, and times are the clinic's."""

from __future__ import annotations

import io
import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.commands import shared

runner = CliRunner()

# A zone whose abbreviation is its own all the year.
ZONE, ABBREVIATION = "Pacific/Honolulu", "HST"
NAME = "Reminders-of-the-whole-of-November-and-December"
LISTS = {
    "broadcasts": ("broadcast", "list"),
    "history": ("history",),
    "templates": ("template", "list"),
    "lists": ("lists",),
    "rules": ("rule", "list"),
    "settings": ("settings", "list"),
    "changes": ("settings", "history"),
    "consent": ("consent", "show", "C1"),
    "do-not-call": ("do-not-call", "list"),
    "appointments": ("appointments", "list"),
    "plan": ("broadcast", "plan", "--channel", "sms", "--days", "7", "--before", "1h"),
    "preview": ("rule", "preview", NAME),
}
DATED = [name for name in LISTS if name not in ("rules", "settings")]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with something in each list, names as long as they may be."""
    folder = tmp_path_factory.mktemp("clinic")
    file = folder / "ringwell.toml"
    file.write_text(f'instance = "{folder}/instance"\n[clinic]\nzone = "{ZONE}"\n')
    clients, visits, members = (folder / name for name in ("clients.csv", "visits.csv", "list.csv"))
    clients.write_text(
        "id,given_name,family_name,mobile,messaging_consent\n"
        "C1,Maximiliana-Alejandra,Gutierrez-Echeverria,+1 808 555 0101,yes\n"
    )
    at = datetime.now(ZoneInfo(ZONE)) + timedelta(days=2)
    visits.write_text(f"id,client,starts_at\nA-2027-0000000001,C1,{at:%Y-%m-%d}T14:00\n")
    members.write_text("id,Reason\nC1,tea\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RINGWELL_CONFIG", str(file))
        _run("import", "clients", str(clients))
        _run("import", "appointments", str(visits))
        _run("import", "list", str(members), "--name", NAME)
        _run("template", "save", NAME, "--type", "client-upcoming-appointments")
        _run("rule", "add", NAME, "--channel", "sms", "--before", "1d,3h")
        _run("broadcast", "create", NAME, "--channel", "sms", "--days", "7", "--at", f"{at:%Y-%m-%dT01:00}")
        _run("settings", "set", "policy.caps.a_day", "2", "--by", NAME, "--note", "complaints")
        _run("do-not-call", "add", "+18085550199", "--by", NAME)
    return file


def _run(*words: str, width: int = 200) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared.out, "width", width)
        done = runner.invoke(app, list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@pytest.mark.parametrize("name", LISTS)
def test_nothing_is_cut_off_in_a_narrow_window(
    clinic: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("RINGWELL_CONFIG", str(clinic))
    narrow, wide = _run(*LISTS[name], width=80), _run(*LISTS[name])
    assert "…" not in narrow
    assert max(map(len, narrow.splitlines())) <= 80
    assert _letters(narrow) == _letters(wide)


def _letters(told: str) -> list[str]:
    return sorted(re.sub(r"[\W_]", "", told))


@pytest.mark.parametrize("name", DATED)
def test_times_are_the_clinics_and_say_so(clinic: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("RINGWELL_CONFIG", str(clinic))
    told = _run(*LISTS[name])
    assert re.search(rf"20\d\d-\d\d-\d\d \d\d:\d\d {ABBREVIATION}", told), told
    assert "UTC" not in told


@pytest.mark.parametrize("name", [name for name in DATED if name not in ("plan", "preview")])
def test_machines_get_moments_with_their_offset(
    clinic: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("RINGWELL_CONFIG", str(clinic))
    told = json.dumps(json.load(io.StringIO(_run(*LISTS[name], "--json"))))
    moments = re.findall(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d[^\"]*", told)
    assert moments
    assert all(datetime.fromisoformat(one).utcoffset() is not None for one in moments)
