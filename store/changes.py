"""Each change of a message's state, and each answer about an appointment, while somebody wants to know.

A trigger writes the row in the transaction that makes the change, so that no way of changing a state can
forget it. Claims are the queue's own business and are not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, literal_column, or_, select, text, update

from store.outside import storable
from store.schema import appointment, change, message, recipient, webhook
from store.upsert import insert_into

_a, _c, _m, _r, _w = appointment.c, change.c, message.c, recipient.c, webhook.c

_COLUMNS = "clinic, xact, message, broadcast, channel, state, cause, attempt, at"
_VALUES = (
    "NEW.id, NEW.broadcast, NEW.channel, NEW.state, "
    "COALESCE(NEW.cause, NEW.reason), NEW.attempt, NEW.updated_at"
)
_ANSWER_COLUMNS = "clinic, xact, message, broadcast, channel, state, attempt, at, appointment"
_OLDEST_OPEN = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_NOW = "pg_current_xact_id()::text::bigint"
_ANSWER_VALUES = "0, 0, '', '{said}', 0, NEW.{said}_at, NEW.id"
_SQLITE = """
CREATE TRIGGER IF NOT EXISTS {name} AFTER {event} ON {table} WHEN {when}
BEGIN INSERT INTO change ({columns}) VALUES (NEW.clinic, 0, {values}); END
"""
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION {{name}}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
INSERT INTO change ({{columns}}) VALUES (NEW.clinic, {_NOW}, {{values}}); RETURN NULL;
END $$
"""
_POSTGRES = """
CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW WHEN ({when})
EXECUTE FUNCTION {function}()
"""
# Each function of PostgreSQL's with the columns and values that it writes, and each trigger's function.
_WRITES = {
    "message_changed": (_COLUMNS, _VALUES),
    "appointment_was_confirmed": (_ANSWER_COLUMNS, _ANSWER_VALUES.format(said="confirmed")),
    "appointment_was_cancelled": (_ANSWER_COLUMNS, _ANSWER_VALUES.format(said="cancelled")),
}


def _newly(column: str) -> str:
    """A condition in words of both engines: the column got a value that it did not have."""
    return f"NEW.{column} IS NOT NULL AND (OLD.{column} IS NULL OR NEW.{column} <> OLD.{column})"


_TRIGGERS = {
    "message_added": ("message", "INSERT", "NEW.state <> 'claimed'", "message_changed"),
    "message_moved": (
        "message",
        "UPDATE OF state",
        "NEW.state <> OLD.state AND NEW.state <> 'claimed'"
        " AND NOT (OLD.state = 'claimed' AND NEW.state IN ('queued', 'scheduled'))",
        "message_changed",
    ),
    "appointment_confirmed": (
        "appointment",
        "UPDATE OF confirmed_at",
        _newly("confirmed_at"),
        "appointment_was_confirmed",
    ),
    "appointment_cancelled": (
        "appointment",
        "UPDATE OF cancelled_at",
        _newly("cancelled_at"),
        "appointment_was_cancelled",
    ),
}


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """How far somebody has read. Transactions come first: on PostgreSQL ids are given before the commit."""

    transaction: int = 0
    id: int = 0

    def __str__(self) -> str:
        return f"{self.transaction}-{self.id}"


def position(words: str) -> Position | None:
    """A position as it was written with str(); None for what is none."""
    first, _, second = words.partition("-")
    small = len(words) < 40 and words.isascii()
    return Position(int(first), int(second)) if small and first.isdigit() and second.isdigit() else None


@dataclass(frozen=True, slots=True)
class Change:
    """A message came to a state, or a patient answered about an appointment: then it has no message.

    The last three are about somebody and are read only where it is asked for; `visit` is the appointment as
    the practice's own program knows it.
    """

    position: Position
    message: int
    broadcast: int
    channel: str
    state: str
    cause: str
    attempt: int
    at: datetime
    appointment: int = 0
    address: str = ""
    recipient: str = ""
    visit: str = ""

    @property
    def kind(self) -> str:
        """What has happened, in a word of the webhooks."""
        return f"appointment.{self.state}" if self.appointment else "message.states"


# --- writing down ---


def write_down(conn: Connection, wanted: bool) -> None:
    """Have changes written down from now on, or no longer."""
    postgres = conn.dialect.name == "postgresql"
    if not wanted:
        for name, (table, _, _, _) in _TRIGGERS.items():
            conn.execute(text(f"DROP TRIGGER IF EXISTS {name}" + f" ON {table}" * postgres))
        return
    if postgres:
        there = set(conn.execute(text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")).scalars())
        if there >= _TRIGGERS.keys():
            # Making them anew would wait for everything that is being written.
            return
        for function, (columns, values) in _WRITES.items():
            conn.execute(text(_FUNCTION.format(name=function, columns=columns, values=values)))
    for name, (table, event, when, function) in _TRIGGERS.items():
        columns, values = _WRITES[function]
        said = {"name": name, "table": table, "event": event, "when": when, "function": function}
        made = (_POSTGRES if postgres else _SQLITE).format(**said, columns=columns, values=values)
        conn.execute(text(made))


def forget(conn: Connection, clinic: int, before: datetime) -> int:
    """Remove what is older; how many changes it was."""
    return conn.execute(delete(change).where(_c.clinic == clinic, _c.at < before)).rowcount


# --- reading ---


def newest(conn: Connection, clinic: int) -> Position:
    """The position after everything that is there."""
    row = conn.execute(_settled(conn, clinic).order_by(_c.xact.desc(), _c.id.desc()).limit(1)).first()
    return Position(row.xact, row.id) if row else Position()


def since(
    conn: Connection, clinic: int, after: Position, most: int, *, personal: bool = False
) -> list[Change]:
    """Changes after a position, in their order. `personal`: with address and the client's id."""
    beyond = or_(_c.xact > after.transaction, and_(_c.xact == after.transaction, _c.id > after.id))
    query = _settled(conn, clinic).where(beyond).order_by(_c.xact, _c.id).limit(most)
    rows = conn.execute(query).all()
    about = _about(conn, clinic, [row.message for row in rows if row.message]) if personal else {}
    visits = _about_visits(conn, clinic, [row.appointment for row in rows]) if personal else {}
    return [
        Change(
            Position(row.xact, row.id),
            row.message,
            row.broadcast,
            row.channel,
            row.state,
            row.cause or "",
            row.attempt,
            row.at,
            row.appointment or 0,
            *((visits if row.appointment else about).get(row.appointment or row.message, ())),
        )
        for row in rows
    ]


def _settled(conn: Connection, clinic: int) -> Any:
    query = select(change).where(_c.clinic == clinic)
    if conn.dialect.name == "postgresql":
        # One that is still being written may come to stand before others that are there already.
        query = query.where(_c.xact < literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))
    return query


def _about(conn: Connection, clinic: int, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    person = message.outerjoin(recipient, (_r.clinic == _m.clinic) & (_r.id == _m.recipient))
    query = select(_m.id, _m.address, _r.external_id).select_from(person)
    rows = conn.execute(query.where(_m.clinic == clinic, _m.id.in_(numbers)))
    return {row[0]: (row[1] or "", row[2] or "") for row in rows}


def _about_visits(
    conn: Connection, clinic: int, numbers: Sequence[int | None]
) -> dict[int, tuple[str, str, str]]:
    wanted = [number for number in numbers if number is not None]
    if not wanted:
        return {}
    person = appointment.join(recipient, (_r.clinic == _a.clinic) & (_r.id == _a.client))
    query = select(_a.id, _r.external_id, _a.external_id).select_from(person)
    rows = conn.execute(query.where(_a.clinic == clinic, _a.id.in_(wanted)))
    return {row[0]: ("", row[1], row[2]) for row in rows}


# --- webhooks ---


def register(conn: Connection, clinic: int, name: str) -> None:
    """A webhook that is new begins with what happens from now on."""
    at = newest(conn, clinic)
    values = {"clinic": clinic, "name": name, "xact": at.transaction, "position": at.id, "failures": 0}
    conn.execute(insert_into(conn, webhook).values(values).on_conflict_do_nothing())


def claim(
    conn: Connection, clinic: int, name: str, owner: str, now: datetime, until: datetime
) -> tuple[Position, int] | None:
    """Its position and failures in a row, for this gateway until then; None: not due, or another's."""
    free = or_(_w.lease_until.is_(None), _w.lease_until <= now, _w.lease_owner == owner)
    due = or_(_w.next_at.is_(None), _w.next_at <= now)
    mine = _w.clinic == clinic, _w.name == name
    taken = update(webhook).where(*mine, free, due).values(lease_owner=owner, lease_until=until)
    if not conn.execute(taken).rowcount:
        return None
    row = conn.execute(select(_w.xact, _w.position, _w.failures).where(*mine)).one()
    return Position(row.xact, row.position), row.failures


def delivered(conn: Connection, clinic: int, name: str, owner: str, to: Position) -> None:
    """Everything up to there was taken."""
    said = {"xact": to.transaction, "position": to.id, "failures": 0, "next_at": None, "trouble": ""}
    _tell(conn, clinic, name, owner, said)


def refused(conn: Connection, clinic: int, name: str, owner: str, why: str, next_at: datetime) -> None:
    """It was not taken: again then."""
    said = {"failures": _w.failures + 1, "next_at": next_at, "trouble": storable(why)}
    _tell(conn, clinic, name, owner, said)


def _tell(conn: Connection, clinic: int, name: str, owner: str, said: dict[str, Any]) -> None:
    mine = _w.clinic == clinic, _w.name == name, _w.lease_owner == owner
    conn.execute(update(webhook).where(*mine).values(said))


def lag(conn: Connection, clinic: int, name: str) -> tuple[int, int, str]:
    """(changes not yet delivered, failures in a row, the last trouble) of a webhook."""
    mine = _w.clinic == clinic, _w.name == name
    row = conn.execute(select(_w.xact, _w.position, _w.failures, _w.trouble).where(*mine)).first()
    if row is None:
        return 0, 0, ""
    beyond = or_(_c.xact > row.xact, and_(_c.xact == row.xact, _c.id > row.position))
    count = conn.execute(select(func.count()).where(_c.clinic == clinic, beyond)).scalar_one()
    return int(count), row.failures, row.trouble
