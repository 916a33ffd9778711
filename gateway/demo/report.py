"""The report of a rehearsal: what the gateway says, what the town saw, and whether they agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway.demo.agreement import Agreement, Told, Try, compare
from gateway.domain import TERMINAL_STATES, State
from gateway.settlement import RECEIPT_EXPECTED
from gateway.town.ledger import Entry, read_ledger, to_json
from store import history
from store.engine import Store
from store.history import Filter

EVERYTHING = 10_000_000
# Longer than the latest of the town's receipts.
RECEIPT_TIME = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything of one rehearsal."""

    messages: list[dict[str, Any]]
    town: list[Entry]
    agreement: Agreement

    def as_data(self, versions: Mapping[str, str]) -> dict[str, Any]:
        """The report as JSON data."""
        seen = [to_json(entry) | {"message": self.agreement.matches.get(entry.id)} for entry in self.town]
        return {
            "versions": dict(versions),
            "messages": self.messages,
            "town": seen,
            "agreement": self.agreement.counts,
            "findings": self.agreement.findings,
        }


def is_settled(entry: history.Entry, now: datetime) -> bool:
    """Terminal, unknown, or accepted with no receipt to come: the town's come soon, or never."""
    if entry.state in TERMINAL_STATES or entry.state is State.UNKNOWN:
        return True
    due = entry.reason == RECEIPT_EXPECTED and now < entry.updated_at + RECEIPT_TIME
    return entry.state is State.ACCEPTED and not due


async def gather(store: Store, clinic: int, ledger: Path, refusing: Sequence[str]) -> Report:
    """Read both ledgers and compare them. `refusing`: external ids of clients without consent."""
    entries, tries, outsiders = await store.read(_read, clinic, refusing)
    town = read_ledger(ledger)
    told = [
        Told(
            id=entry.id,
            recipient=entry.recipient,
            channel=entry.channel,
            address=entry.address,
            state=entry.state.value,
            cause=entry.cause or "",
            consented=entry.recipient not in outsiders,
            settled=is_settled(entry, store.clock()),
            attempts=_tries(entry, tries[entry.id]),
        )
        for entry in entries
    ]
    messages = [_message(entry, tries[entry.id]) for entry in entries]
    return Report(messages, town, compare(told, town))


def _read(
    conn: Connection, clinic: int, refusing: Sequence[str]
) -> tuple[list[history.Entry], defaultdict[int, list[dict[str, Any]]], set[int]]:
    entries = history.entries(conn, clinic, Filter(), EVERYTHING)
    tries: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in history.attempts(conn, clinic):
        tries[row["message"]].append(row)
    return entries, tries, history.recipients_by_external_id(conn, clinic, refusing)


def _tries(entry: history.Entry, rows: Sequence[Mapping[str, Any]]) -> tuple[Try, ...]:
    found = [
        Try(row["number"], row["started_at"], row["settled_at"], row["outcome"], row["cause"]) for row in rows
    ]
    if entry.started_at is not None and entry.attempts > len(found):
        found.append(Try(entry.attempts, entry.started_at, None, "unknown", "under way"))
    return tuple(found)


def _message(entry: history.Entry, tries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    refused = entry.state in (State.REFUSED, State.EXPIRED, State.CANCELLED)
    return {
        "id": entry.id,
        "broadcast": entry.broadcast,
        "recipient": entry.recipient,
        "channel": entry.channel,
        "address": entry.address,
        "decision": "refuse" if refused else "allow",
        "reason": entry.reason,
        "state": entry.state.value,
        "outcome": entry.outcome,
        "cause": entry.cause,
        "attempts": [
            {name: value for name, value in row.items() if name not in ("clinic", "message")} for row in tries
        ],
        "times": {"due": entry.due_at, "started": entry.started_at, "updated": entry.updated_at},
    }
