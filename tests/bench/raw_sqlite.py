"""The queue's three transactions by hand on sqlite3: what the store's own code is measured against."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

CLAIM = """
UPDATE message SET state = 'claimed', lease_owner = :owner, lease_until = :until
WHERE clinic = :clinic AND id IN (
    SELECT id FROM message
    WHERE clinic = :clinic AND channel = 'sms' AND due_at <= :now AND state IN ('scheduled', 'queued')
    ORDER BY due_at, id LIMIT :most)
RETURNING id, broadcast, recipient, appointment, address, attempt, charged, due_at, expires_at
"""
START = """
UPDATE message SET state = 'sending', attempt = attempt + 1, started_at = ?, lease_until = ?
WHERE clinic = ? AND state = 'claimed' AND lease_owner = ?
    AND recipient NOT IN (SELECT recipient FROM consent WHERE clinic = ? AND id >= ?)
    AND id IN ({marks})
RETURNING id, attempt
"""
SETTLE = """
UPDATE message SET state = 'delivered', due_at = coalesce(?, due_at), reason = ?, outcome = ?, cause = ?,
    charged = charged + ?, lease_owner = NULL, lease_until = NULL, updated_at = ?
WHERE clinic = ? AND id = ? AND attempt = ? AND state IN ('sending', 'accepted', 'unknown')
    AND (lease_owner = ? OR lease_owner IS NULL)
"""
RECORD = """
INSERT INTO attempt (clinic, message, number, started_at, settled_at, outcome, cause, evidence)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (clinic, message, number) DO UPDATE SET settled_at = excluded.settled_at,
    outcome = excluded.outcome, cause = excluded.cause, evidence = excluded.evidence
WHERE attempt.outcome IN ('accepted', 'unknown')
"""
LEASE = timedelta(minutes=1)


class RawSqlite:
    """One connection, WAL, synchronous=FULL."""

    def __init__(self, path: Path, clinic: int, owner: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._clinic = clinic
        self._owner = owner

    async def batch(self, most: int) -> int:
        """Claim, start and settle up to `most` messages; how many there were."""
        claimed = self._claim(most)
        started = self._start([row[0] for row in claimed])
        self._settle(started)
        return len(started)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _claim(self, most: int) -> list[tuple[object, ...]]:
        now = datetime.now(UTC)
        values = {"owner": self._owner, "until": _micros(now + LEASE), "now": _micros(now), "most": most}
        self._db.execute("BEGIN IMMEDIATE")
        rows = self._db.execute(CLAIM, values | {"clinic": self._clinic}).fetchall()
        self._db.execute("COMMIT")
        rows.sort(key=lambda row: (row[7], row[0]))
        return rows

    def _start(self, ids: Sequence[object]) -> list[tuple[int, int]]:
        now = datetime.now(UTC)
        statement = START.replace("{marks}", ", ".join("?" * len(ids)))
        values = (_micros(now), _micros(now + LEASE), self._clinic, self._owner, self._clinic, 1, *ids)
        self._db.execute("BEGIN IMMEDIATE")
        started = self._db.execute(statement, values).fetchall()
        self._db.execute("COMMIT")
        return started

    def _settle(self, started: Sequence[tuple[int, int]]) -> None:
        now = _micros(datetime.now(UTC))
        clinic, owner = self._clinic, self._owner
        updates = [
            (None, None, "delivered", "receipt-delivered", 1, now, clinic, id, number, owner)
            for id, number in started
        ]
        records = [
            (clinic, id, number, now, now, "delivered", "receipt-delivered", _evidence(id))
            for id, number in started
        ]
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(SETTLE, updates)
        self._db.executemany(RECORD, records)
        self._db.execute("COMMIT")


def _evidence(id: int) -> str:
    return json.dumps({"remote_id": f"{id:x}"})


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
