"""The queue's three transactions by hand on asyncpg: what the store's own code is measured against."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

CLAIM = """
WITH due AS (
    SELECT id FROM message
    WHERE clinic = $1 AND channel = 'sms' AND due_at <= $2 AND state IN ('scheduled', 'queued')
    ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
UPDATE message SET state = 'claimed', lease_owner = $4, lease_until = $5
WHERE clinic = $1 AND id IN (SELECT id FROM due)
RETURNING id, broadcast, recipient, appointment, address, attempt, charged, due_at, expires_at
"""
START = """
UPDATE message SET state = 'sending', attempt = attempt + 1, started_at = $3, lease_until = $4
WHERE clinic = $1 AND id = ANY($2::bigint[]) AND state = 'claimed' AND lease_owner = $5
    AND recipient NOT IN (SELECT recipient FROM consent WHERE clinic = $1 AND id >= $6)
RETURNING id, attempt
"""
SETTLE = """
UPDATE message SET state = 'delivered', due_at = coalesce(d.due, due_at), reason = d.why, outcome = d.result,
    cause = d.because, charged = charged + d.charge, lease_owner = NULL, lease_until = NULL, updated_at = $2
FROM unnest($3::bigint[], $4::int[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::int[])
    AS d(i, number, due, why, result, because, charge)
WHERE clinic = $1 AND id = d.i AND attempt = d.number AND state IN ('sending', 'accepted', 'unknown')
    AND (lease_owner = $10 OR lease_owner IS NULL)
"""
RECORD = """
INSERT INTO attempt (clinic, message, number, started_at, settled_at, outcome, cause, evidence)
SELECT $1, i, number, at, $2, result, because, evidence::json
FROM unnest($3::bigint[], $4::int[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
    AS d(i, number, at, result, because, evidence)
ON CONFLICT (clinic, message, number) DO UPDATE SET settled_at = excluded.settled_at,
    outcome = excluded.outcome, cause = excluded.cause, evidence = excluded.evidence
WHERE attempt.outcome IN ('accepted', 'unknown')
"""
LEASE = timedelta(minutes=1)


class RawPostgres:
    """One connection; arrays instead of executemany, which is the fastest way that asyncpg has."""

    def __init__(self, connection: Any, clinic: int, owner: str) -> None:
        self._db = connection
        self._clinic = clinic
        self._owner = owner

    @classmethod
    async def open(cls, url: str, clinic: int, owner: str) -> RawPostgres:
        """Connect; synchronous_commit is on, as the store has it."""
        return cls(await asyncpg.connect(url.replace("+asyncpg", "")), clinic, owner)

    async def batch(self, most: int) -> int:
        """Claim, start and settle up to `most` messages; how many there were."""
        claimed = await self._claim(most)
        started = await self._start([row["id"] for row in claimed])
        await self._settle(started)
        return len(started)

    async def close(self) -> None:
        """Disconnect."""
        await self._db.close()

    async def _claim(self, most: int) -> list[Any]:
        now = datetime.now(UTC)
        async with self._db.transaction():
            rows = await self._db.fetch(CLAIM, self._clinic, now, most, self._owner, now + LEASE)
        return sorted(rows, key=lambda row: (row["due_at"], row["id"]))

    async def _start(self, ids: Sequence[int]) -> list[Any]:
        now = datetime.now(UTC)
        async with self._db.transaction():
            started: list[Any] = await self._db.fetch(
                START, self._clinic, ids, now, now + LEASE, self._owner, 1
            )
        return started

    async def _settle(self, started: Sequence[Any]) -> None:
        now = datetime.now(UTC)
        ids = [row["id"] for row in started]
        numbers = [row["attempt"] for row in started]
        size = len(ids)
        nothing: list[None] = [None] * size
        outcome, cause = ["delivered"] * size, ["receipt-delivered"] * size
        evidence = [json.dumps({"remote_id": f"{id:x}"}) for id in ids]
        async with self._db.transaction():
            await self._db.execute(
                SETTLE,
                self._clinic,
                now,
                ids,
                numbers,
                nothing,
                nothing,
                outcome,
                cause,
                [1] * size,
                self._owner,
            )
            await self._db.execute(
                RECORD, self._clinic, now, ids, numbers, [now] * size, outcome, cause, evidence
            )
