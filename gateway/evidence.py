"""What receipts say of the messages whose segments they name. Works inside a transaction of the outbox."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from gateway.domain import PARTLY_SENT, Channel, Delivered, Failed, Outcome, Receipt, State
from gateway.settings import RetrySettings
from gateway.settlement import Started, name_of, of_segments, settlement
from store import receipts, segments
from store.receipts import Open
from store.segments import Heard
from store.settle import Settlement

# By (message, attempt): what to believe of it if it has but one segment; None: look at what is kept.
Said = Mapping[tuple[int, int], Outcome | None]


def note(
    conn: Connection, clinic: int, heard: Sequence[Receipt], now: datetime
) -> dict[tuple[int, int], Outcome]:
    """Keep what receipts say of segments; what they say of the attempts that are known."""
    by_channel: dict[Channel, list[Receipt]] = defaultdict(list)
    for receipt in heard:
        by_channel[receipt.channel].append(receipt)
    said: dict[tuple[int, int], Outcome] = {}
    for channel, told in by_channel.items():
        rows = [Heard(one.remote_id, name_of(one.outcome), one.outcome.cause) for one in told]
        for receipt, known in zip(told, segments.note(conn, clinic, channel, rows, now), strict=True):
            key = known if known[0] else _adopted(conn, clinic, receipt)
            # As the store keeps a segment: delivered or failed is the last word, else the newest counts.
            if key is not None and not _is_final(said.get(key)):
                said[key] = receipt.outcome
    return said


def _is_final(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Delivered | Failed)


def _adopted(conn: Connection, clinic: int, receipt: Receipt) -> tuple[int, int] | None:
    """The one message to that address whose response was lost.

    Not one that is under way, whose response may still name it, nor beside one; and a part that arrived says
    nothing of a text of which the rest never left.
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
    conn: Connection, clinic: int, said: Said, retry: RetrySettings, now: datetime
) -> list[Settlement]:
    """What becomes of those messages that the receipts of their segments decide."""
    in_parts = segments.in_parts(conn, clinic, {message for message, _ in said})
    decided, others = [], {}
    for (message, attempt), outcome in said.items():
        if outcome is not None and _is_final(outcome) and (message, attempt) not in in_parts:
            # Nothing else of the message matters to an end: its attempt is on record, or in this batch.
            decided.append(settlement(Started(message, attempt, 0, now, None), outcome, now, retry))
        else:
            others[message] = outcome
    return decided + _looked_up(conn, clinic, others, retry, now)


def _looked_up(
    conn: Connection, clinic: int, said: Mapping[int, Outcome | None], retry: RetrySettings, now: datetime
) -> list[Settlement]:
    waiting = receipts.open_messages(conn, clinic, said.keys())
    known = segments.known(conn, clinic, waiting.keys())
    decided = []
    for number, message in waiting.items():
        of_attempt = known[number, message.attempt]
        told = said[number]
        whole = told if told is not None and len(of_attempt) == 1 else of_segments(of_attempt)
        if whole is not None:
            decided.append(settled_late(message, whole, now, retry))
    return decided


def settled_late(message: Open, outcome: Outcome, now: datetime, retry: RetrySettings) -> Settlement:
    """The settlement of a message that waited for evidence."""
    started = Started(
        message.message, message.attempt, message.charged, message.started_at, message.expires_at
    )
    return settlement(started, outcome, now, retry)


def combined(first: Iterable[Settlement], late: Sequence[Settlement]) -> list[Settlement]:
    """Both; an attempt that is decided already is settled once, with the decision."""
    decided = {(item.message, item.number): item for item in late if item.state is not State.UNKNOWN}
    whole = []
    for item in first:
        end = decided.pop((item.message, item.number), None)
        whole.append(replace(end, started_at=item.started_at) if end else item)
    return [*whole, *decided.values(), *(item for item in late if item.state is State.UNKNOWN)]
