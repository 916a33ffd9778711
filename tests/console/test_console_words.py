"""Plain words for every state, outcome and cause."""

from __future__ import annotations

import pytest

from gateway.console import words
from gateway.domain import Channel, State


def test_the_counters_cover_every_state_once() -> None:
    covered = [state for group in words.GROUPS for state in group.states]
    assert sorted(covered) == sorted(State)


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("channel", list(Channel))
def test_every_chip_has_a_word_and_a_tone(state: State, channel: Channel) -> None:
    chip = words.chip(state, channel.value, None)
    assert chip.word.strip()
    assert chip.tone in {"good", "info", "noanswer", "busy", "bad", "calling", "plain"}


@pytest.mark.parametrize(
    ("state", "cause", "word"),
    [
        (State.DELIVERED, "confirmed", "Confirmed"),
        (State.DELIVERED, "played", "Delivered"),
        (State.DELIVERED, "voicemail", "Voicemail"),
        (State.DELIVERED, "opted-out", "Opted out"),
        (State.SCHEDULED, "busy", "Busy"),
        (State.SCHEDULED, None, "Scheduled"),
        (State.FAILED, "busy", "Failed"),
        (State.SENDING, "busy", "Calling"),
        (State.UNKNOWN, "interrupted", "Unknown"),
    ],
)
def test_a_chip_says_what_became_of_a_call(state: State, cause: str | None, word: str) -> None:
    assert words.chip(state, "voice", cause).word == word


def test_an_unknown_cause_is_shown_readable_as_it_is() -> None:
    assert words.cause("esme-rsys_err") == "Esme rsys err"
    assert words.cause(None) == ""


def test_a_refusal_names_its_rule_not_an_old_cause() -> None:
    assert words.why(State.REFUSED, "busy", "consent-withdrawn") == "Consent was withdrawn"


def test_a_message_being_sent_does_not_show_the_cause_of_its_last_attempt() -> None:
    assert words.why(State.SENDING, "busy", "busy") == ""


@pytest.mark.parametrize(
    "outcome", ["delivered", "accepted", "retry", "failed", "opted-out", "unknown", "new"]
)
@pytest.mark.parametrize("cause", ["", "busy", "no-answer", "confirmed", "voicemail", "other"])
def test_every_outcome_has_a_place_in_the_chart(outcome: str, cause: str) -> None:
    assert words.series(outcome, cause) in {series.key for series in words.SERIES}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+12025551234", "+1 202 ••• 1234"),
        ("+442079460123", "+44 ••• 0123"),
        ("jane.doe@example.org", "j•••@example.org"),
        ("12345", "••• 45"),
        ("", "••• "),
    ],
)
def test_addresses_are_masked(address: str, shown: str) -> None:
    assert words.mask(address) == shown


def test_evidence_is_labelled_and_hides_addresses() -> None:
    told = words.evidence({"digits": "1", "seconds": 11.42, "to": "+12025551234", "remote_ids": ["a1", "b2"]})
    assert told == [
        ("Keys pressed", "1"),
        ("Seconds", "11.4"),
        ("To", "+1 202 ••• 1234"),
        ("Their numbers for it", "a1, b2"),
    ]
