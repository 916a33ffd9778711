"""What the exchange's report of a call means: tables of labelled cases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.asterisk import results
from gateway.asterisk.results import CallResult, FaxReport, KeyPress
from gateway.channels import fax_causes, voice_causes
from gateway.domain import Delivered, Failed, OptedOut, Outcome, Retry, RetryKind, Unknown


def _retry(kind: RetryKind, cause: str, charged: bool = True) -> Retry:
    return Retry(kind, cause, charged)


def _bare(outcome: Outcome) -> Outcome:
    return voice_causes.with_evidence(outcome, {})


LINE_DOWN = RetryKind.LINE_DOWN
UNANSWERED = [
    ("busy", 486, 17, _retry(RetryKind.BUSY, "busy")),
    ("busy everywhere", 600, 17, _retry(RetryKind.BUSY, "busy")),
    ("rang and nobody came", 180, 19, _retry(RetryKind.NO_ANSWER, "no-answer")),
    ("tried and nobody came", 100, 19, _retry(RetryKind.NO_ANSWER, "no-answer")),
    ("early media and nobody came", 183, 0, _retry(RetryKind.NO_ANSWER, "no-answer")),
    ("the trunk says nothing at all", 0, 19, _retry(LINE_DOWN, "trunk-silent", charged=False)),
    ("switched off", 480, 19, _retry(RetryKind.NO_ANSWER, "unreachable")),
    ("cause alone: absent", 0, 20, _retry(RetryKind.NO_ANSWER, "unreachable")),
    ("declined", 603, 21, _retry(RetryKind.DECLINED, "declined")),
    ("unwanted", 607, 127, _retry(RetryKind.DECLINED, "blocked-by-analytics")),
    ("rejected by analytics", 608, 127, _retry(RetryKind.DECLINED, "blocked-by-analytics")),
    ("cause alone: rejected", 0, 21, _retry(RetryKind.DECLINED, "declined")),
    ("this number, or we", 403, 21, _retry(RetryKind.TEMPORARY, "number-forbidden")),
    ("our credentials", 401, 21, _retry(LINE_DOWN, "trunk-refuses-us", charged=False)),
    ("unallocated", 404, 1, Failed("no-such-number", bad_address=True)),
    ("gone", 410, 22, Failed("no-such-number", bad_address=True)),
    ("incomplete", 484, 28, Failed("no-such-number", bad_address=True)),
    ("exists nowhere", 604, 1, Failed("no-such-number", bad_address=True)),
    ("ambiguous", 485, 1, Failed("no-such-number", bad_address=True)),
    ("congested", 503, 34, _retry(LINE_DOWN, "trunk-congested", charged=False)),
    ("out of order", 500, 38, _retry(LINE_DOWN, "trunk-congested", charged=False)),
    ("codec", 488, 58, _retry(LINE_DOWN, "trunk-refuses-media", charged=False)),
    ("gateway timeout", 504, 102, _retry(RetryKind.TEMPORARY, "network-trouble")),
    ("something new", 599, 127, _retry(RetryKind.TEMPORARY, "network-trouble")),
]


@pytest.mark.parametrize(
    ("sip", "cause", "expected"), [case[1:] for case in UNANSWERED], ids=[case[0] for case in UNANSWERED]
)
def test_an_unanswered_call_is_judged_by_its_sip_status_before_its_cause(
    sip: int, cause: int, expected: Outcome
) -> None:
    assert _bare(voice_causes.outcome(CallResult(sip=sip, cause=cause))) == expected


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("confirmed", Delivered("confirmed")),
        ("played", Delivered("played")),
        ("left", Delivered("voicemail")),
        ("opted-out", OptedOut("opted-out")),
        ("visit-cancelled", Delivered("visit-cancelled")),
        ("transferring", Delivered("desk-missed")),
        ("transferred", Delivered("transferred")),
        ("answered", _retry(RetryKind.NO_ANSWER, "hung-up-early")),
        ("detecting", _retry(RetryKind.NO_ANSWER, "hung-up-early")),
        ("playing", _retry(RetryKind.NO_ANSWER, "hung-up-early")),
        ("machine", _retry(RetryKind.NO_ANSWER, "hung-up-early")),
        ("leaving", _retry(RetryKind.NO_ANSWER, "hung-up-early")),
        ("broken", _retry(RetryKind.TEMPORARY, "sound-missing")),
        ("no stage of ours", Unknown("strange-report")),
    ],
)
def test_an_answered_call_is_judged_by_how_far_its_script_came(stage: str, expected: Outcome) -> None:
    assert _bare(voice_causes.outcome(CallResult(stage=stage, cause=16, sip=200))) == expected


@pytest.mark.parametrize("stage", ["", "answered", "playing", "leaving"])
def test_a_call_that_we_ended_was_not_hung_up_by_the_patient(stage: str) -> None:
    found = voice_causes.outcome(CallResult(stage=stage, cause=16, cut=True))
    assert _bare(found) == _retry(RetryKind.NO_ANSWER, "cut-off")


def test_a_message_that_was_heard_before_we_ended_the_call_is_delivered() -> None:
    assert _bare(voice_causes.outcome(CallResult(stage="played", cause=16, cut=True))) == Delivered("played")


def test_every_outcome_carries_what_the_exchange_said() -> None:
    result = CallResult("confirmed", (KeyPress("1", "confirm"),), "HUMAN", 16, 200, 12)
    assert voice_causes.outcome(result) == Delivered(
        "confirmed",
        {"stage": "confirmed", "key": "1", "machine": "HUMAN", "cause": 16, "sip": 200, "seconds": 12},
    )


def _fax(status: str, pages: int, error: str = "", stage: str = "sending") -> CallResult:
    return CallResult(stage, cause=16, sip=200, fax=FaxReport(status, pages, 14400, "T38", "+1", error))


def _voice(error: str) -> CallResult:
    return CallResult("sending", cause=16, sip=200, fax=FaxReport("FAILED", 0, 0, "audio", "", error))


DROPPED = "The call dropped prematurely"
FAX_ERROR = _retry(RetryKind.FAX_ERROR, "fax-error")
VOICE = _retry(RetryKind.FAX_NO_ANSWER, "voice-answered")
FAXES = [
    ("all pages", _fax("SUCCESS", 2), Delivered("delivered")),
    ("all pages, then hung up", _fax("SUCCESS", 2, "HANGUP"), Delivered("delivered")),
    ("a page too few", _fax("SUCCESS", 1), Unknown("pages-unconfirmed")),
    ("no training", _fax("FAILED", 0, "Disconnected after permitted retries"), FAX_ERROR),
    ("the other word for it", _fax("FAILURE", 0, "UNKNOWN"), FAX_ERROR),
    ("a machine hung up", _fax("FAILED", 0, "HANGUP"), FAX_ERROR),
    ("a person hung up", _voice("HANGUP"), VOICE),
    ("a person hung up at once", _voice("T38_NEG_ERROR"), VOICE),
    ("a voice mailbox", _voice("Timed out waiting for initial communication"), VOICE),
    ("cut after a page", _fax("FAILED", 1, DROPPED), _retry(RetryKind.FAX_ERROR, "pages-missing")),
    ("cut after the last page", _fax("FAILED", 2, DROPPED), Unknown("dropped-mid-page")),
    ("cut without a word", _fax("", 0), Unknown("dropped-mid-page")),
    ("our own file", _fax("FAILED", 0, "FILE_ERROR"), Failed("fax-file-unreadable")),
    ("busy", CallResult(sip=486, cause=17), _retry(RetryKind.FAX_BUSY, "busy")),
    ("unallocated", CallResult(sip=404, cause=1), Failed("no-such-number", bad_address=True)),
]


@pytest.mark.parametrize(
    ("result", "expected"), [case[1:] for case in FAXES], ids=[case[0] for case in FAXES]
)
def test_a_fax_is_delivered_only_with_success_and_all_pages(result: CallResult, expected: Outcome) -> None:
    assert _bare(fax_causes.outcome(result, 2)) == expected


def test_a_fax_of_an_earlier_life_counts_at_least_one_page() -> None:
    assert _bare(fax_causes.outcome(_fax("SUCCESS", 1), None)) == Delivered("delivered")
    assert _bare(fax_causes.outcome(_fax("SUCCESS", 0), None)) == Unknown("pages-unconfirmed")


PRESSED_4 = KeyPress("4", "repeat", datetime(2026, 11, 24, 14, 20, 0, tzinfo=UTC))
PRESSED_7 = KeyPress("7", "", datetime(2026, 11, 24, 14, 20, 8, tzinfo=UTC))
PRESSED_1 = KeyPress("1", "confirm", datetime(2026, 11, 24, 14, 20, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("|||17|SIP 486 Busy Here||||||", CallResult(cause=17, sip=486)),
        (
            "confirmed|4@1795530000@repeat+7@1795530008@+1@1795530010@confirm+|HUMAN|16|SIP 200 OK|7||||||",
            CallResult("confirmed", (PRESSED_4, PRESSED_7, PRESSED_1), "HUMAN", 16, 200, 7),
        ),
        (
            "sending|||0|SIP 200 OK|20|SUCCESS|1|14400|T38|+12|HANGUP",
            CallResult("sending", (), "", 0, 200, 20, FaxReport("SUCCESS", 1, 14400, "T38", "+12", "HANGUP")),
        ),
        ("", CallResult()),
        ("a|b", CallResult("a", (KeyPress("b"),))),
        ("a|+@@+12@1@x+1@x@+2@99999999999999@", CallResult("a", (KeyPress("1"), KeyPress("2")))),
        ("|||x|SIP|-1", CallResult()),
        ("|" * 40, CallResult()),
    ],
)
def test_a_report_is_read_leniently(text: str, expected: CallResult) -> None:
    assert results.parse(text) == expected


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("SIP 603 Network Blocked", "blocked-by-analytics"),
        ("SIP 603 NETWORK BLOCKED", "blocked-by-analytics"),
        ("SIP 603 Decline", "declined"),
        ("SIP 603", "declined"),
    ],
)
def test_the_words_beside_603_tell_a_blocked_call_from_a_declined_one(said: str, cause: str) -> None:
    assert voice_causes.outcome(results.parse(f"|||21|{said}|")).cause == cause
