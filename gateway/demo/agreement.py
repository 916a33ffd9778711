"""Do the two ledgers agree? What the gateway says of each message against what the town saw; pure.

The town's entries are matched to attempts from evidence: the Message-ID where the protocol carries one,
else address and time. Nothing is assumed: an entry without an attempt is a contact too many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.domain import parse_attempt_id
from gateway.town.ledger import Entry

# Clocks are the same, but a call begins a moment after its attempt, and evidence may trail it.
BEFORE = timedelta(seconds=1)
AFTER = timedelta(seconds=3)
# An opt-out counts from the moment the gateway could know it.
ACKNOWLEDGED = timedelta(seconds=5)

# A fax to a line that is no machine, or busy, is a call like any other to the town.
CHANNELS_OF = {"call": ("voice", "fax"), "fax": ("fax", "voice"), "text": ("sms",), "mail": ("email",)}
FINAL = {"delivered", "failed", "refused", "cancelled", "expired", "accepted", "unknown"}
_NOTHING_LEFT = {"line-down"}


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt on record; `ended` None while it is not settled."""

    number: int
    started: datetime
    ended: datetime | None
    outcome: str
    cause: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the gateway says of one message."""

    id: int
    recipient: int
    channel: str
    address: str
    state: str
    cause: str
    consented: bool
    settled: bool
    attempts: tuple[Try, ...]


@dataclass(slots=True)
class Agreement:
    """The counts of the report, the matches, and a line for each disagreement."""

    lost: int = 0
    doubled: int = 0
    without_consent: int = 0
    misreported: int = 0
    unknown: int = 0
    matches: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The five figures."""
        return {
            "lost": self.lost,
            "doubled": self.doubled,
            "without_consent": self.without_consent,
            "misreported": self.misreported,
            "unknown": self.unknown,
        }

    @property
    def clean(self) -> bool:
        """Nothing lost, doubled, wrongly sent or misreported."""
        return not (self.lost or self.doubled or self.without_consent or self.misreported)


def compare(told: Sequence[Told], town: Sequence[Entry]) -> Agreement:
    """Hold every message against the town's ledger."""
    result = Agreement()
    seen = _match(told, town, result)
    for message in told:
        _check_message(message, seen[message.id], result)
    _check_consent(told, town, result)
    return result


def _match(
    told: Sequence[Told], town: Sequence[Entry], result: Agreement
) -> defaultdict[int, dict[int, Entry]]:
    """The town's entry for each attempt; what matches none, or one already matched, is doubled."""
    by_address: defaultdict[tuple[str, str], list[Told]] = defaultdict(list)
    for message in told:
        by_address[message.channel, message.address].append(message)
    seen: defaultdict[int, dict[int, Entry]] = defaultdict(dict)
    for entry in sorted(town, key=lambda one: one.at):
        candidates = [
            message for channel in CHANNELS_OF[entry.kind] for message in by_address[channel, entry.address]
        ]
        found = _attempt_of(entry, candidates, seen)
        if found is None:
            result.doubled += 1
            result.findings.append(f"doubled: {entry.kind} {entry.id} matches no attempt")
        else:
            seen[found[0]][found[1]] = entry
            result.matches[entry.id] = found[0]
    return seen


def _attempt_of(
    entry: Entry, candidates: Iterable[Told], seen: Mapping[int, Mapping[int, Entry]]
) -> tuple[int, int] | None:
    """The attempt that the entry carries, else the one that began last before it."""
    carried = parse_attempt_id(entry.message_id.strip("<>").partition("@")[0])
    possible = [
        (entry.at < attempt.started, abs(entry.at - attempt.started), message.id, attempt.number)
        for message in candidates
        for attempt in message.attempts
        if attempt.number not in seen.get(message.id, {})
        and _within(entry.at, attempt)
        and (not carried or (message.id, attempt.number) == carried[1:])
    ]
    return min(possible)[2:] if possible else None


def _within(at: datetime, attempt: Try) -> bool:
    return attempt.started - BEFORE <= at and (attempt.ended is None or at <= attempt.ended + AFTER)


def _check_message(message: Told, entries: Mapping[int, Entry], result: Agreement) -> None:
    if not message.settled:
        result.lost += 1
        result.findings.append(f"lost: message {message.id} is still {message.state}")
        return
    if message.state == "unknown":
        result.unknown += 1
    for attempt in message.attempts:
        wrong = _contradiction(message.channel, attempt, entries.get(attempt.number))
        if wrong:
            result.misreported += 1
            result.findings.append(f"misreported: message {message.id} attempt {attempt.number}: {wrong}")
    if message.state in ("delivered", "accepted") and not entries:
        result.misreported += 1
        result.findings.append(f"misreported: message {message.id} {message.state}, the town saw nothing")


def _contradiction(channel: str, attempt: Try, entry: Entry | None) -> str | None:
    """What is wrong with the outcome of an attempt in the light of the town's entry, None if nothing is."""
    if attempt.outcome == "unknown":
        return None
    if entry is None:
        left = attempt.outcome in ("delivered", "accepted", "opted-out") or attempt.cause in _CALL_RESULTS
        return f"says {attempt.cause}, the town saw nothing" if left else None
    match channel:
        case "voice":
            return _about_call(attempt, entry)
        case "sms":
            return _about_text(attempt, entry)
        case "email":
            taken = entry.result == "accepted" and not entry.bounce
            return _differs(attempt, entry, attempt.outcome == "accepted", taken)
        case _:
            whole = entry.result == "fax" and entry.pages > 0 and not entry.error
            return _differs(attempt, entry, attempt.outcome == "delivered", whole)


# What the town must have seen for each cause of ours: (result, key pressed).
_CALL_RESULTS: Mapping[str, tuple[str, str]] = {
    "confirmed": ("answered", "1"),
    "played": ("answered", ""),
    "opted-out": ("answered", "9"),
    "voicemail": ("voicemail", ""),
    "voicemail-left": ("voicemail", ""),
    "machine-met": ("voicemail", ""),
    "hung-up-early": ("answered", ""),
    "busy": ("busy", ""),
    "no-answer": ("no-answer", ""),
    "declined": ("declined", ""),
    "no-such-number": ("unallocated", ""),
}
# Seconds of speech that must have arrived; who presses 1 at once has still heard something.
_HEARD = {"confirmed": 0.2, "played": 1.0, "voicemail": 1.0, "voicemail-left": 1.0}


def _about_call(attempt: Try, entry: Entry) -> str | None:
    expected = _CALL_RESULTS.get(attempt.cause)
    if expected is None:
        return None if attempt.outcome == "retry" else f"says {attempt.cause}"
    if (entry.result, entry.pressed) != expected:
        return f"says {attempt.cause}, the town saw {entry.result} {entry.pressed}".rstrip()
    if entry.voiced_seconds < _HEARD.get(attempt.cause, 0.0):
        return f"says {attempt.cause}, the town heard {entry.voiced_seconds:.1f} s"
    return None


def _about_text(attempt: Try, entry: Entry) -> str | None:
    if attempt.outcome == "delivered" and entry.receipt != "DELIVRD":
        return f"says delivered, the town's receipt is {entry.receipt or 'none'}"
    if attempt.outcome == "failed" and entry.receipt == "DELIVRD":
        return "says failed, the town delivered it"
    if attempt.outcome == "accepted" and entry.result != "accepted":
        return f"says accepted, the town {entry.result} it"
    return None


def _differs(attempt: Try, entry: Entry, ours: bool, theirs: bool) -> str | None:
    return None if ours == theirs else f"says {attempt.outcome}, the town saw {entry.result} {entry.error}"


def _check_consent(told: Sequence[Told], town: Sequence[Entry], result: Agreement) -> None:
    """Nobody without consent, and nobody after the town itself heard them opt out."""
    refusing = {message.address for message in told if not message.consented}
    people = {message.address: message.recipient for message in told}
    opted_out: dict[int, datetime] = {}
    for entry in sorted(town, key=lambda one: one.at):
        person = people.get(entry.address)
        since = opted_out.get(person) if person is not None else None
        if entry.address in refusing or (since is not None and entry.at > since + ACKNOWLEDGED):
            result.without_consent += 1
            result.findings.append(f"without consent: {entry.kind} {entry.id}")
        if person is not None and (entry.pressed == "9" or entry.reply.upper() == "STOP"):
            opted_out.setdefault(person, entry.ended or entry.at)
