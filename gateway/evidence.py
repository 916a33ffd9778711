"""What receipts say of the messages whose segments they name. Works inside a transaction of the outbox."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from gateway.domain import Channel, Delivered, Failed, Outcome, Receipt, State
from gateway.settings import RetrySettings
from gateway.settlement import Started, name_of, of_segments, settlement
from store import receipts, segments
from store.receipts import Open
from store.segments import Heard
from store.settle import Settlement


def note(conn: Connection, clinic: int, heard: Sequence[Receipt], now: datetime) -> dict[int, Outcome]:
    """Keep what receipts say; by message, what to believe if it has but one segment."""
    of_channel: dict[Channel, list[Receipt]] = defaultdict(list)
    for receipt in heard:
        of_channel[receipt.channel].append(receipt)
    said: dict[int, Outcome] = {}
    for channel, receipts_there in of_channel.items():
        rows = [Heard(one.remote_id, name_of(one.outcome), one.outcome.cause) for one in receipts_there]
        messages = segments.note(conn, clinic, channel, rows, now)
        for receipt, message in zip(receipts_there, messages, strict=True):
            # As the store keeps a segment: delivered or failed is the last word, else the newest counts.
            if (known := message or _adopted(conn, clinic, receipt)) and not _is_final(said.get(known)):
                said[known] = receipt.outcome
    return said


def _is_final(outcome: Outcome | None) -> bool:
    return isinstance(outcome, Delivered | Failed)


def _adopted(conn: Connection, clinic: int, receipt: Receipt) -> int:
    """The one message of unknown fate to that address: the response that named it was lost."""
    candidates = receipts.open_by_address(conn, clinic, receipt.channel, receipt.address)
    if len(candidates) != 1:
        return 0
    found = candidates[0]
    segments.adopt(conn, clinic, receipt.channel, receipt.remote_id, found.message, found.attempt)
    return found.message


def settlements(
    conn: Connection,
    clinic: int,
    said: Mapping[int, Outcome | None],
    retry: RetrySettings,
    now: datetime,
) -> list[Settlement]:
    """What becomes of those messages that their segments' receipts decide now."""
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


def combined(first: Collection[Settlement], late: Collection[Settlement]) -> list[Settlement]:
    """Both, but of an attempt that is decided already only the decision, not that it was accepted."""
    decided = {(item.message, item.number) for item in late if item.state is not State.UNKNOWN}
    return [*(item for item in first if (item.message, item.number) not in decided), *late]
