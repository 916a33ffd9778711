"""What earlier faxes showed of a number, and which pages of a message it has already."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from store.schema import attempt, fax_line
from store.upsert import insert_into

# Lines are mended: what is older is not believed any more.
BELIEVED = timedelta(days=90)
_l, _t = fax_line.c, attempt.c


def recall(conn: Connection, clinic: int, address: str, message: int, now: datetime) -> tuple[int, int, int]:
    """(rung, voices, pages) of a number; pages: those after the cover that the message brought."""
    row = conn.execute(
        select(_l.rung, _l.voices).where(_l.clinic == clinic, _l.address == address, _l.at > now - BELIEVED)
    ).first()
    missing = _t.clinic == clinic, _t.message == message, _t.cause == "pages-missing"
    found = conn.execute(select(_t.evidence).where(*missing)).scalars()
    # The first page of each attempt was a cover.
    pages = sum(max(0, int(evidence.get("pages", 0)) - 1) for evidence in found)
    return (row.rung, row.voices, pages) if row else (0, 0, pages)


def learn(conn: Connection, clinic: int, address: str, rung: int, voices: int, now: datetime) -> None:
    """Keep what an attempt showed of a number."""
    values = {"rung": rung, "voices": voices, "at": now}
    write = insert_into(conn, fax_line).values(clinic=clinic, address=address, **values)
    conn.execute(write.on_conflict_do_update(index_elements=["clinic", "address"], set_=values))
