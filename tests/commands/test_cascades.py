"""Steps of a broadcast on the command line: shown in the plan, kept, and refused when they make no sense."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.commands import shared
from gateway.commands.broadcast_order import steps_of, told_steps
from gateway.domain import Channel, Then
from gateway.ordering import BroadcastError
from tests.commands.test_mistakes import Ringwell, config, ringwell
from tests.unit.factory import BROADCAST

__all__ = ["config", "ringwell"]
STEPS = ("--channel", "sms", "--then", "voice=4h", "--then", "email=1d", "--days", "3")


@pytest.mark.parametrize(
    ("then", "at_once", "steps"),
    [
        ([], False, ()),
        (["voice=90m"], False, (Then(Channel.VOICE, timedelta(minutes=90)),)),
        (["fax=2d"], False, (Then(Channel.FAX, timedelta(days=2)),)),
        (["voice", "email"], True, (Then(Channel.VOICE, None), Then(Channel.EMAIL, None))),
    ],
)
def test_steps_are_read(then: list[str], at_once: bool, steps: tuple[Then, ...]) -> None:
    assert steps_of(then, at_once) == steps


@pytest.mark.parametrize(
    ("then", "at_once", "complaint"),
    [
        (["pigeon=4h"], False, "pigeon is not voice, sms, email or fax"),
        (["voice"], False, "say how long after the step before, such as voice=4h"),
        (["voice=0h"], False, "say how long"),
        (["voice=4"], False, "say how long"),
        (["voice=4h"], True, "say --then voice"),
        ([], True, "--at-once needs a step"),
    ],
)
def test_steps_that_make_no_sense_are_refused(then: list[str], at_once: bool, complaint: str) -> None:
    with pytest.raises(BroadcastError, match=complaint):
        steps_of(then, at_once)


def test_steps_are_told_in_a_line() -> None:
    cascade = (Then(Channel.VOICE, timedelta(minutes=90)), Then(Channel.EMAIL, timedelta(days=1)))
    assert (
        told_steps(replace(BROADCAST, cascade=cascade)) == "voice, then voice after 90m, then email after 1d"
    )


def test_a_cascade_is_planned_and_shown_step_by_step(
    ringwell: Ringwell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared.out, "width", 200)
    tomorrow = datetime.now().astimezone() + timedelta(days=2)
    clients, visits = tmp_path / "clients.csv", tmp_path / "visits.csv"
    clients.write_text(
        "id,given_name,family_name,mobile,email,messaging_consent,preferred_contact_method\n"
        "C1,Ana,Diaz,+12125550101,ana@home.example,yes,\nC2,Ben,Diaz,+12125550102,,yes,voice\n"
    )
    visits.write_text(
        f"id,client,starts_at\nA1,C1,{tomorrow:%Y-%m-%d} 23:00\nA2,C2,{tomorrow:%Y-%m-%d} 23:00\n"
    )
    assert ringwell("import", "clients", str(clients)).code == 0
    assert ringwell("import", "appointments", str(visits)).code == 0
    plan = json.loads(ringwell("broadcast", "plan", *STEPS, "--json").out)
    assert [(line["client"], line["step"], line["channel"]) for line in plan] == [
        ("C1", 0, "sms"),
        ("C1", 1, "voice"),
        ("C1", 2, "email"),
        ("C2", 0, "voice"),
    ]
    told = ringwell("broadcast", "plan", *STEPS).out
    assert "Step" in told
    assert "C2" in told
    assert "1 with a preferred method get that alone" in told
    assert "get that alone" not in ringwell("broadcast", "plan", *STEPS, "--everybody-by-channel").out
    assert ringwell("broadcast", "create", "Reminders", *STEPS, "--no-render").code == 0
    shown = ringwell("broadcast", "show", "1").out
    assert "sms, then voice after 4h, then email after 1d" in shown
    assert "Waiting for what the step before it brings" in shown
    steps = {row["step"] for row in json.loads(ringwell("broadcast", "show", "1", "--json").out)["counts"]}
    assert steps == {0, 1, 2}
    assert "Step" in ringwell("history").out


def test_answers_about_appointments_are_listed(ringwell: Ringwell, tmp_path: Path) -> None:
    tomorrow = datetime.now().astimezone() + timedelta(days=2)
    clients, visits = tmp_path / "clients.csv", tmp_path / "visits.csv"
    clients.write_text("id,given_name,family_name\nC1,Ana,Diaz\n")
    visits.write_text(f"id,client,starts_at\nA1,C1,{tomorrow:%Y-%m-%d} 23:00\n")
    assert ringwell("import", "clients", str(clients)).code == 0
    assert ringwell("import", "appointments", str(visits)).code == 0
    (found,) = json.loads(ringwell("appointments", "list", "--json").out)
    assert (found["external_id"], found["client"], found["answer"]) == ("A1", "C1", "none")
    assert "A1" in ringwell("appointments", "list").out
    assert "No such" in ringwell("appointments", "list", "--answer", "cancelled").out
    assert ringwell("appointments", "restore", "A1").code == 1


def test_visits_of_a_day_are_planned_together(ringwell: Ringwell, tmp_path: Path) -> None:
    day = datetime.now().astimezone() + timedelta(days=2)
    clients, visits, texts = (tmp_path / name for name in ("clients.csv", "visits.csv", "texts.toml"))
    clients.write_text("id,given_name,family_name,mobile,messaging_consent\nC1,Ana,Diaz,+12125550101,yes\n")
    visits.write_text(f"id,client,starts_at\nA1,C1,{day:%Y-%m-%d} 22:00\nA2,C1,{day:%Y-%m-%d} 23:00\n")
    assert ringwell("import", "clients", str(clients)).code == 0
    assert ringwell("import", "appointments", str(visits)).code == 0
    together = ("--channel", "sms", "--days", "3", "--bundle")
    plan = json.loads(ringwell("broadcast", "plan", *together, "--json").out)
    assert [line["decision"] for line in plan][1] == "together"
    made = json.loads(ringwell("broadcast", "create", "Day", *together, "--json").out)
    assert made["messages"]["told with another visit"] == 1
    assert len(json.loads(ringwell("history", "--json").out)) == 1
    texts.write_text('[sms]\nbody = "<Practice>: <ServiceDate>"\n')
    refused = ringwell("broadcast", "create", "Day", *together, "--templates", str(texts))
    assert (refused.code, "must name <Appointments>" in refused.err) == (2, True)
    steps = json.loads(ringwell("broadcast", "create", "Day", *together, "--then", "voice=4h", "--json").out)
    assert steps["messages"]["told with another visit"] == 2
    rule = ("rule", "add", "Days", "--channel", "sms", "--before", "2d@10:00", "--bundle")
    assert ringwell(*rule).code == 0
    assert json.loads(ringwell("rule", "list", "--json").out)[0]["bundle"]
