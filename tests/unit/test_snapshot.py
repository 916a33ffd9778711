"""The version of the facts tells which of them differed, and names nobody."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from gateway.domain import (
    Appointment,
    Channel,
    ConsentEntry,
    Contact,
    Facts,
    Party,
    Recipient,
    State,
    Step,
)
from gateway.policy.snapshot import Change, Snapshot, changes, snapshot
from tests.unit.factory import ADDRESSES, BROADCAST, NOON, PERSON, facts

VISIT = facts().appointment
assert VISIT is not None
USUAL = facts()
OTHER_NUMBER = dict(USUAL.contacts) | {Channel.VOICE: Contact(1, Channel.VOICE, "+12125550001")}

CHANGES = {
    "address": facts(contacts=OTHER_NUMBER),
    "no address": facts(contacts={}),
    "one more entry": facts(consents=(ConsentEntry(1, True), ConsentEntry(2, True))),
    "entry withdrawn": facts(consents=(ConsentEntry(1, False),)),
    "moved": facts(appointment=replace(VISIT, starts_at=VISIT.starts_at + timedelta(minutes=15))),
    "cancelled": facts(appointment=replace(VISIT, status="cancelled")),
    "another's": facts(appointment=replace(VISIT, client=8)),
    "preference": facts(recipient=replace(PERSON, preferred=Channel.SMS)),
    "zone": facts(recipient=replace(PERSON, zone="America/Chicago")),
    "region": facts(recipient=replace(PERSON, region="US-TX")),
    "carer": facts(recipient=replace(PERSON, through=Party.CONTACT)),
    "contacted": facts(contacted=(NOON,)),
    "broadcast": facts(broadcast=replace(BROADCAST, state="cancelled")),
    "step": facts(steps=(Step(Channel.SMS, State.DELIVERED),)),
    "overtaken": facts(overtaken=True),
    "stop": facts(stop=4),
    "answered": facts(answered="confirmed"),
    "tried": facts(tried=True),
}


def _line(of: Facts, ledger: int = 5, rules: str = "0.1a2b3c4d") -> str:
    return snapshot(of, Channel.VOICE, ledger, rules)


@pytest.mark.parametrize("change", CHANGES)
def test_each_fact_that_decides_shows_in_the_version(change: str) -> None:
    assert _line(CHANGES[change]) != _line(USUAL)


def test_the_same_facts_have_the_same_version_in_every_process() -> None:
    assert _line(facts()) == "l5 s0.1a2b3c4d e2b38ec0d a83c4cfa2 v1795615200.booked"


def test_ledger_and_settings_show_their_position() -> None:
    read = Snapshot.read(_line(USUAL, ledger=58, rules="12.ffffffff"))
    assert (read.ledger, read.settings) == (58, 12)
    assert read.visit == (VISIT.starts_at, "booked")


def test_nothing_is_known_of_a_verdict_without_a_version() -> None:
    read = Snapshot.read(None)
    assert (read.ledger, read.settings, read.visit) == (None, None, None)


def test_it_is_told_that_the_visit_became_another_persons_and_not_whose():
    before, after = Snapshot.read(_line(USUAL)), Snapshot.read(_line(CHANGES["another's"]))
    assert changes(before, after) == [Change("whose-visit")]


def test_a_version_names_nobody() -> None:
    line = _line(USUAL)
    person = USUAL.recipient
    for secret in (*ADDRESSES.values(), person.given_name, person.family_name, "Check-up", "Ito"):
        assert secret not in line


def test_no_fact_is_left_out_unseen() -> None:
    # Names, languages and the columns of lists are words; texts of no broadcast are their own.
    decides_nothing = {"voicemails", "direct", "columns"}
    seen = {"broadcast", "recipient", "contacts", "consents", "appointment", "contacted", "steps", "answered"}
    seen |= {"occasion", "overtaken", "stop", "tried"}
    decides_nothing |= {"together"}
    assert {field.name for field in fields(Facts)} == seen | decides_nothing
    of_recipient = {"preferred", "zone", "region", "through"}
    words = {"id", "kind", "given_name", "family_name", "language", "contact_name"}
    assert {field.name for field in fields(Recipient)} == of_recipient | words
    of_visit = {"starts_at", "status", "confirmed_at", "client", "staff"}
    assert {field.name for field in fields(Appointment)} == of_visit | {"id", "service", "clinician"}
