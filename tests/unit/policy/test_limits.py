"""Gaps, caps of states, and what goes without consent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway import policy
from gateway.broadcast import judge
from gateway.domain import (
    Action,
    BroadcastClass,
    Channel,
    Contact,
    Direct,
    DirectKind,
    MessageType,
    OnMachine,
    Party,
    Prompt,
    RecipientKind,
    Speech,
    Text,
)
from gateway.policy import Allow, Defer, Refuse, Rules
from gateway.policy.contents import unfit
from gateway.settings import Caps, Clinic, NoConsentSettings, PolicySettings
from gateway.wording import compose, default_templates
from gateway.wording.missing import Needs
from tests.unit.factory import BROADCAST, NOON, PERSON, RULES, facts

VOICE, SMS, EMAIL = Channel.VOICE, Channel.SMS, Channel.EMAIL
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TOMORROW = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)


def rules(region="US-NY", **changes):
    return Rules("America/New_York", PolicySettings(**changes), clinic_region=region)


def decide(contacted, rules, channel=VOICE, **changes):
    far = replace(facts().appointment, starts_at=NOON + 9 * DAY)
    usual = {"appointment": far, "broadcast": replace(BROADCAST, starts_until=None)}
    known = facts(contacted=tuple(contacted), **usual | changes)
    return policy.decide(known, channel, None, NOON, rules)


def test_between_two_calls_or_texts_lies_the_gap():
    gap = rules(caps=Caps(gap_minutes=90))
    held = Defer(NOON + 60 * MINUTE, "too-soon")
    assert decide([NOON - 30 * MINUTE], gap) == held
    assert decide([NOON - 30 * MINUTE], gap).basis == "setting:policy.caps.gap_minutes"
    assert decide([NOON - 30 * MINUTE, NOON - 5 * HOUR], gap) == held
    assert decide([NOON - 90 * MINUTE], gap) == Allow()
    assert decide([NOON - 30 * MINUTE], gap, EMAIL) == Allow()
    assert decide([NOON - 30 * MINUTE], rules()) == Allow()


def test_the_cap_of_a_day_and_that_of_a_week_are_two():
    day, week = rules(caps=Caps(a_day=2, a_week=0)), rules(caps=Caps(a_day=0, a_week=2))
    spread = [NOON - DAY, NOON - 2 * DAY, NOON - 3 * DAY]
    assert decide(spread, day) == Allow()
    assert decide(spread, week) == Defer(TOMORROW + 4 * DAY, "week-cap")
    assert decide([NOON - HOUR] * 2, day) == Defer(TOMORROW, "day-cap")
    assert decide([NOON - HOUR], week) == Allow()


def test_florida_allows_three_in_any_24_hours():
    free = Caps(a_day=0, a_week=0)
    made = [NOON - 23 * HOUR, NOON - 22 * HOUR, NOON - HOUR]
    florida = rules("US-FL", caps=free)
    found = decide(made, florida)
    assert found == Defer(NOON + HOUR, "state-cap")
    assert found.basis == "setting:policy.regions.US-FL.in_24_hours"
    assert decide(made[1:], florida) == Allow()
    assert decide([NOON - 24 * HOUR, *made[1:]], florida) == Allow()
    assert decide(made, rules("US-NY", caps=free)) == Allow()
    assert decide(made, rules("US-FL", caps=free, regional=False)) == Allow()
    somebody = replace(PERSON, region="US-FL", zone="America/New_York")
    assert decide(made, rules(caps=free), recipient=somebody) == Defer(NOON + HOUR, "state-cap")


def test_whether_attempts_are_counted_at_all():
    free = Caps(a_day=0, a_week=0)
    assert RULES.are_capped
    assert not rules(caps=free, regional=False).are_capped
    assert rules(caps=free).are_capped
    assert rules(caps=Caps(a_day=0, a_week=1), regional=False).are_capped
    assert rules(caps=Caps(a_day=1, a_week=0), regional=False).are_capped
    assert rules(caps=Caps(a_day=0, a_week=0, gap_minutes=1), regional=False).are_capped
    assert rules(caps=free, regional=False, no_consent=NoConsentSettings(enabled=True)).are_capped


def test_a_start_counts_again_by_the_same_caps():
    bound = rules("US-FL", caps=Caps(a_day=3, a_week=7, gap_minutes=90))
    midnight = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
    limits = policy.limits_on(facts(), VOICE, NOON, bound, Allow())
    instant = timedelta(microseconds=1)
    assert {(limit.since, limit.most) for limit in limits} == {
        (midnight, 3),
        (midnight - 6 * DAY, 7),
        (NOON - 90 * MINUTE + instant, 1),
        (NOON - 24 * HOUR + instant, 3),
    }
    assert policy.limits_on(facts(), EMAIL, NOON, bound, Allow()) == ()


def test_a_stop_holds_whatever_may_go():
    found = decide([], RULES, stop=4)
    assert found == Defer(NOON + MINUTE, "stopped")
    assert found.basis == "stop:4"
    assert decide([], RULES, stop=4, consents=()) == Refuse("no-consent")


# --- without consent ---

EXEMPT = rules(no_consent=NoConsentSettings(enabled=True))
HEALTH = replace(BROADCAST, starts_until=None)


@pytest.mark.parametrize(
    ("channel", "changes", "goes"),
    [
        (VOICE, {}, True),
        (SMS, {}, True),
        (EMAIL, {}, False),
        (VOICE, {"broadcast": replace(HEALTH, broadcast_class=BroadcastClass.OTHER)}, False),
        (VOICE, {"broadcast": replace(HEALTH, broadcast_class=BroadcastClass.MARKETING)}, False),
        (VOICE, {"broadcast": replace(HEALTH, type=MessageType.CLIENT_NOTICE)}, False),
        (VOICE, {"recipient": replace(PERSON, through=Party.CONTACT)}, False),
        (SMS, {"contacts": {SMS: Contact(1, SMS, "+18005550199")}}, False),
        (VOICE, {"contacts": {VOICE: Contact(1, VOICE, "+442079460123")}}, False),
        (VOICE, {"contacts": {VOICE: Contact(1, VOICE, "+33612345678")}}, True),
    ],
)
def test_health_messages_go_without_consent_only_under_every_condition(channel, changes, goes):
    found = decide([], EXEMPT, channel, consents=(), **changes)
    assert isinstance(found, Allow) is goes
    if goes:
        assert found.basis == "setting:policy.no_consent.enabled"
    assert not isinstance(decide([], rules(), channel, consents=(), **changes), Allow)


def test_without_consent_there_is_one_a_day_and_three_a_week():
    found = decide([NOON - HOUR], EXEMPT, consents=())
    assert found == Defer(TOMORROW, "day-cap")
    assert found.basis == "setting:policy.no_consent.a_day"
    week = [NOON - n * DAY for n in (1, 2, 3)]
    found = decide(week, EXEMPT, consents=())
    assert found == Defer(TOMORROW + 3 * DAY, "week-cap")
    assert found.basis == "setting:policy.no_consent.a_week"
    # Who has agreed gets the usual number.
    assert decide([NOON - HOUR], EXEMPT) == Allow()
    staff = replace(PERSON, kind=RecipientKind.STAFF)
    assert decide([NOON - HOUR], EXEMPT, consents=(), recipient=staff) == Allow()


def verdict(channel, content, **changes):
    found = unfit(facts(consents=(), **changes), channel, content, EXEMPT)
    return found.reason if found else None


def test_composed_messages_are_held_to_it():
    usual = Clinic()
    assert verdict(SMS, compose(facts(), SMS, usual)) is None
    spanish = facts(recipient=replace(PERSON, language="es"), broadcast=replace(BROADCAST, templates=SPANISH))
    assert verdict(SMS, compose(spanish, SMS, Clinic(language="es"))) is None
    # As it ships, a call ends with number and key; without consent both come first.
    call = compose(facts(), VOICE, usual)
    assert verdict(VOICE, call) == "said-late"
    early = "This is <Practice>, <CallBack>. Press 9 to stop these calls. Your visit: <ServiceDate>."
    templates = {**BROADCAST.templates, "voice": {**BROADCAST.templates["voice"], "person": early}}
    call = compose(facts(broadcast=replace(BROADCAST, templates=templates)), VOICE, usual)
    assert verdict(VOICE, call) is None
    assert verdict(VOICE, replace(call, menu={"1": Action.CONFIRM})) == "no-way-out"
    assert verdict(VOICE, replace(call, person=(*call.person, Speech("word " * 100)))) == "too-long"
    assert verdict(VOICE, replace(call, person=(Prompt("greeting"), *call.person))) == "length-unknown"
    assert verdict(VOICE, replace(call, other=(Speech("Hola"),))) == "clinic-not-named"
    silent = replace(call, machine=(Prompt("greeting"),), on_machine=OnMachine.LATER)
    assert verdict(VOICE, silent) is None
    for left in (OnMachine.LEAVE, OnMachine.LEAVE_MORE):
        assert verdict(VOICE, replace(silent, on_machine=left)) == "length-unknown"


SPANISH = default_templates(MessageType.UPCOMING_APPOINTMENTS, "es")


def test_a_clinic_abroad_is_known_by_its_number_as_it_is_said_there():
    berlin = Clinic(name="Praxis Hafen", callback="+49 30 123456", country="DE")
    here = replace(EXEMPT, clinic=berlin)
    for number in ("0 3 0, 1 2 3 4 5 6", "+49 30 123456", "030/123456"):
        text = Text(f"Praxis Hafen, {number}: STOP")
        assert unfit(facts(consents=()), SMS, text, here) is None
    assert (
        unfit(facts(consents=()), SMS, Text("Praxis Hafen, 30 12345: STOP"), here).reason
        == "clinic-not-named"
    )
    extension = replace(EXEMPT, clinic=Clinic(name="Praxis Hafen", callback="call 12-34"))
    assert unfit(facts(consents=()), SMS, Text("Praxis Hafen, 1234: STOP"), extension) is None


def test_one_who_has_not_agreed_holds_the_words_about_all_to_it():
    words = Text("Friday at ten.")
    silent = facts(consents=())
    assert unfit(facts(), SMS, words, EXEMPT) is None
    assert unfit(facts(together=(silent,)), SMS, words, EXEMPT).reason == "clinic-not-named"
    assert policy.binds(facts(together=(silent,)), SMS, EXEMPT)
    assert not policy.binds(facts(), SMS, EXEMPT)
    assert not policy.binds(silent, SMS, rules())


def test_what_staff_write_themselves_is_not_held_to_it():
    text = Direct(DirectKind.STAFF, "words", 1, NOON + HOUR)
    assert not policy.binds(facts(consents=(), direct=text), SMS, EXEMPT)
    marketing = replace(BROADCAST, broadcast_class=BroadcastClass.MARKETING)
    assert policy.binds(facts(broadcast=marketing), SMS, rules())
    assert not policy.binds(facts(broadcast=marketing, direct=text), SMS, rules())


def test_the_plan_finds_words_that_may_not_go_as_the_dispatcher_will():
    needs = Needs("en")
    long = {**BROADCAST.templates, "sms": {"body": "<Practice>: " + "word " * 40 + "STOP <CallBack>"}}
    order = replace(BROADCAST, channel=SMS, templates=long)

    def planned(rules, **changes):
        [one] = judge([facts(broadcast=order, **changes)], NOON, rules, needs)
        return one.verdict

    assert planned(EXEMPT, consents=()) == Refuse("too-long")
    assert planned(EXEMPT, consents=()).basis == "setting:policy.no_consent.text_characters"
    assert planned(EXEMPT) == Allow()
    assert planned(rules(), consents=()) == Refuse("no-consent")
    shipped = replace(order, templates=BROADCAST.templates)
    assert isinstance(judge([facts(broadcast=shipped, consents=())], NOON, EXEMPT, needs)[0].verdict, Allow)


def test_words_that_are_never_said_are_a_setting():
    text = Text("Example Clinic: a quiz on Friday. Call 202-555-0100. Reply STOP.")
    assert verdict(SMS, text) is None

    def held(*words):
        changed = rules(no_consent=NoConsentSettings(enabled=True, never_said=words))
        return unfit(facts(consents=()), SMS, text, changed) is not None

    assert held("QUIZ")
    assert held(" on friday ")
    assert not held("qui")
    assert not held()
    with pytest.raises(ValueError, match="hold every message back"):
        NoConsentSettings(never_said=("quiz", " "))
