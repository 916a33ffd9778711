"""The words and the state diagram."""

from __future__ import annotations

import pytest

from gateway.domain import (
    TERMINAL_STATES,
    TRANSITIONS,
    State,
    attempt_id,
    may_follow,
    parse_attempt_id,
)


def test_every_state_has_its_row_and_of_final_states_only_unsent_ones_are_left():
    assert set(TRANSITIONS) == set(State)
    left = {state: TRANSITIONS[state] for state in TERMINAL_STATES if TRANSITIONS[state]}
    assert left == {state: {State.SCHEDULED} for state in (State.REFUSED, State.CANCELLED, State.EXPIRED)}


def test_only_a_claimed_message_becomes_sending():
    assert may_follow(State.SENDING) == (State.CLAIMED,)


def test_what_is_unknown_is_never_due_without_evidence():
    assert State.QUEUED not in TRANSITIONS[State.UNKNOWN]
    assert State.CLAIMED not in TRANSITIONS[State.UNKNOWN]


def test_an_attempt_id_can_be_read_back():
    assert parse_attempt_id(attempt_id(1, 1042, 2)) == (1, 1042, 2)


@pytest.mark.parametrize(
    "text",
    ["", "rw-1-2", "rw-1-2-x", "xx-1-2-3", "rw-1-2-3-4", "rw-1-²-3", "rw--1-2-3", f"rw-1-{'9' * 5000}-1"],
)
def test_what_is_not_an_attempt_id_is_none(text):
    assert parse_attempt_id(text) is None
