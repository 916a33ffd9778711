"""Tokens of programs that use the API: what each may do and until when; only digests are kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from store import ids
from store.running_tables import api_token

_t = api_token.c


@dataclass(frozen=True, slots=True)
class Token:
    """Of one program; `scopes` are rules."""

    id: int
    name: str
    scopes: frozenset[str]
    made_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None


_COLUMNS = (
    _t.id,
    _t.name,
    _t.scopes,
    _t.made_by,
    _t.created_at,
    _t.expires_at,
    _t.revoked_at,
    _t.used_at,
)


def add(
    conn: Connection,
    clinic: int,
    name: str,
    digest: str,
    scopes: Collection[str],
    made_by: str,
    now: datetime,
    expires_at: datetime,
) -> int:
    """A new token; its number."""
    number = ids.take(conn, clinic, "api_token")
    said = {"name": name, "digest": digest, "scopes": sorted(scopes), "made_by": made_by}
    times = {"created_at": now, "expires_at": expires_at}
    conn.execute(api_token.insert().values(clinic=clinic, id=number, **said, **times))
    return number


def find(conn: Connection, clinic: int, digest: str) -> Token | None:
    """By the digest of its secret; revoked and expired ones, too."""
    row = conn.execute(select(*_COLUMNS).where(_t.clinic == clinic, _t.digest == digest)).first()
    return Token(row[0], row[1], frozenset(row[2]), *row[3:]) if row else None


def listing(conn: Connection, clinic: int, most: int = 200) -> list[Token]:
    """The newest first."""
    query = select(*_COLUMNS).where(_t.clinic == clinic).order_by(_t.id.desc()).limit(most)
    return [Token(row[0], row[1], frozenset(row[2]), *row[3:]) for row in conn.execute(query)]


def revoke(conn: Connection, clinic: int, number: int, now: datetime) -> bool:
    """It opens nothing from now on; False when there is none, or it was revoked before."""
    mine = _t.clinic == clinic, _t.id == number, _t.revoked_at.is_(None)
    return conn.execute(update(api_token).where(*mine).values(revoked_at=now)).rowcount > 0


def used(conn: Connection, clinic: int, number: int, now: datetime) -> None:
    """It was shown now."""
    mine = _t.clinic == clinic, _t.id == number
    conn.execute(update(api_token).where(*mine).values(used_at=now))
