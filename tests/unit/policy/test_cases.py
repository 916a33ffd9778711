"""Each line of the tables in `cases` is a case: caps, lists, days, subjects, order, words, and no consent."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway import policy
from gateway.domain import (
    Action,
    BroadcastClass,
    Channel,
    ConsentEntry,
    Mail,
    Prompt,
    Script,
    Speech,
    Text,
    Then,
)
from gateway.policy import Rules, cascade
from gateway.settings import Clinic, PolicySettings
from tests.unit.factory import BROADCAST, PERSON, facts
from tests.unit.policy.tables import _CHANNELS, Case, cases, said, world

TABLES = ("caps", "unasked", "lists", "days", "subject", "order")


@pytest.mark.parametrize(
    "case", [case for name in TABLES for case in cases(name)], ids=lambda case: case.where
)
def test_the_verdict_is_that_of_the_table(case: Case):
    given = world(case.given, case.when)
    verdict = policy.decide(given.facts, given.channel, given.written_down, given.now, given.rules)
    assert said(verdict, given.zone) == case.then


@pytest.mark.parametrize("case", cases("method"), ids=lambda case: case.where)
def test_the_method_is_that_of_the_table(case: Case):
    wish, order = case.given.removeprefix("prefers "), re.sub(" to all by that method", "", case.when)
    first, *rest = (_CHANNELS[name] for name in order.split(", then "))
    known = facts(
        recipient=replace(PERSON, preferred=_CHANNELS.get(wish)),
        broadcast=replace(
            BROADCAST,
            channel=first,
            only_preference=order == case.when,
            cascade=tuple(Then(one, timedelta(hours=4)) for one in rest),
        ),
    )
    names = {channel: name for name, channel in _CHANNELS.items()}
    assert ", ".join(names[one] for one in cascade.channels(known)) == case.then


# --- what is said ---

HARBOR = Clinic(name="Harbor Clinic", callback="+1 202 555 0100")
_SENT_AS = re.compile(
    r"(call|voicemail|text|mail) (without consent|with consent|of marketing)"
    r"(, without such a key|, where that is not asked for)?(?: to (\w+), of (.+))?"
)
_MORE = re.compile(r" \((\d+) more\)$")


def spoken(words):
    return (Prompt("greeting"),) if words == "[recording]" else (Speech(words),)


def content_of(how, words, menu):
    words = _MORE.sub(lambda more: "x" * int(more[1]), words)
    if how == "text":
        return Text(words)
    if how == "mail":
        return Mail("News", words, words)
    person = "This is Harbor Clinic, 2 0 2, 5 5 5, 0 1 0 0. Press 9 to stop these calls."
    machine = "This is Harbor Clinic, 2 0 2, 5 5 5, 0 1 0 0."
    if how == "call":
        return Script(spoken(words), spoken(machine), menu)
    return Script(spoken(person), spoken(words), menu)


@pytest.mark.parametrize("case", cases("contents"), ids=lambda case: case.where)
def test_words_may_go_as_the_table_says(case: Case):
    how, why, but, given_name, clinician = _SENT_AS.fullmatch(case.when).groups()
    menu = {"9": Action.CONFIRM if but == ", without such a key" else Action.OPT_OUT}
    known = facts(consents=() if why == "without consent" else (ConsentEntry(1, given=True),))
    if why == "of marketing":
        known = replace(known, broadcast=replace(BROADCAST, broadcast_class=BroadcastClass.MARKETING))
    if given_name:
        known = replace(
            known,
            recipient=replace(PERSON, given_name=given_name),
            appointment=replace(known.appointment, clinician=clinician),
        )
    windows = PolicySettings(
        no_consent={"enabled": True}, consent={"marketing_way_out": but != ", where that is not asked for"}
    )
    channel = {"call": "voice", "voicemail": "voice", "text": "sms", "mail": "email"}[how]
    rules = Rules("America/New_York", windows, clinic=HARBOR)
    found = policy.unfit(known, Channel(channel), content_of(how, case.given, menu), rules)
    assert (said(found) if found else "sent") == case.then
