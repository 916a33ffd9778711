"""What the doctor found last, of each gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from gateway.domain import Finding
from store.running_tables import checkup
from store.upsert import insert_into

_c = checkup.c


@dataclass(frozen=True, slots=True)
class Checkup:
    """All that was found, by whose wish and when."""

    by: str
    at: datetime
    findings: tuple[Finding, ...]


def keep(
    conn: Connection, clinic: int, node: str, by: str, findings: Sequence[Finding], now: datetime
) -> None:
    """Write it down in place of the one before."""
    values = {"by": by, "at": now, "findings": [asdict(finding) for finding in findings]}
    write = insert_into(conn, checkup).values(clinic=clinic, node=node, **values)
    conn.execute(write.on_conflict_do_update(index_elements=["clinic", "node"], set_=values))


def last(conn: Connection, clinic: int, node: str) -> Checkup | None:
    """That of a gateway; None before the first."""
    query = select(_c.by, _c.at, _c.findings).where(_c.clinic == clinic, _c.node == node)
    row = conn.execute(query).first()
    return Checkup(row.by, row.at, tuple(Finding(**one) for one in row.findings)) if row else None
