"""What a relay's refusal makes of an attempt (rules 4.3 and 7): enhanced codes before basic. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain import Failed, Outcome, Retry, RetryKind

_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\uffff]+")
_LONGEST = 300


class Stage(StrEnum):
    """Which command a reply answers."""

    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply of the relay."""

    code: int
    text: str

    @property
    def enhanced(self) -> tuple[int, int, int] | None:
        """Class, subject and detail (RFC 3463), where the relay gives them."""
        found = _ENHANCED.match(self.text)
        return (int(found[1]), int(found[2]), int(found[3])) if found else None

    def evidence(self) -> dict[str, object]:
        """What is kept of it: the queue id of an acceptance, the words of a refusal."""
        return {"code": self.code, "reply": _UNPRINTABLE.sub(" ", self.text)[:_LONGEST]}


# Our mail is not wanted.
POLICY = "policy"

# The relay as a whole has no time for us, or wants us to log in: no message is to blame.
_CLOSING = 421
_WANTS_LOGIN = {530, 534, 535, 538}
_TOO_LARGE = 552


def line_at_fault(answer: Answer) -> bool:
    """Whether the refusal is about the connection, not about this message."""
    return answer.code == _CLOSING or answer.code in _WANTS_LOGIN


def wants_login(answer: Answer) -> bool:
    """Whether an administrator has to set or correct user name and password."""
    return answer.code in _WANTS_LOGIN


def by_policy(answer: Answer) -> bool:
    """Whether somebody does not want our mail (5.7.x): an administrator must look."""
    return (answer.enhanced or ())[:2] == (5, 7)


def refuses_us(answer: Answer, stage: Stage) -> bool:
    """Whether it is our login or our sender address that is refused, whoever the mail is for."""
    if wants_login(answer):
        return True
    if stage is Stage.DATA:
        return by_policy(answer)
    return stage is Stage.SENDER and _is_final(answer) and not _about_this_mail(answer)


def _is_final(answer: Answer) -> bool:
    return answer.enhanced[0] == 5 if answer.enhanced else answer.code >= 500


def _about_this_mail(answer: Answer) -> bool:
    """Its size, or what it is written in: told early, but true of this one mail alone."""
    if answer.enhanced:
        kind, subject, detail = answer.enhanced
        return subject == 6 or (subject, detail) in ((2, 3), (3, 4)) or (kind, subject) == (5, 5)
    return answer.code == _TOO_LARGE


def of_refusal(answer: Answer, stage: Stage) -> Outcome:
    """The outcome of a message that the relay refused."""
    evidence = answer.evidence() | {"at": stage.value}
    if line_at_fault(answer):
        cause = "relay-busy" if answer.code == _CLOSING else "relay-wants-login"
        return Retry(RetryKind.LINE_DOWN, cause, charged=False, evidence=evidence)
    if refuses_us(answer, stage):
        cause = "sender-refused" if stage is Stage.SENDER else POLICY
        return Retry(RetryKind.LINE_DOWN, cause, charged=False, evidence=evidence)
    if answer.enhanced:
        outcome = _of_enhanced(answer.enhanced, evidence)
        if outcome is not None:
            return outcome
    if 400 <= answer.code < 500:
        return Retry(RetryKind.MAIL, "refused-for-now", evidence=evidence)
    return Failed("refused", evidence=evidence)


def _of_enhanced(enhanced: tuple[int, int, int], evidence: dict[str, object]) -> Outcome | None:
    kind, subject, detail = enhanced
    match kind, subject, detail:
        case 5, 1, (1 | 10):
            return Failed("no-such-mailbox", bad_address=True, evidence=evidence)
        case _, 2, 2:
            return Retry(RetryKind.MAIL, "mailbox-full", evidence=evidence)
        case 5, 7, _:
            # It may be this recipient's own wish, or be us: later, and a few times only (decision 0006).
            return Retry(RetryKind.TEMPORARY, POLICY, evidence=evidence)
        case 4, _, _:
            return Retry(RetryKind.MAIL, "refused-for-now", evidence=evidence)
        case _:
            return None
