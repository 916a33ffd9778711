"""What a relay's refusals mean."""

from __future__ import annotations

import pytest

from gateway.channels.email_causes import Answer, Stage, line_at_fault, needs_alert, of_refusal
from gateway.domain import Failed, Retry, RetryKind

SENDER, RECIPIENT, CONTENT = Stage.SENDER, Stage.RECIPIENT, Stage.CONTENT


@pytest.mark.parametrize(
    ("code", "text", "stage", "cause", "bad"),
    [
        (550, "5.1.1 No such user here", RECIPIENT, "no-such-mailbox", True),
        (550, "5.1.1 <x@y>: gone\n5.1.1 really", RECIPIENT, "no-such-mailbox", True),
        (556, "5.1.10 The domain takes no mail", RECIPIENT, "no-such-mailbox", True),
        (550, "5.1.1 said of the sender", SENDER, "sender-refused", False),
        (550, "No such user", RECIPIENT, "refused", False),
        (550, "5.1.2 Bad domain", RECIPIENT, "refused", False),
        (554, "5.7.1 Spam", CONTENT, "policy", False),
        (550, "5.7.26 Unauthenticated sender", RECIPIENT, "policy", False),
        (552, "5.3.4 Too big", SENDER, "sender-refused", False),
        (554, "Transaction failed", CONTENT, "refused", False),
    ],
)
def test_a_final_refusal_fails_and_suppresses_only_a_mailbox_that_is_not_there(
    code: int, text: str, stage: Stage, cause: str, bad: bool
) -> None:
    outcome = of_refusal(Answer(code, text), stage)
    assert isinstance(outcome, Failed)
    assert (outcome.cause, outcome.bad_address) == (cause, bad)
    assert outcome.evidence["code"] == code
    assert outcome.evidence["at"] == stage


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        (452, "4.2.2 Mailbox full", "mailbox-full"),
        (552, "5.2.2 Over quota", "mailbox-full"),
        (450, "4.2.0 Greylisted", "refused-for-now"),
        (451, "4.7.1 Come back later", "refused-for-now"),
        (451, "Local error", "refused-for-now"),
        (550, "4.1.1 The enhanced code is the finer one", "refused-for-now"),
    ],
)
def test_a_passing_refusal_is_tried_again(code: int, text: str, cause: str) -> None:
    outcome = of_refusal(Answer(code, text), RECIPIENT)
    assert isinstance(outcome, Retry)
    assert (outcome.kind, outcome.cause, outcome.charged) == (RetryKind.TEMPORARY, cause, True)


@pytest.mark.parametrize(
    ("code", "text"), [(421, "4.3.2 Closing"), (421, ""), (530, "5.7.0 Login"), (535, "")]
)
def test_a_refusal_of_the_line_charges_nobody(code: int, text: str) -> None:
    answer = Answer(code, text)
    outcome = of_refusal(answer, SENDER)
    assert line_at_fault(answer)
    assert isinstance(outcome, Retry)
    assert (outcome.kind, outcome.charged) == (RetryKind.LINE_DOWN, False)


@pytest.mark.parametrize(
    ("code", "text", "stage", "alert"),
    [
        (550, "5.7.1 Policy", RECIPIENT, True),
        (553, "5.1.8 Bad sender", SENDER, True),
        (550, "5.1.1 No such user", RECIPIENT, False),
        (451, "4.7.1 Greylisted", RECIPIENT, False),
        (421, "4.3.2 Closing", SENDER, False),
    ],
)
def test_an_administrator_is_told_of_what_only_they_can_change(
    code: int, text: str, stage: Stage, alert: bool
) -> None:
    assert needs_alert(Answer(code, text), stage) is alert


def test_evidence_is_one_short_line() -> None:
    reply = Answer(250, "2.0.0 queued\nas \x1b[31m" + "x" * 1000).evidence()["reply"]
    assert isinstance(reply, str)
    assert reply.startswith("2.0.0 queued as  [31m")
    assert len(reply) == 300
