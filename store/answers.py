"""What was answered to requests with an idempotency key, for a day: the same request has the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, select, update

from store.running_tables import api_answer
from store.upsert import insert_into

KEPT = timedelta(days=1)
_a = api_answer.c


@dataclass(frozen=True, slots=True)
class Answer:
    """To a request, by its digest; status 0: it is under way, or was cut off."""

    request: str
    status: int
    body: str


def begin(conn: Connection, clinic: int, token: int, key: str, request: str, now: datetime) -> Answer | None:
    """Claim a key for a request; None: it is the first. Else what came of the one that has the key."""
    conn.execute(delete(api_answer).where(_a.clinic == clinic, _a.at < now - KEPT))
    values = {"clinic": clinic, "token": token, "key": key, "request": request}
    write = insert_into(conn, api_answer).values(**values, at=now, status=0, body="")
    if conn.execute(write.on_conflict_do_nothing()).rowcount > 0:
        return None
    row = conn.execute(select(_a.request, _a.status, _a.body).where(*_mine(clinic, token, key))).one()
    return Answer(*row)


def keep(conn: Connection, clinic: int, token: int, key: str, status: int, body: str) -> None:
    """The answer to the request that has the key."""
    mine = _mine(clinic, token, key)
    conn.execute(update(api_answer).where(*mine).values(status=status, body=body))


def release(conn: Connection, clinic: int, token: int, key: str) -> None:
    """Nothing came of it: the key may be used again."""
    conn.execute(delete(api_answer).where(*_mine(clinic, token, key)))


def _mine(clinic: int, token: int, key: str) -> tuple[ColumnElement[bool], ...]:
    return _a.clinic == clinic, _a.token == token, _a.key == key
