"""Consent: each line of cases/consent.md is a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import policy
from gateway.domain import BroadcastClass, Channel, ConsentEntry, Direct, DirectKind, Party
from gateway.policy import Allow, Refuse, Rules
from gateway.policy.consent import standing
from gateway.settings import ConsentSettings, PolicySettings
from tests.unit.factory import ADDRESSES, BROADCAST, NOON, PERSON, RULES, facts
from tests.unit.policy.tables import Case, cases, ledger, message, said


@pytest.mark.parametrize("case", cases("consent"), ids=lambda case: case.where)
def test_the_ledger_decides_who_is_contacted(case: Case):
    known, channel = message(case.when)
    known = replace(known, consents=ledger(case.given))
    assert said(policy.decide(known, channel, None, NOON, RULES)) == case.then


def test_a_setting_lets_emergencies_go_to_those_of_whom_nothing_is_known():
    rules = Rules("America/New_York", PolicySettings(consent=ConsentSettings(emergencies_without=True)))
    emergency = replace(BROADCAST, broadcast_class=BroadcastClass.EMERGENCY)

    def verdict(entries, broadcast=emergency, **person):
        known = facts(broadcast=broadcast, consents=ledger(entries), recipient=replace(PERSON, **person))
        return said(policy.decide(known, Channel.VOICE, None, NOON, rules))

    allowed = "sent (setting:policy.consent.emergencies_without)"
    assert verdict("nothing") == allowed
    assert verdict("nothing", through=Party.CONTACT) == allowed
    assert verdict("1 withdrawn") == "consent-withdrawn (entry:1)"
    assert verdict("1 withdrawn by the contact", through=Party.CONTACT) == "consent-withdrawn (entry:1)"
    assert verdict("nothing", broadcast=BROADCAST) == "no-consent"


def test_an_answer_needs_no_word_of_the_messaging_contact_but_follows_a_withdrawal():
    text = Direct(DirectKind.STAFF, "words", 1, NOON.replace(hour=23))
    contact = replace(PERSON, through=Party.CONTACT)

    def verdict(entries, answers):
        known = facts(direct=replace(text, answers=answers), recipient=contact, consents=ledger(entries))
        return said(policy.decide(known, Channel.SMS, None, NOON, RULES))

    assert verdict("1 given by the client", 8) == "sent (reply:8)"
    assert verdict("1 given by the client", None) == "no-contact-consent"
    assert verdict("1 given; 2 withdrawn by the contact", 8) == "consent-withdrawn (entry:2)"
    assert verdict("1 given; 2 withdrawn from ambiguous-cancel", 8) == "ambiguous-cancel (entry:2)"
    bad = "1 given; 2 withdrawn at hers about the address from bounce"
    assert verdict(bad, 8) == "sent (reply:8)"
    assert verdict(bad, None) == "bad-address (entry:2)"


def test_the_do_not_call_list_binds_for_so_many_years_as_are_set():
    listed = ConsentEntry(
        2, False, address=ADDRESSES[Channel.VOICE], source="do-not-call", everyone=True, at=NOON
    )
    known = facts(consents=(ConsentEntry(1, given=True), listed), appointment=None)

    def verdict(years: float, setting: int):
        rules = Rules("America/New_York", PolicySettings(consent=ConsentSettings(do_not_call_years=setting)))
        later = replace(
            known, broadcast=replace(BROADCAST, send_at=NOON + timedelta(days=round(365.25 * years)))
        )
        return said(policy.decide(later, Channel.VOICE, None, later.broadcast.send_at, rules))

    assert verdict(4.9, 5) == verdict(5.1, 6) == "do-not-call (entry:2)"
    assert verdict(5.1, 5) == verdict(6.1, 6) == "sent (entry:1)"


_ENTRIES = st.lists(
    st.builds(
        ConsentEntry,
        id=st.just(0),
        given=st.booleans(),
        channel=st.sampled_from([None, *Channel]),
        address=st.sampled_from([None, ADDRESSES[Channel.SMS], "+19998887777"]),
        party=st.sampled_from([None, *Party]),
    ),
    max_size=8,
)


@given(_ENTRIES, st.sampled_from(list(Channel)), st.sampled_from(list(Party)))
def test_a_withdrawal_is_never_outweighed_by_what_was_said_before_it(entries, channel, party):
    stop = ConsentEntry(99, False)
    assert standing([*entries, stop], channel, ADDRESSES[channel], party).given is False
    again = ConsentEntry(100, True, channel, ADDRESSES[channel], party=party)
    assert standing([*entries, stop, again], channel, ADDRESSES[channel], party) == again


@given(_ENTRIES, st.sampled_from(list(Channel)))
def test_nobody_is_contacted_without_an_entry_that_says_so(entries, channel):
    verdict = policy.decide(facts(consents=tuple(entries)), channel, None, NOON, RULES)
    speaks = [entry for entry in entries if entry.channel in (None, channel)]
    assert isinstance(verdict, Allow | Refuse)
    assert not isinstance(verdict, Allow) or any(entry.given for entry in speaks)
