"""Rows by the hundred thousand, made inside the database: `INSERT … SELECT` from a series of numbers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from gateway.domain import Channel
from store.tables import Instant

CLINIC = 1
# So many messages belong to one broadcast.
A_BROADCAST = 10_000
# Where recipient n is reached. Calls: the thousand telephones of the town that answer at once; faxes: a
# hundred of its fax machines.
_ADDRESSES = {
    Channel.SMS: "'+1' || (2122000000 + n)",
    Channel.EMAIL: "n || '@example.org'",
    Channel.FAX: "'+12125558' || substr(CAST(1000 + n % 100 AS TEXT), 2)",
    Channel.VOICE: "'+1{area}5551' || substr(CAST(1000 + n % 1000 AS TEXT), 2)",
}
# The town's area whose telephones answer at once.
QUICK = "900"


def _address(way: Channel, area: str) -> str:
    return _ADDRESSES[way].replace("{area}", area)


def add_messages(
    conn: Connection,
    first: int,
    count: int,
    state: str,
    due_at: datetime,
    way: Channel = Channel.SMS,
    area: str = QUICK,
) -> None:
    """`count` messages over `way`, numbered from `first`; settled ones with the attempt that settled them."""
    settled = state not in ("scheduled", "queued")
    values = {
        "clinic": str(CLINIC),
        "id": "n",
        "broadcast": f"1 + n / {A_BROADCAST}",
        "recipient": "n",
        "channel": f"'{way}'",
        "appointment": "n",
        "step": "0",
        "address": _address(way, area),
        "state": f"'{state}'",
        "due_at": ":due",
        "expires_at": "NULL",
        "outcome": "'delivered'" if settled else "NULL",
        "cause": "'receipt-delivered'" if settled else "NULL",
        "attempt": "1" if settled else "0",
        "charged": "1" if settled else "0",
        "started_at": ":due" if settled else "NULL",
        "updated_at": ":due",
    }
    _insert(conn, "message", values, first, count, due_at)
    if settled:
        _insert(conn, "attempt", _attempt(), first, count, due_at)
    _set_counter(conn, "message", first + count)


def _attempt() -> dict[str, str]:
    return {
        "clinic": str(CLINIC),
        "message": "n",
        "number": "1",
        "started_at": ":due",
        "settled_at": ":due",
        "outcome": "'delivered'",
        "cause": "'receipt-delivered'",
        "evidence": "'{}'",
    }


def add_audience(
    conn: Connection,
    first: int,
    count: int,
    starts_at: datetime,
    way: Channel = Channel.SMS,
    area: str = QUICK,
) -> None:
    """Clients with two addresses, one of them for `way`, consent and an appointment each, numbered alike."""
    one = {"clinic": str(CLINIC), "id": "n"}
    person = {"kind": "'client'", "external_id": "'c' || n", "given_name": "'Given' || n"}
    person |= {"family_name": "'Family' || n", "language": "'en'", "use_details": "true"}
    _insert(conn, "recipient", one | person, first, count, starts_at)
    for step, channel in enumerate((way, Channel.EMAIL)):
        contact = {"recipient": "n", "channel": f"'{channel}'", "origin": "'details'"}
        contact |= {"id": f"2 * n + {step}", "address": _address(channel, area)}
        _insert(conn, "contact", one | contact, first, count, starts_at)
    consent = {"recipient": "n", "purpose": "'messaging'", "given": "true"}
    consent |= {"source": "'import'", "at": ":due", "key": "'k' || n"}
    _insert(conn, "consent", one | consent, first, count, starts_at)
    visit = {"external_id": "'a' || n", "client": "n", "starts_at": ":due", "service": "'Check-up'"}
    visit |= {"clinician": "'Dr. Ito'", "status": "'booked'"}
    _insert(conn, "appointment", one | visit, first, count, starts_at)
    for name in ("recipient", "consent", "appointment"):
        _set_counter(conn, name, first + count)
    _set_counter(conn, "contact", 2 * (first + count))


def _insert(
    conn: Connection, table: str, values: dict[str, str], first: int, count: int, moment: datetime
) -> None:
    statement = f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values.values())}"
    wanted = text(f"{statement} FROM ({_series(conn)}) s").bindparams(first=first, last=first + count - 1)
    if ":due" in statement:
        wanted = wanted.bindparams(bindparam("due", moment, type_=Instant))
    conn.execute(wanted)


def _series(conn: Connection) -> str:
    if conn.dialect.name == "postgresql":
        return "SELECT generate_series(:first, :last) AS n"
    return (
        "WITH RECURSIVE r(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM r WHERE n < :last) SELECT n FROM r"
    )


def _set_counter(conn: Connection, name: str, following: int) -> None:
    upsert = "INSERT INTO counter (clinic, name, next) VALUES (:c, :n, :v) "
    upsert += "ON CONFLICT (clinic, name) DO UPDATE SET next = :v"
    conn.execute(text(upsert), {"c": CLINIC, "n": name, "v": following})
