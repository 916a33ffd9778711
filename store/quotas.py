"""What a brand has sent in a day, counted in segments; taken before it is sent."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, select

from store.schema import brand_day
from store.upsert import insert_into

_d = brand_day.c


def reserve(conn: Connection, clinic: int, brand: str, day: date, most: int, wanted: int) -> int:
    """Take up to `wanted` of the `most` segments of a day; how many it was. Negative: give so many back."""
    key = {"clinic": clinic, "brand": brand, "day": day}
    conn.execute(insert_into(conn, brand_day).values(**key, segments=0).on_conflict_do_nothing())
    row = brand_day.c.clinic == clinic, _d.brand == brand, _d.day == day
    # Held until the end of the transaction: several gateways may take from one day.
    taken: int = conn.execute(select(_d.segments).where(*row).with_for_update()).scalar_one()
    granted = max(-taken, min(wanted, most - taken)) if wanted < 0 else max(0, min(wanted, most - taken))
    conn.execute(brand_day.update().where(*row).values(segments=taken + granted))
    return granted


def taken(conn: Connection, clinic: int, brand: str, day: date) -> int:
    """How many segments of a day are sent, or about to be."""
    query = select(_d.segments).where(_d.clinic == clinic, _d.brand == brand, _d.day == day)
    return int(conn.execute(query).scalar() or 0)
