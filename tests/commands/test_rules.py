"""`ringwell rule` from the command line, and broadcasts that go before what they are about."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.commands import shared
from gateway.planner import Planner
from gateway.policy import Rules
from gateway.settings import Settings
from store.engine import Store

runner = CliRunner()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation with a client who has an appointment in two days and a half."""
    monkeypatch.setenv("RINGWELL_INSTANCE", str(tmp_path / "clinic"))
    monkeypatch.setenv("RINGWELL_CLINIC__ZONE", "UTC")
    for channel in ("SMS", "VOICE"):
        monkeypatch.setenv(f"RINGWELL_POLICY__{channel}__OPENS", "00:00")
        monkeypatch.setenv(f"RINGWELL_POLICY__{channel}__CLOSES", "00:00")
    clients, visits = tmp_path / "clients.csv", tmp_path / "visits.csv"
    clients.write_text(
        "id,given_name,family_name,mobile,messaging_consent\nC1,Ana,Diaz,+1 212 555 0101,yes\n"
    )
    at = datetime.now(UTC) + timedelta(days=2, hours=12)
    visits.write_text(f"id,client,starts_at\nA1,C1,{at:%Y-%m-%dT%H:%M}\n")
    _run("import", "clients", str(clients))
    _run("import", "appointments", str(visits))
    return Settings(instance=tmp_path / "clinic")


def _another_day() -> date:
    """A day without the appointment that the client has already, whatever time it is now."""
    return (datetime.now(UTC) + timedelta(days=2, hours=12)).date() + timedelta(days=1)


def _run(*words: str, code: int = 0) -> str:
    done = runner.invoke(app, list(words))
    assert done.exit_code == code, (done.output, done.exception)
    return str(done.exception) if code and not done.output else done.output


ADD = ("rule", "add", "Reminders", "--channel", "sms", "--before", "2d,3h")


def _look(settings: Settings) -> int:
    async def look() -> int:
        async with Store(settings.store_url) as store:
            return await Planner(store, 1, "UTC", lambda: Rules.of(settings)).look()

    return asyncio.run(look())


def test_a_rule_is_added_shown_previewed_and_plans(settings: Settings) -> None:
    assert "Reminders, 2d, 3h before" in _run(*ADD, "--then", "voice=4h")
    (kept,) = json.loads(_run("rule", "list", "--json"))
    assert (kept["name"], kept["enabled"], kept["schedule"]["offsets"]) == ("Reminders", True, ["2d", "3h"])
    assert "enabled" in _run("rule", "list")
    coming = json.loads(_run("rule", "preview", "Reminders", "--json"))
    day = str((datetime.now(UTC) + timedelta(days=2, hours=12)).date())
    assert [(one["step"], one["people"], one["state"]) for one in coming if one["day"] == day] == [
        (1, 1, "next"),
        (2, 1, "later"),
    ]
    table = _run("rule", "preview", "Reminders")
    assert "Goes at" in table
    assert f"{sum(not one['people'] for one in coming)} lines for nobody are left out" in table
    assert _look(settings) > 0
    shown = json.loads(_run("rule", "show", "Reminders", "--json"))
    assert (day, 0, "planned") in [(one["day"], one["step"], one["state"]) for one in shown["occurrences"]]
    assert "planned" in _run("rule", "show", "Reminders")
    orders = json.loads(_run("broadcast", "list", "--json"))
    assert sum(order["messages"].get("scheduled", 0) for order in orders) == 2
    (planned,) = [order for order in orders if order["messages"]]
    assert [step[0] if isinstance(step, list) else step["channel"] for step in planned["cascade"]] == [
        "voice"
    ]


def _preview_of(day: date, rule: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(_run("rule", "preview", rule, "--json")) if one["day"] == str(day)]


def test_a_preview_shows_when_the_messages_of_each_step_go(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = _another_day()
    visits = tmp_path / "more.csv"
    visits.write_text(f"id,client,starts_at\nB1,C1,{day}T09:30\nB2,C1,{day}T15:00\n")
    _run("import", "appointments", str(visits))
    _run(*ADD, "--then", "voice=4h")
    long_before, short_before = _preview_of(day, "Reminders")
    text, call = long_before["steps"]
    before = day - timedelta(days=2)
    assert (text["channel"], text["messages"], text["first_at"], text["last_at"]) == (
        "sms",
        2,
        f"{before}T09:30:00+00:00",
        f"{before}T15:00:00+00:00",
    )
    assert (call["channel"], call["step"], call["first_at"], call["last_at"]) == (
        "voice",
        2,
        f"{before}T13:30:00+00:00",
        f"{before}T19:00:00+00:00",
    )
    text, call = short_before["steps"]
    assert (text["first_at"], text["last_at"]) == (f"{day}T06:30:00+00:00", f"{day}T12:00:00+00:00")
    # Four hours after the text the appointment has begun.
    assert (call["messages"], call["if_failed"], call["first_at"]) == (0, 2, None)
    monkeypatch.setattr(shared.out, "width", 200)
    told = _run("rule", "preview", "Reminders")
    assert "00:00 UTC" not in told
    assert "2 only if the step before fails" in told


def test_visits_of_a_day_that_are_told_together_are_one_message_of_a_preview(
    settings: Settings, tmp_path: Path
) -> None:
    day = _another_day()
    visits = tmp_path / "more.csv"
    visits.write_text(f"id,client,starts_at\nB1,C1,{day}T09:30\nB2,C1,{day}T15:00\n")
    _run("import", "appointments", str(visits))
    _run("rule", "add", "Together", "--channel", "sms", "--before", "2d", "--bundle")
    (one,) = _preview_of(day, "Together")
    (text,) = one["steps"]
    assert (one["people"], text["messages"], text["not_sent"]) == (2, 1, 0)


def test_a_preview_of_renewals_shows_the_hour_at_which_they_go(settings: Settings, tmp_path: Path) -> None:
    due = datetime.now(UTC).date() + timedelta(days=9)
    file = tmp_path / "renewals.csv"
    file.write_text(f"id,client,name,due_on\nR1,C1,License,{due}\n")
    _run("import", "renewals", str(file))
    add = ("rule", "add", "Renewals", "--channel", "sms", "--type", "client-upcoming-renewals")
    _run(*add, "--before", "7d")
    (one,) = _preview_of(due, "Renewals")
    assert one["goes_at"] == f"{due - timedelta(days=7)}T10:00:00+00:00"
    (empty,) = _preview_of(due - timedelta(days=1), "Renewals")
    assert (empty["goes_at"], empty["people"], empty["steps"]) == (None, 0, [])


def test_a_rule_that_is_switched_off_can_take_its_messages_with_it(settings: Settings) -> None:
    _run(*ADD)
    _look(settings)
    assert "disabled, 0 messages cancelled" in _run("rule", "disable", "Reminders")
    assert _look(settings) == 0
    _run("rule", "enable", "Reminders")
    assert "deleted, 1 messages cancelled" in _run("rule", "delete", "Reminders", "--cancel-planned")
    assert "No rules yet" in _run("rule", "list")
    assert "there is no rule 'Reminders'" in _run("rule", "show", "Reminders", code=1)
    _run(*ADD)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--before", "2d,7d"), "from the longest time before to the shortest"),
        (("--before", "soon"), "is no time before"),
        ((), "goes either before something"),
        (("--every", "weekly"), "wants a weekday"),
        (("--every", "daily", "--at", "noon"), "write a time of day"),
        (("--before", "2d", "--every", "daily"), "goes either before something"),
        (("--before", "2d", "--type", "client-notice"), "about nothing that they could go before"),
        (("--every", "daily", "--type", "client-list"), "needs a list"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_told(
    settings: Settings, words: tuple[str, ...], complaint: str
) -> None:
    assert complaint in _run("rule", "add", "Wrong", "--channel", "sms", *words, code=1)
    assert "No rules yet" in _run("rule", "list")


def test_two_rules_have_two_names(settings: Settings) -> None:
    _run("rule", "add", "Daily", "--channel", "email", "--every", "daily", "--type", "client-notice")
    again = ("rule", "add", "Daily", "--channel", "email", "--every", "daily", "--type", "client-notice")
    assert "there is a rule 'Daily' already" in _run(*again, code=1)


def test_a_broadcast_goes_before_each_of_its_appointments(settings: Settings) -> None:
    span = ("--start-date", str(datetime.now(UTC).date()), "--days", "4", "--before", "1d")
    (line,) = json.loads(_run("broadcast", "plan", "--channel", "sms", *span, "--json"))
    until = datetime.fromisoformat(line["until"])
    wanted = datetime.now(UTC) + timedelta(days=1, hours=12)
    assert abs(until - wanted) < timedelta(minutes=10)
    notice = ("broadcast", "plan", "--channel", "sms", "--type", "client-notice", "--before", "1d")
    assert "about nothing that they could go before" in _run(*notice, code=1)


@pytest.mark.parametrize("before", [("--before", "7d,2d"), ("--before", "7d", "--before", "2d")])
def test_a_broadcast_with_several_times_before_is_told_of_rules(
    settings: Settings, before: tuple[str, ...]
) -> None:
    told = _run("broadcast", "create", "Sequence", "--channel", "sms", *before, code=1)
    assert "ringwell rule add NAME --before 7d,2d" in " ".join(told.split())
    assert json.loads(_run("broadcast", "list", "--json")) == []
