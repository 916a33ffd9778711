"""What is asked of one client: who they are, their latest messages, and lines of the ledger in full."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, literal_column, select

from gateway.domain import Channel, RecipientKind
from store import merging
from store.batch import among
from store.queue import Claimed
from store.schema import consent, message, recipient

_r, _m, _s = recipient.c, message.c, consent.c


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient as staff know them."""

    id: int
    external_id: str
    kind: RecipientKind
    name: str
    preferred: Channel | None


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the consent ledger in full; `everyone`: about an address, whoever has it."""

    id: int
    given: bool
    source: str
    at: datetime
    channel: str | None
    purpose: str
    party: str | None
    by: str
    document: int | None
    everyone: bool


_PERSON = (_r.id, _r.external_id, _r.kind, _r.given_name, _r.family_name, _r.preferred)


def person(conn: Connection, clinic: int, name: str) -> Person | None:
    """Somebody by the id of the practice system, a client before staff; else by our own number.

    The id of a client who became another is that other's.
    """
    clients_first = case((_r.kind == RecipientKind.CLIENT.value, 0), else_=1)
    known = select(*_PERSON).where(_r.clinic == clinic, _r.external_id == name).order_by(clients_first)
    row = conn.execute(known.limit(1)).first()
    if row is None and (became := merging.find(conn, clinic, name)) is not None:
        row = conn.execute(select(*_PERSON).where(_r.clinic == clinic, _r.id == became)).first()
    if row is None and name.isascii() and name.isdigit() and len(name) < 18:
        row = conn.execute(select(*_PERSON).where(_r.clinic == clinic, _r.id == int(name))).first()
    return _person(row) if row else None


def person_of(conn: Connection, clinic: int, number: int) -> Person | None:
    """Somebody by our own number."""
    row = conn.execute(select(*_PERSON).where(_r.clinic == clinic, _r.id == number)).first()
    return _person(row) if row else None


def _person(row: Any) -> Person:
    wish = Channel(row.preferred) if row.preferred else None
    told = f"{row.given_name} {row.family_name}".strip()
    return Person(row.id, row.external_id, RecipientKind(row.kind), told, wish)


def latest(conn: Connection, clinic: int, who: int, most: int) -> list[int]:
    """The numbers of somebody's newest messages, the newest first."""
    query = select(_m.id).where(_m.clinic == clinic, _m.recipient == who)
    return list(conn.execute(query.order_by(_m.id.desc()).limit(most)).scalars())


def asked_again(conn: Connection, clinic: int, numbers: Collection[int]) -> list[Claimed]:
    """These messages as a dispatcher would look at them, claimed by nobody."""
    columns: tuple[Any, ...] = (
        _m.id,
        _m.broadcast,
        _m.recipient,
        _m.appointment,
        _m.address,
        _m.attempt,
        _m.charged,
        _m.due_at,
        _m.expires_at,
        _m.step,
    )
    query = select(*columns).where(_m.clinic == bindparam("c"), among(_m.id, "ids"))
    return [Claimed(*row) for row in conn.execute(query, {"c": clinic, "ids": list(numbers)})]


def lines(conn: Connection, clinic: int, numbers: Collection[int]) -> dict[int, Line]:
    """These entries of the ledger, by number."""
    about_address = (_s.recipient == literal_column("0")).label("everyone")
    columns = (_s.id, _s.given, _s.source, _s.at, _s.channel, _s.purpose, _s.party, _s.by, _s.document)
    query = select(*columns, about_address).where(_s.clinic == bindparam("c"), among(_s.id, "ids"))
    rows: Any = conn.execute(query, {"c": clinic, "ids": list(numbers)}).mappings() if numbers else ()
    return {row["id"]: Line(**row) for row in rows}
