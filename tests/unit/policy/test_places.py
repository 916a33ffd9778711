"""Where a message goes by now, after somebody's address or preference has changed since the plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain import Channel, Direct, DirectKind, Facts
from gateway.policy import Place, place_of
from tests.unit.factory import ADDRESSES, BROADCAST, NOON, PERSON, facts

OLD = Place(Channel.SMS, "+12125559999")
NEW = Place(Channel.SMS, ADDRESSES[Channel.SMS])
BY_MAIL = Place(Channel.EMAIL, ADDRESSES[Channel.EMAIL])
ONLY = replace(BROADCAST, only_preference=True)
ANSWER = Direct(DirectKind.STAFF, "words", None, NOON)
PREFERS_MAIL = replace(PERSON, preferred=Channel.EMAIL)


def test_an_untried_message_follows_a_corrected_address() -> None:
    assert place_of(facts(), OLD, 0) == NEW
    assert place_of(facts(), OLD, 1) == NEW


def test_an_untried_message_follows_a_new_preference() -> None:
    assert place_of(facts(broadcast=ONLY, recipient=PREFERS_MAIL), NEW, 0) == BY_MAIL
    assert place_of(facts(broadcast=ONLY), NEW, 0) == NEW


def test_a_preference_that_the_broadcast_does_not_honour_moves_nothing() -> None:
    all_by_channel = replace(BROADCAST, only_preference=False)
    assert place_of(facts(broadcast=all_by_channel, recipient=PREFERS_MAIL), NEW, 0) == NEW


def test_a_later_step_of_a_cascade_keeps_its_channel() -> None:
    assert place_of(facts(broadcast=ONLY, recipient=PREFERS_MAIL), NEW, 1) == NEW


def test_a_preference_without_an_address_moves_nothing() -> None:
    known = facts(broadcast=ONLY, recipient=PREFERS_MAIL)
    without = replace(known, contacts={Channel.SMS: known.contacts[Channel.SMS]})
    assert place_of(without, OLD, 0) == OLD


@pytest.mark.parametrize(
    "known",
    [
        facts(tried=True, recipient=PREFERS_MAIL, broadcast=ONLY),
        facts(together=(facts(),), recipient=PREFERS_MAIL, broadcast=ONLY),
        facts(direct=ANSWER, recipient=PREFERS_MAIL, broadcast=ONLY),
    ],
    ids=["tried", "about several visits", "an answer"],
)
def test_what_was_tried_or_tells_of_several_or_answers_stays_where_it_was(known: Facts) -> None:
    assert place_of(known, OLD, 0) == OLD
