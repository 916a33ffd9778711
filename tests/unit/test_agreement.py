"""The comparison of both ledgers finds each kind of disagreement."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.demo.agreement import Told, Try, compare
from gateway.town.ledger import Entry
from tests.unit.factory import NOON

SECOND = timedelta(seconds=1)
CONFIRMED = Try(1, NOON, NOON + 20 * SECOND, "delivered", "confirmed")
UNKNOWN = replace(CONFIRMED, outcome="unknown", cause="interrupted")
CALL = Told(
    7,
    3,
    "voice",
    "+12125550000",
    "delivered",
    "confirmed",
    consented=True,
    settled=True,
    attempts=(CONFIRMED,),
)
HEARD = Entry(
    "call-1",
    "call",
    NOON + SECOND,
    NOON + 19 * SECOND,
    "+12125550000",
    "+12125550100",
    "answered",
    seconds=15.0,
    voiced_seconds=12.0,
    pressed="1",
)
TEXT = Told(
    8,
    4,
    "sms",
    "+12125550050",
    "delivered",
    "receipt-delivered",
    consented=True,
    settled=True,
    attempts=(Try(1, NOON, NOON + 2 * SECOND, "delivered", "receipt-delivered"),),
)
READ = Entry(
    "text-1",
    "text",
    NOON + SECOND,
    NOON + 2 * SECOND,
    "+12125550050",
    "12125550100",
    "accepted",
    receipt="DELIVRD",
    reply="STOP",
)
MAIL = Told(
    10,
    5,
    "email",
    "jane@home.example",
    "accepted",
    "accepted",
    consented=True,
    settled=True,
    attempts=(Try(1, NOON, NOON + SECOND, "accepted", "accepted"),),
)
TAKEN = Entry(
    "mail-1",
    "mail",
    NOON,
    NOON,
    "jane@home.example",
    "bounces@clinic.example",
    "accepted",
    message_id="<rw-1-10-1@clinic.example>",
)
BOUNCED = replace(MAIL, state="failed", attempts=(Try(1, NOON, NOON + SECOND, "failed", "no-such-mailbox"),))


def test_two_ledgers_that_agree_are_clean_and_matched():
    found = compare([CALL, TEXT], [HEARD, READ])
    assert not any(found.counts.values())
    assert found.matches == {"call-1": 7, "text-1": 8}


def test_a_call_belongs_to_the_attempt_that_began_with_it_not_to_one_that_just_failed():
    silent = Try(1, NOON - 30 * SECOND, NOON, "retry", "trunk-silent")
    second = replace(CONFIRMED, number=2, started=NOON + SECOND, ended=NOON + 20 * SECOND)
    told = [replace(CALL, attempts=(silent, second))]
    heard = replace(HEARD, at=NOON + SECOND)
    # The network comes back just as the first attempt is given up: it rings for a moment.
    rang = replace(HEARD, id="call-0", at=NOON, result="no-answer", pressed="", voiced_seconds=0)
    assert not any(compare(told, [heard]).counts.values())
    assert not any(compare(told, [rang, heard]).counts.values())


@pytest.mark.parametrize(
    ("told", "town", "figure"),
    [
        ([CALL], [HEARD, replace(HEARD, id="call-2", at=NOON + 5 * SECOND)], "doubled"),
        ([], [HEARD], "doubled"),
        ([CALL], [replace(HEARD, at=NOON + timedelta(minutes=5))], "doubled"),
        ([CALL], [], "misreported"),
        ([CALL], [replace(HEARD, result="busy", pressed="")], "misreported"),
        ([CALL], [replace(HEARD, pressed="")], "misreported"),
        ([CALL], [replace(HEARD, voiced_seconds=0.1)], "misreported"),
        ([TEXT], [replace(READ, receipt="UNDELIV")], "misreported"),
        ([MAIL], [replace(TAKEN, bounce="550 5.1.1 No such user")], "misreported"),
        ([BOUNCED], [TAKEN], "misreported"),
        ([replace(CALL, settled=False, state="scheduled")], [HEARD], "lost"),
        ([replace(CALL, consented=False)], [HEARD], "without_consent"),
        (
            [replace(CALL, state="unknown", attempts=(replace(CONFIRMED, outcome="unknown"),))],
            [HEARD],
            "unknown",
        ),
    ],
)
def test_each_disagreement_is_counted(told, town, figure):
    assert compare(told, town).counts[figure] > 0


def test_a_mail_that_came_back_was_not_accepted():
    assert not any(compare([MAIL], [TAKEN]).counts.values())
    assert not any(compare([BOUNCED], [replace(TAKEN, bounce="550 5.1.1 No such user")]).counts.values())


def test_a_contact_after_an_opt_out_is_without_consent():
    later = NOON + timedelta(minutes=1)
    again = replace(
        TEXT, id=9, attempts=(Try(1, later, later + 2 * SECOND, "delivered", "receipt-delivered"),)
    )
    found = compare([TEXT, again], [READ, replace(READ, id="text-2", at=later + SECOND)])
    assert found.counts["without_consent"] == 1


def test_a_fax_to_a_busy_line_is_a_call_to_the_town():
    busy = Told(
        5,
        2,
        "fax",
        "+12125553000",
        "failed",
        "busy",
        consented=True,
        settled=True,
        attempts=(Try(1, NOON, NOON + SECOND, "retry", "busy"),),
    )
    entry = replace(HEARD, address="+12125553000", result="busy", pressed="", at=NOON)
    assert not any(compare([busy], [entry]).counts.values())
