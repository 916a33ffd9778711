"""What a relay's refusals mean."""

from __future__ import annotations

import pytest

from gateway.channels.email_causes import Answer, Stage, by_policy, line_at_fault, of_refusal, refuses_us
from gateway.domain import Failed, Retry, RetryKind

SENDER, RECIPIENT, DATA, CONTENT = Stage


@pytest.mark.parametrize(
    ("code", "text", "stage", "cause", "bad"),
    [
        (550, "5.1.1 No such user here", RECIPIENT, "no-such-mailbox", True),
        (550, "5.1.1 <x@y>: gone\n5.1.1 really", RECIPIENT, "no-such-mailbox", True),
        (556, "5.1.10 The domain takes no mail", RECIPIENT, "no-such-mailbox", True),
        (550, "No such user", RECIPIENT, "refused", False),
        (550, "5.1.2 Bad domain", RECIPIENT, "refused", False),
        (552, "5.3.4 Too big", SENDER, "refused", False),
        (552, "Too big", SENDER, "refused", False),
        (553, "5.6.7 Only ASCII here", SENDER, "refused", False),
        (554, "5.5.1 No valid recipients", DATA, "refused", False),
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
    assert (outcome.kind, outcome.cause, outcome.charged) == (RetryKind.MAIL, cause, True)


@pytest.mark.parametrize(
    ("code", "text", "stage"),
    [
        (550, "5.7.1 Only from within", RECIPIENT),
        (550, "5.7.26 Unauthenticated sender", RECIPIENT),
        (554, "5.7.1 Spam", CONTENT),
    ],
)
def test_a_policy_refusal_of_one_mail_is_tried_a_few_times_and_suppresses_nobody(
    code: int, text: str, stage: Stage
) -> None:
    answer = Answer(code, text)
    outcome = of_refusal(answer, stage)
    assert isinstance(outcome, Retry)
    assert (outcome.kind, outcome.cause, outcome.charged) == (RetryKind.TEMPORARY, "policy", True)
    assert by_policy(answer)
    assert not refuses_us(answer, stage)


@pytest.mark.parametrize(
    ("code", "text", "stage", "cause"),
    [
        (553, "5.1.8 Bad sender", SENDER, "sender-refused"),
        (550, "5.1.1 said of the sender", SENDER, "sender-refused"),
        (550, "No", SENDER, "sender-refused"),
        (550, "5.7.1 Your account is suspended", SENDER, "sender-refused"),
        (554, "5.7.1 Data command rejected", DATA, "policy"),
        (530, "5.7.0 Login", SENDER, "relay-wants-login"),
        (530, "5.7.0 Login", RECIPIENT, "relay-wants-login"),
    ],
)
def test_a_refusal_of_us_charges_nobody(code: int, text: str, stage: Stage, cause: str) -> None:
    answer = Answer(code, text)
    outcome = of_refusal(answer, stage)
    assert refuses_us(answer, stage)
    assert isinstance(outcome, Retry)
    assert (outcome.kind, outcome.cause, outcome.charged) == (RetryKind.LINE_DOWN, cause, False)


@pytest.mark.parametrize(
    ("code", "text", "stage"),
    [
        (451, "4.7.1 Greylisted", RECIPIENT),
        (450, "4.1.8 The DNS of your domain is away", SENDER),
        (421, "4.3.2 Closing", SENDER),
        (550, "5.1.1 No such user", RECIPIENT),
    ],
)
def test_what_passes_or_is_about_a_mailbox_is_no_refusal_of_us(code: int, text: str, stage: Stage) -> None:
    assert not refuses_us(Answer(code, text), stage)
    assert not by_policy(Answer(code, text))


@pytest.mark.parametrize(
    ("code", "text"), [(421, "4.3.2 Closing"), (421, ""), (530, "5.7.0 Login"), (535, "")]
)
def test_a_refusal_of_the_line_charges_nobody(code: int, text: str) -> None:
    answer = Answer(code, text)
    outcome = of_refusal(answer, SENDER)
    assert line_at_fault(answer)
    assert isinstance(outcome, Retry)
    assert (outcome.kind, outcome.charged) == (RetryKind.LINE_DOWN, False)


def test_evidence_is_one_short_line() -> None:
    reply = Answer(250, "2.0.0 queued\nas \x1b[31m" + "x" * 1000).evidence()["reply"]
    assert isinstance(reply, str)
    assert reply.startswith("2.0.0 queued as  [31m")
    assert len(reply) == 300
