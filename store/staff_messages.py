"""Messages of users to each other: threads, who takes part, what is unread, and who wants to be told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from store import ids
from store.accounts_tables import account
from store.outside import storable
from store.schema import recipient
from store.staff_tables import staff_message, staff_notice, staff_part, staff_thread
from store.upsert import insert_into

_a, _m, _n, _p, _r, _t = (
    account.c,
    staff_message.c,
    staff_notice.c,
    staff_part.c,
    recipient.c,
    staff_thread.c,
)


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread as one of its users sees it: `people` are the others, `client` whom it is about."""

    id: int
    subject: str
    people: tuple[str, ...]
    last_at: datetime
    unread: int
    client: int | None = None
    client_name: str = ""
    done_at: datetime | None = None
    done_by: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """One message of a thread; `done`: with it its author said that the task is complete."""

    at: datetime
    author: int
    name: str
    body: str
    done: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """How a user is told that a message waits: by email, by text to a telephone, both or neither."""

    email: bool = True
    phone: str = ""


# --- writing ---


def begin(
    conn: Connection,
    clinic: int,
    author: int,
    to: Collection[int],
    subject: str,
    body: str,
    now: datetime,
    client: int | None = None,
) -> int:
    """A user writes to others; the thread's number."""
    number = ids.take(conn, clinic, "staff_thread")
    values = {"clinic": clinic, "id": number, "subject": storable(subject), "client": client}
    conn.execute(staff_thread.insert().values(values))
    rows = [
        {"clinic": clinic, "thread": number, "account": one, "unread": 0, "last_at": now}
        for one in sorted({author, *to})
    ]
    conn.execute(staff_part.insert(), rows)
    _write(conn, clinic, number, author, body, now, done=False)
    return number


def answer(
    conn: Connection, clinic: int, number: int, author: int, body: str, now: datetime, *, done: bool
) -> None:
    """One who takes part writes; `done`: the task is complete. Without it a thread that was done is open."""
    finished = {"done_at": now if done else None, "done_by": author if done else None}
    conn.execute(update(staff_thread).where(_t.clinic == clinic, _t.id == number).values(finished))
    _write(conn, clinic, number, author, body, now, done=done)


def _write(
    conn: Connection, clinic: int, number: int, author: int, body: str, now: datetime, *, done: bool
) -> None:
    made = ids.take(conn, clinic, "staff_message")
    values = {"clinic": clinic, "id": made, "thread": number, "author": author, "at": now, "done": done}
    conn.execute(staff_message.insert().values(values | {"body": storable(body)}))
    all_of_it = _p.clinic == clinic, _p.thread == number
    conn.execute(update(staff_part).where(*all_of_it).values(last_at=now))
    conn.execute(update(staff_part).where(*all_of_it, _p.account != author).values(unread=_p.unread + 1))
    mark_read(conn, clinic, number, author)


def mark_read(conn: Connection, clinic: int, number: int, reader: int) -> None:
    """One who takes part has read the thread, up to now."""
    mine = _p.clinic == clinic, _p.thread == number, _p.account == reader, _p.unread > 0
    conn.execute(update(staff_part).where(*mine).values(unread=0))


# --- reading ---


def unread(conn: Connection, clinic: int, reader: int) -> int:
    """How many messages wait for a user."""
    mine = _p.clinic == clinic, _p.account == reader, _p.unread > 0
    return int(conn.execute(select(func.sum(_p.unread)).where(*mine)).scalar() or 0)


def listing(
    conn: Connection,
    clinic: int,
    reader: int,
    *,
    done: bool | None = None,
    before: datetime | None = None,
    most: int = 50,
) -> list[Thread]:
    """A user's threads, the newest first: all, or those that are done, or those that are not."""
    where: list[ColumnElement[bool]] = []
    if done is not None:
        where.append(_t.done_at.is_not(None) if done else _t.done_at.is_(None))
    if before is not None:
        where.append(_p.last_at < before)
    return _threads(conn, clinic, reader, *where, most=most)


def find(conn: Connection, clinic: int, number: int, reader: int) -> Thread | None:
    """A thread, for one who takes part in it."""
    return next(iter(_threads(conn, clinic, reader, _t.id == number, most=1)), None)


def _threads(
    conn: Connection, clinic: int, reader: int, *where: ColumnElement[bool], most: int
) -> list[Thread]:
    done_by = account.alias()
    query = (
        select(
            *(_t.id, _t.subject, _p.last_at, _p.unread, _t.client, _t.done_at),
            *(_r.given_name, _r.family_name, done_by.c.name.label("done_by")),
        )
        .select_from(staff_part)
        .join(staff_thread, and_(_t.clinic == _p.clinic, _t.id == _p.thread))
        .outerjoin(recipient, and_(_r.clinic == _t.clinic, _r.id == _t.client))
        .outerjoin(done_by, and_(done_by.c.clinic == _t.clinic, done_by.c.id == _t.done_by))
        .where(_p.clinic == clinic, _p.account == reader, *where)
        .order_by(_p.last_at.desc(), _p.thread.desc())
        .limit(most)
    )
    rows = conn.execute(query).all()
    others = _others(conn, clinic, [row.id for row in rows], reader)
    return [_thread(row, others.get(row.id, ())) for row in rows]


def _thread(row: Any, people: tuple[str, ...]) -> Thread:
    client_name = f"{row.given_name or ''} {row.family_name or ''}".strip()
    return Thread(
        *(row.id, row.subject, people, row.last_at, row.unread),
        *(row.client, client_name, row.done_at, row.done_by or ""),
    )


def _others(
    conn: Connection, clinic: int, numbers: Collection[int], reader: int
) -> dict[int, tuple[str, ...]]:
    query = (
        select(_p.thread, _a.name)
        .join(account, and_(_a.clinic == _p.clinic, _a.id == _p.account))
        .where(_p.clinic == clinic, _p.thread.in_(numbers), _p.account != reader)
        .order_by(_a.name)
    )
    found: dict[int, tuple[str, ...]] = {}
    for number, name in conn.execute(query):
        found[number] = (*found.get(number, ()), name)
    return found


def notes(conn: Connection, clinic: int, number: int, most: int = 200) -> list[Note]:
    """The newest messages of a thread, oldest first."""
    query = (
        select(_m.at, _m.author, _a.name, _m.body, _m.done)
        .outerjoin(account, and_(_a.clinic == _m.clinic, _a.id == _m.author))
        .where(_m.clinic == clinic, _m.thread == number)
        .order_by(_m.id.desc())
        .limit(most)
    )
    return [Note(row.at, row.author, row.name or "", row.body, row.done) for row in conn.execute(query)][::-1]


def members(conn: Connection, clinic: int, number: int) -> list[int]:
    """The users who take part in a thread."""
    query = select(_p.account).where(_p.clinic == clinic, _p.thread == number).order_by(_p.account)
    return list(conn.execute(query).scalars())


# --- being told ---


def wish(conn: Connection, clinic: int, user: int) -> Wish:
    """How a user wants to be told that a message waits."""
    query = select(_n.email, _n.phone).where(_n.clinic == clinic, _n.account == user)
    row = conn.execute(query).first()
    return Wish(*row) if row else Wish()


def set_wish(conn: Connection, clinic: int, user: int, wanted: Wish) -> None:
    """Tell a user so from now on."""
    values = {"email": wanted.email, "phone": wanted.phone}
    kept = insert_into(conn, staff_notice).values(clinic=clinic, account=user, **values)
    conn.execute(kept.on_conflict_do_update(index_elements=[_n.clinic, _n.account], set_=values))
