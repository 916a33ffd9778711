"""Numbers for new rows: small, in order, one series for each clinic and kind."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from store.schema import counter
from store.upsert import insert_into

_TAKE = (
    update(counter)
    .where(counter.c.clinic == bindparam("c"), counter.c.name == bindparam("n"))
    .values(next=counter.c.next + bindparam("count"))
    .returning(counter.c.next)
)


def take(conn: Connection, clinic: int, name: str, count: int = 1) -> int:
    """The first of `count` new numbers; the row lock puts concurrent takers in commit order."""
    values = {"c": clinic, "n": name, "count": count}
    following = conn.execute(_TAKE, values).scalar()
    if following is None:
        begin = insert_into(conn, counter).values(clinic=clinic, name=name, next=1)
        conn.execute(begin.on_conflict_do_nothing())
        following = conn.execute(_TAKE, values).scalar_one()
    return int(following) - count


def upcoming(conn: Connection, clinic: int, name: str) -> int:
    """The number that the next row will get."""
    found = conn.execute(
        select(counter.c.next).where(counter.c.clinic == clinic, counter.c.name == name)
    ).scalar()
    return int(found) if found is not None else 1
