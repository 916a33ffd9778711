"""Several visits in one message: whose go together, and who is left when it goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway import policy
from gateway.domain import Appointment, Channel, ConsentEntry, Contact, Purpose
from gateway.policy import Allow, Defer, Refuse, bundle
from tests.unit.factory import BROADCAST, NOON, PERSON, RULES, facts

SMS = Channel.SMS
HERE = replace(BROADCAST, zone="America/New_York")
FAMILY = ConsentEntry(2, given=True, purpose=Purpose.FAMILY)
USUAL = facts(broadcast=HERE)


def visit(hours, number=3):
    return Appointment(number, NOON + timedelta(hours=hours), "Check-up", "Dr. Ito", client=PERSON.id)


def key(**changes):
    return bundle.key(replace(USUAL, **changes), SMS)


def test_visits_of_one_client_on_one_day_go_together():
    assert key() == key(appointment=visit(24, 4))
    # Eleven at night and one in the morning are two days in New York, though one in London.
    assert key(appointment=visit(12)) != key(appointment=visit(14))
    assert key(appointment=None) is None
    assert key(contacts={}) is None


def test_two_clients_go_together_only_where_each_agreed():
    other = replace(PERSON, id=8)
    agreed = (ConsentEntry(1, given=True), FAMILY)
    taken_back = (*agreed, FAMILY._replace(id=3, given=False))
    assert key(recipient=other) != key()
    assert key(recipient=other, consents=agreed) == key(consents=agreed)
    assert key(recipient=other, consents=agreed) != key()
    assert key(recipient=other, consents=taken_back) != key(consents=agreed)
    spanish = replace(other, language="es")
    assert key(recipient=spanish, consents=agreed) != key(consents=agreed)
    elsewhere = {SMS: Contact(9, SMS, "+12125550009")}
    assert key(recipient=other, consents=agreed, contacts=elsewhere) != key(consents=agreed)


def test_who_may_not_be_told_any_more_is_left_out_and_the_rest_goes():
    gone = replace(USUAL, appointment=replace(visit(23, 4), status="cancelled"))
    whole = replace(USUAL, together=(gone,))
    parted = bundle.part(whole, SMS, None, NOON, RULES)
    assert parted.kept == USUAL
    assert [(one, verdict.reason) for one, verdict in parted.dropped] == [(gone, "appointment-cancelled")]
    # The first of the others leads where the leader itself may not be told.
    led = replace(gone, together=(USUAL, replace(USUAL, appointment=visit(23, 5))))
    parted = bundle.part(led, SMS, None, NOON, RULES)
    assert parted.kept.appointment == USUAL.appointment
    assert [one.appointment for one in parted.kept.together] == [visit(23, 5)]
    assert [one for one, _ in parted.dropped] == [gone]


def test_whoever_does_not_share_any_more_is_told_alone():
    agreed = (ConsentEntry(1, given=True), FAMILY)
    leader = replace(USUAL, consents=agreed)
    visit_of_other = replace(visit(23, 4), client=8)
    sharing = replace(leader, recipient=replace(PERSON, id=8), appointment=visit_of_other)
    whole = replace(leader, together=(sharing,))
    assert bundle.part(whole, SMS, None, NOON, RULES) == bundle.Parted(whole)
    alone = replace(sharing, consents=agreed[:1])
    parted = bundle.part(replace(leader, together=(alone, sharing)), SMS, None, NOON, RULES)
    assert parted == bundle.Parted(whole, apart=(alone,))
    # Whoever leads has to share as well; their own visits stay with them all the same.
    own = replace(USUAL, appointment=visit(23, 5))
    parted = bundle.part(replace(USUAL, together=(sharing, own)), SMS, None, NOON, RULES)
    assert parted == bundle.Parted(replace(USUAL, together=(own,)), apart=(sharing,))


def test_nobody_left_is_the_refusal_of_the_first():
    gone = replace(USUAL, appointment=replace(visit(23, 4), status="cancelled"))
    second = replace(USUAL, appointment=replace(visit(23, 5), status="cancelled"))
    parted = bundle.part(replace(gone, together=(second,)), SMS, None, NOON, RULES)
    assert parted.kept == gone
    assert isinstance(policy.decide(parted.kept, SMS, None, NOON, RULES), Refuse)
    assert len(parted.dropped) == 1


def test_a_deferred_visit_stays_in_the_message():
    night = NOON + timedelta(hours=12)
    soon = replace(USUAL, appointment=visit(30))
    parted = bundle.part(replace(soon, together=(soon,)), SMS, None, night, RULES)
    assert parted.dropped == ()
    assert isinstance(policy.decide(soon, SMS, None, night, RULES), Defer)


def test_a_message_about_several_is_judged_by_the_first_refusal_or_the_latest_deferral():
    def verdict(leader, *others):
        return policy.decide(replace(leader, together=others), SMS, None, NOON, RULES)

    gone = replace(USUAL, appointment=replace(visit(23, 4), status="cancelled"))
    silent = replace(USUAL, consents=())
    honolulu = replace(USUAL, recipient=replace(PERSON, zone="Pacific/Honolulu"))
    tokyo = replace(USUAL, recipient=replace(PERSON, zone="Asia/Tokyo"))
    assert verdict(USUAL, USUAL) == Allow()
    assert verdict(USUAL, gone).reason == "appointment-cancelled"
    assert verdict(USUAL, silent, gone) == Refuse("no-consent")
    assert verdict(gone, silent).reason == "appointment-cancelled"
    assert verdict(tokyo, silent) == Refuse("no-consent")
    late, early = verdict(tokyo), verdict(honolulu)
    assert isinstance(late, Defer)
    assert isinstance(early, Defer)
    assert late.until > early.until
    assert verdict(USUAL, honolulu, USUAL) == early
    assert verdict(tokyo, honolulu) == verdict(honolulu, tokyo) == verdict(USUAL, honolulu, tokyo) == late
