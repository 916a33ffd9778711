"""Plain words for every state, outcome and cause."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway
import store
from gateway.channels import sms_causes
from gateway.console import words
from gateway.console.causes import CAUSES
from gateway.domain import Channel, State

# Who is given a cause or a reason, and at which place.
_GIVEN = {"Delivered": 0, "Accepted": 0, "Failed": 0, "OptedOut": 0, "Unknown": 0, "_down": 0}
_GIVEN |= {"Retry": 1, "Refuse": 0, "Defer": 1, "_verdict": 2}
_NOT_THE_PRODUCT = {"town", "demo", "migrations"}


def _written() -> Iterator[str]:
    """Every cause and reason that stands in the product's source where one is given."""
    for package in (gateway, store):
        for file in Path(package.__path__[0]).rglob("*.py"):
            if _NOT_THE_PRODUCT.isdisjoint(file.parts):
                for node in ast.walk(ast.parse(file.read_text())):
                    yield from _texts(node)


def _texts(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Call):
        return
    place = _GIVEN.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
    given = [word.value for word in node.keywords if word.arg in ("cause", "reason")]
    if place is not None:
        given += node.args[place : place + 1]
    for value in given:
        if isinstance(value, ast.Subscript):
            continue  # a column's name, not a value
        for part in ast.walk(value):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.strip():
                yield part.value.partition(":")[0].strip("'")


def test_every_cause_and_reason_has_plain_words() -> None:
    by_status = {sms_causes.of_status(status).cause for status in range(0x100)}
    written = {*_written(), *by_status}
    assert {"busy", "no-such-number", "commit-in-doubt", "content-unusable", "throttled"} <= written
    assert sorted(written - CAUSES.keys()) == []


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


def test_a_cause_is_shown_with_its_detail() -> None:
    assert (
        words.cause("content-unusable: the text is empty") == "The content cannot be sent: the text is empty"
    )


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
    told = words.evidence({"key": "1", "seconds": 11.42, "to": "+12025551234", "message_ids": ["a1", "b2"]})
    assert told == [
        ("Key pressed", "1"),
        ("Seconds", "11.4"),
        ("To", "+1 202 ••• 1234"),
        ("Their numbers for it", "a1, b2"),
    ]
