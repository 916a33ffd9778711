"""What receipts say of the messages whose segments they name. Works inside a transaction of the outbox."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from gateway.domain import PARTLY_SENT, Channel, Delivered, Failed, Outcome, Receipt, State
from gateway.settlement import Retries, Started, end_of, name_of, of_segments, settlement
from store import receipts, segments
from store.receipts import Open
from store.segments import About, Heard
from store.settle import Settlement

log = logging.getLogger(__name__)

# By (message, attempt): what to believe of it if it has but one segment; None: look at what is kept.
Said = Mapping[tuple[int, int], Outcome | None]


def note(
    conn: Connection, clinic: int, heard: Sequence[Receipt], now: datetime
) -> dict[tuple[int, int], Outcome | None]:
    """Keep what receipts say of segments; what they say of the attempts that are known."""
    by_channel: dict[Channel, list[Receipt]] = defaultdict(list)
    for receipt in heard:
        by_channel[receipt.channel].append(receipt)
    said: dict[tuple[int, int], Outcome | None] = {}
    for channel, all_told in by_channel.items():
        ids = {one.remote_id for one in all_told}
        about = segments.about(conn, clinic, channel, ids)
        told = _about_theirs(all_told, about)
        rows = [Heard(one.remote_id, name_of(one.outcome), one.outcome.cause) for one in told]
        for receipt, known in zip(told, segments.note(conn, clinic, channel, rows, now), strict=True):
            key = known if known[0] else _adopted(conn, clinic, receipt)
            # As the store keeps a segment: delivered or failed is the last word, else the newest counts.
            if key is not None and not _is_final(said.get(key)):
                several = receipt.remote_id in about and about[receipt.remote_id].several
                said[key] = None if several else receipt.outcome
    return said


def _about_theirs(told: Sequence[Receipt], about: Mapping[str, About]) -> Sequence[Receipt]:
    """The receipts without those that name a segment of ours, but a number that it never went to."""
    theirs = [one for one in told if _may_be_of(one, about.get(one.remote_id))]
    if len(theirs) < len(told):
        log.warning("%d receipts name texts of ours with numbers of others: ignored", len(told) - len(theirs))
    return theirs


def _may_be_of(receipt: Receipt, about: About | None) -> bool:
    if about is None or about.address in (receipt.address, receipt.other_address):
        return True
    named = [number for number in (receipt.address, receipt.other_address) if number]
    return not named or any(_alike(number, about.address) for number in named)


_SPACING = str.maketrans("", "", "+ -().")
# Of numbers written in several ways the end is the same; less than this of it says nothing.
_TELLING = 7


def _alike(one: str, other: str) -> bool:
    """Whether both may be one number; names, and numbers cut short or hidden, may be any."""
    first, second = one.translate(_SPACING), other.translate(_SPACING)
    if not (first.isdigit() and second.isdigit()) or min(len(first), len(second)) < _TELLING:
        return True
    return first[-_TELLING:] == second[-_TELLING:]


_FINAL = (Delivered, Failed)


def _is_final(outcome: Outcome | None) -> bool:
    return isinstance(outcome, _FINAL)


def _adopted(conn: Connection, clinic: int, receipt: Receipt) -> tuple[int, int] | None:
    """The one message to that address whose response was lost.

    Not one that is under way, whose response may still name it, nor beside one, nor beside one that waits for
    a receipt, whose id may have been misread; and a part that arrived says nothing of a text of which the
    rest never left.
    """
    candidates = receipts.open_by_address(conn, clinic, receipt.channel, receipt.address)
    if len(candidates) != 1:
        return None
    found = candidates[0]
    if found.state is not State.UNKNOWN or found.cause == PARTLY_SENT:
        return None
    segments.adopt(conn, clinic, receipt.channel, receipt.remote_id, found.message, found.attempt)
    return found.message, found.attempt


def settlements(
    conn: Connection, clinic: int, said: Said, retries: Retries, now: datetime
) -> list[Settlement]:
    """What becomes of those messages that the receipts of their segments decide."""
    decided, others = [], {}
    for (message, attempt), outcome in said.items():
        if isinstance(outcome, _FINAL):
            # Nothing else of the message matters to an end: its attempt is on record, or in this batch.
            decided.append(end_of(message, attempt, outcome, now))
        else:
            others[message] = outcome
    return decided + _looked_up(conn, clinic, others, retries, now)


def _looked_up(
    conn: Connection, clinic: int, said: Mapping[int, Outcome | None], retries: Retries, now: datetime
) -> list[Settlement]:
    waiting = receipts.open_messages(conn, clinic, said.keys())
    known = segments.known(conn, clinic, waiting.keys())
    decided = []
    for number, message in waiting.items():
        of_attempt = known[number, message.attempt]
        told = said[number]
        whole = told if told is not None and len(of_attempt) == 1 else of_segments(of_attempt)
        if whole is not None:
            decided.append(settled_late(message, whole, now, retries))
    return decided


def settled_late(
    message: Open, outcome: Outcome, now: datetime, retries: Retries, voicemails: int = 0
) -> Settlement:
    """The settlement of a message that waited for evidence; `voicemails`: those of earlier attempts."""
    started = Started(
        message.message,
        message.attempt,
        message.charged,
        message.started_at,
        message.expires_at,
        zone=message.zone,
        voicemails=voicemails,
    )
    return settlement(started, outcome, now, retries)


def combined(first: Iterable[Settlement], late: Sequence[Settlement]) -> list[Settlement]:
    """Both; an attempt that is decided already is settled once, with the decision."""
    decided = {(item.message, item.number): item for item in late if item.state is not State.UNKNOWN}
    whole = []
    for item in first:
        end = decided.pop((item.message, item.number), None)
        whole.append(replace(end, started_at=item.started_at, judged=item.judged) if end else item)
    return [*whole, *decided.values(), *(item for item in late if item.state is State.UNKNOWN)]
