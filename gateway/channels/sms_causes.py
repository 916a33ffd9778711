"""What an SMSC's status and a receipt's state make of an attempt (rules, sections 3 and 7). Pure."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from smpplib.consts import DESCRIPTIONS

from gateway.domain import NO_TEXTS_THERE, Delivered, Failed, Outcome, Retry, RetryKind, Unknown


class Refusal(Enum):
    """Whose matter a refused submit_sm is."""

    CROWDED = "the SMSC asks us to slow down"
    LINE = "the bind is not set up as the SMSC wants it: an administrator must look"
    MESSAGE = "this message alone"


_CROWDED = {0x58: "throttled", 0x14: "smsc-queue-full"}
# Wrong for every message alike, so that none of them is charged or lost for it.
_LINE = {0x04, 0x05, 0x0A, 0x0D, 0x0E, 0x0F, 0x15, 0x48, 0x49, 0x50, 0x51, 0x53}
_BAD_ADDRESS = {0x0B: "invalid-destination"}
_PASSING = {0x08: "smsc-system-error", 0x45: "smsc-submit-failed", 0x64: "smsc-temporary-error"}
_FAILED = {
    0x01: "smsc-invalid-length",
    0x62: "smsc-invalid-validity",
    0x65: "smsc-permanent-error",
    0x66: "smsc-rejected",
}
# Refusals of a bind that another try does not cure.
BIND_REFUSALS = frozenset({0x0D, 0x0E, 0x0F})


def refusal(status: int) -> Refusal:
    """Whether the line or the message is at fault."""
    if status in _CROWDED:
        return Refusal.CROWDED
    return Refusal.LINE if status in _LINE else Refusal.MESSAGE


def of_status(status: int) -> Outcome:
    """The outcome of a message of which the SMSC refused every segment."""
    evidence = {"status": f"0x{status:02X}"}
    match refusal(status):
        case Refusal.CROWDED:
            return Retry(RetryKind.LINE_DOWN, _CROWDED[status], charged=False, evidence=evidence)
        case Refusal.LINE:
            return Retry(RetryKind.LINE_DOWN, "bind-misconfigured", charged=False, evidence=evidence)
        case Refusal.MESSAGE:
            return _of_message(status, evidence)


def _of_message(status: int, evidence: dict[str, str]) -> Outcome:
    if status in _BAD_ADDRESS:
        return Failed(_BAD_ADDRESS[status], bad_address=True, evidence=evidence)
    if status in _PASSING:
        return Retry(RetryKind.PASSING, _PASSING[status], evidence=evidence)
    return Failed(_FAILED.get(status, "smsc-refused"), evidence=evidence)


def describe(status: int) -> str:
    """A status in words for an administrator."""
    return f"0x{status:02X} {DESCRIPTIONS.get(status, 'a status of this SMSC alone')}"


# message_state by number (SMPP 3.4, 5.2.28) and by the word in a receipt's text.
ENROUTE, DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED = range(1, 9)
_WORDS = {
    "ENROUT": ENROUTE,
    "DELIVR": DELIVERED,
    "DELIVE": DELIVERED,
    "EXPIRE": EXPIRED,
    "DELETE": DELETED,
    "UNDELI": UNDELIVERABLE,
    "FAILED": UNDELIVERABLE,
    "ACCEPT": ACCEPTED,
    "UNKNOW": UNKNOWN,
    "REJECT": REJECTED,
}


def state_of_word(word: str) -> int | None:
    """`DELIVRD` and its spellings as a message_state."""
    return _WORDS.get(word.upper()[:6])


# Errors of receipts that last, by the network's numbers (3GPP TS 29.002, MAP): nobody has the number, or it
# has no texts. Networks number their errors as they like: each bind may add its own. A telephone that is off
# or abroad (27, 6, 5) is not among them.
_NUMBER_ERRORS = frozenset({"1", "11"})


def _lasts(error: str, more: Collection[str]) -> bool:
    return _plain(error) in _NUMBER_ERRORS.union(map(_plain, more))


def _plain(error: str) -> str:
    return error.lower().lstrip("0")


def of_state(state: int, error: str = "", number_errors: Collection[str] = ()) -> Outcome | None:
    """What a receipt says; None while the message is still on its way.

    `number_errors`: errors that are the number's fault for good, besides the usual ones.
    """
    evidence = {"state": state, "error": error} if error else {"state": state}
    match state:
        case 2:
            return Delivered("receipt-delivered", evidence)
        case 3:
            return Retry(RetryKind.NO_ANSWER, "receipt-expired", evidence=evidence)
        case 4:
            return Failed("receipt-deleted", evidence=evidence)
        case 5 if _lasts(error, number_errors):
            return Failed(NO_TEXTS_THERE, bad_address=True, evidence=evidence)
        case 5:
            return Failed("receipt-undeliverable", evidence=evidence)
        case 7:
            return Unknown("receipt-unknown", evidence)
        case 8:
            return Retry(RetryKind.DECLINED, "receipt-rejected", evidence=evidence)
        case 0 | 1 | 6:
            return None
        case _:
            return Unknown("receipt-unknown", evidence)
