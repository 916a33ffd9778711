"""Texts and mails to and from one address: what people write to us, our answers, and what staff write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, literal_column, or_, select, update

from gateway.domain import Channel, Direct, DirectKind, ReplyKind, ReplyPart, State
from store import ids
from store.batch import among
from store.outside import storable
from store.queue import in_states
from store.schema import broadcast, contact, conversation, direct, message, recipient, reply, reply_part
from store.upsert import insert_into

_c, _d, _m, _p, _r = conversation.c, direct.c, message.c, reply_part.c, reply.c
# Those that people write on.
_WRITTEN = (Channel.SMS.value, Channel.EMAIL.value)
# What a line is that was a key pressed in a call.
KEY = "key"
# A text whose parts do not all come in this time is read without the rest.
PARTS_TOGETHER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Heading:
    """A conversation in a list; `names` of the people who have the address."""

    id: int
    address: str
    names: tuple[str, ...]
    unread: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One text of a conversation; `kind` says what it is, `state` what became of one that we sent."""

    at: datetime
    ours: bool
    kind: str
    text: str
    state: str = ""
    message: int = 0
    by: str = ""


# --- what comes in ---


def heard(conn: Connection, clinic: int, address: str, at: datetime, *, unread: bool) -> None:
    """A reply came from an address; `unread`: a person must see it."""
    address = storable(address)
    _touch(conn, clinic, address, at)
    if unread:
        more = update(conversation).where(_c.clinic == clinic, _c.address == address)
        conn.execute(more.values(unread=_c.unread + 1))


def _touch(conn: Connection, clinic: int, address: str, at: datetime) -> None:
    mine = _c.clinic == clinic, _c.address == address
    if conn.execute(update(conversation).where(*mine).values(last_at=at)).rowcount:
        return
    number = ids.take(conn, clinic, "conversation")
    begin = insert_into(conn, conversation).values(
        clinic=clinic, id=number, address=address, unread=0, last_at=at
    )
    conn.execute(begin.on_conflict_do_nothing())


def keep_part(conn: Connection, clinic: int, part: ReplyPart) -> list[list[ReplyPart]]:
    """Keep a part of a long text; the texts to read now, with their parts.

    The text itself is one when this was the last part missing; an earlier one, whose reference is used again
    before it was whole, is read as far as it came. The parts stay for a while: a part whose acknowledgement
    was lost comes again, and is no new text.
    """
    mine = _text(clinic, storable(part.address), part.reference, part.total)
    values = {"clinic": clinic, "address": storable(part.address), "reference": part.reference}
    values |= {"total": part.total, "number": part.number, "octets": part.octets, "coding": part.coding}
    before = conn.execute(select(reply_part).where(*mine)).all()
    texts = []
    if _of_another_text(before, part):
        conn.execute(reply_part.delete().where(*mine))
        if len(before) < part.total:
            texts.append([_part(row) for row in before])
    kept = insert_into(conn, reply_part).values(**values, at=part.at).on_conflict_do_nothing()
    if not conn.execute(kept).rowcount:
        return texts
    rows = conn.execute(select(reply_part).where(*mine)).all()
    return [*texts, [_part(row) for row in rows]] if len(rows) == part.total else texts


def _of_another_text(before: Sequence[Any], part: ReplyPart) -> bool:
    """Whether the parts with this reference are of an earlier text: other words, or whole for long."""
    if any(row.number == part.number and row.octets != part.octets for row in before):
        return True
    return len(before) == part.total and max(row.at for row in before) < part.at - PARTS_TOGETHER


def late_parts(conn: Connection, clinic: int, now: datetime) -> list[list[ReplyPart]]:
    """The parts of texts that never became whole, which are kept no longer."""
    late = _p.clinic == clinic, _p.at < now - PARTS_TOGETHER
    key = (_p.address, _p.reference, _p.total)
    texts = conn.execute(select(*key, func.max(_p.at)).where(*late).group_by(*key)).all()
    found = []
    for address, reference, total, _ in texts:
        mine = _text(clinic, address, reference, total)
        rows = conn.execute(select(reply_part).where(*mine)).all()
        if max(row.at for row in rows) < now - PARTS_TOGETHER:
            conn.execute(reply_part.delete().where(*mine))
            if len(rows) < total:
                found.append([_part(row) for row in rows])
    return found


def _text(clinic: int, address: str, reference: int, total: int) -> tuple[ColumnElement[bool], ...]:
    """Which parts belong together."""
    return _p.clinic == clinic, _p.address == address, _p.reference == reference, _p.total == total


def _part(row: Any) -> ReplyPart:
    place = (row.reference, row.total, row.number)
    return ReplyPart(Channel.SMS, row.address, row.at, *place, row.octets, row.coding)


# --- what goes out ---


def write(
    conn: Connection, clinic: int, to: str, person: int, text: Direct, by: str, now: datetime, about: int = 0
) -> int:
    """Queue a text or a mail to an address; its message's number. `about`: the appointment it speaks of."""
    number = queue_direct(conn, clinic, channel_to(to), to, person, text, by, now, about)
    _touch(conn, clinic, to, now)
    return number


def channel_to(address: str) -> Channel:
    """How somebody with this address is written to."""
    return Channel.EMAIL if "@" in address else Channel.SMS


def queue_direct(
    conn: Connection,
    clinic: int,
    channel: Channel,
    to: str,
    person: int,
    text: Direct,
    by: str,
    now: datetime,
    about: int = 0,
) -> int:
    """Queue a message that belongs to no broadcast and, alone, to no conversation; its number."""
    number = ids.take(conn, clinic, "message")
    values = {"clinic": clinic, "id": number, "broadcast": 0, "recipient": person, "channel": channel}
    # The step makes it another message than any before: a plan's are numbered from 0.
    values |= {"appointment": about, "step": number, "address": to, "state": State.QUEUED.value}
    values |= {"due_at": now, "expires_at": text.expires_at, "attempt": 0, "charged": 0, "updated_at": now}
    conn.execute(message.insert().values(values))
    conn.execute(
        direct.insert().values(
            clinic=clinic, message=number, kind=text.kind, body=text.body, answers=text.answers, by=by
        )
    )
    return number


def cancel_waiting(conn: Connection, clinic: int, address: str, keep: DirectKind, now: datetime) -> None:
    """Nothing that waits for this address outside broadcasts leaves any more, but the answer to that wish."""
    kept = exists().where(_d.clinic == _m.clinic, _d.message == _m.id, _d.kind == keep.value)
    conn.execute(
        update(message)
        .where(
            _m.clinic == clinic,
            _m.address == address,
            _m.broadcast == 0,
            in_states((State.SCHEDULED, State.QUEUED, State.CLAIMED)),
            ~kept,
        )
        .values(
            state=State.CANCELLED.value,
            reason="consent-withdrawn",
            lease_owner=None,
            lease_until=None,
            updated_at=now,
        )
    )


def answered(
    conn: Connection,
    clinic: int,
    address: str,
    kinds: Collection[DirectKind],
    since: datetime,
    about: int | None = None,
) -> DirectKind | None:
    """The kind of the newest answer of these kinds to an address; `about`: only of this appointment."""
    query = (
        select(_d.kind)
        .join(message, (_m.clinic == _d.clinic) & (_m.id == _d.message))
        .where(_m.clinic == clinic, _m.address == address, _m.broadcast == 0, _m.due_at >= since)
        .where(_d.kind.in_([kind.value for kind in kinds]), _m.state != literal_column("'cancelled'"))
    )
    if about is not None:
        query = query.where(_m.appointment == about)
    found = conn.execute(query.order_by(_d.message.desc()).limit(1)).scalar()
    return DirectKind(found) if found else None


_DIRECTS = (
    select(_d.message, _d.kind, _d.body, _d.answers, _m.expires_at)
    .join(message, (_m.clinic == _d.clinic) & (_m.id == _d.message))
    .where(_d.clinic == bindparam("c"), among(_d.message, "ids"))
)


def directs(conn: Connection, clinic: int, messages: Collection[int]) -> dict[int, Direct]:
    """The texts of these messages that belong to no broadcast."""
    rows = conn.execute(_DIRECTS, {"c": clinic, "ids": list(messages)}) if messages else ()
    return {row[0]: Direct(DirectKind(row[1]), row[2], row[3], row[4]) for row in rows}


def last_wish(conn: Connection, clinic: int, address: str) -> bool | None:
    """What an address of nobody we know asked for last: True texts, False none, None neither."""
    query = select(_r.kind).where(
        # Strangers have no visit with us: what they cancel is our texts.
        _r.clinic == clinic,
        _r.address == address,
        _r.kind.in_(["opt-out", "opt-in", "cancel"]),
    )
    found = conn.execute(query.order_by(_r.at.desc(), _r.id.desc()).limit(1)).scalar()
    return None if found is None else found == "opt-in"


def latest_reply(conn: Connection, clinic: int, address: str, since: datetime) -> int | None:
    """The newest text or mail from an address since then."""
    mine = _r.clinic == clinic, _r.address == address, _r.channel.in_(_WRITTEN), _r.at >= since
    found = conn.execute(select(_r.id).where(*mine).order_by(_r.at.desc(), _r.id.desc()).limit(1)).scalar()
    return None if found is None else int(found)


# --- what people see ---


def listing(
    conn: Connection, clinic: int, *, unread: bool = False, before: datetime | None = None, most: int = 50
) -> list[Heading]:
    """Conversations, the newest first; only those that wait for a person with `unread`."""
    query = select(_c.id, _c.address, _c.unread, _c.last_at).where(_c.clinic == clinic)
    if unread:
        query = query.where(_c.unread > 0)
    if before is not None:
        query = query.where(_c.last_at < before)
    rows = conn.execute(query.order_by(_c.last_at.desc(), _c.id.desc()).limit(most)).all()
    names = names_at(conn, clinic, [row.address for row in rows])
    return [Heading(row.id, row.address, names.get(row.address, ()), row.unread, row.last_at) for row in rows]


def unread(conn: Connection, clinic: int) -> int:
    """How many replies wait for a person."""
    found = conn.execute(select(func.sum(_c.unread)).where(_c.clinic == clinic, _c.unread > 0)).scalar()
    return int(found or 0)


def find(conn: Connection, clinic: int, number: int) -> Heading | None:
    """One conversation."""
    return _one(conn, clinic, _c.id == number)


def with_address(conn: Connection, clinic: int, address: str) -> Heading | None:
    """The conversation with an address."""
    return _one(conn, clinic, _c.address == address)


def _one(conn: Connection, clinic: int, which: ColumnElement[bool]) -> Heading | None:
    query = select(_c.id, _c.address, _c.unread, _c.last_at).where(_c.clinic == clinic, which)
    row = conn.execute(query).first()
    if row is None:
        return None
    names = names_at(conn, clinic, [row.address])
    return Heading(row.id, row.address, names.get(row.address, ()), row.unread, row.last_at)


def names_at(conn: Connection, clinic: int, addresses: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The names of the people who have each of these addresses."""
    k, person = contact.c, recipient.c
    rows = conn.execute(
        select(k.address, person.given_name, person.family_name)
        .distinct()
        .join(recipient, (person.clinic == k.clinic) & (person.id == k.recipient))
        .where(k.clinic == clinic, k.address.in_(addresses))
        .order_by(person.family_name, person.given_name)
    )
    names: dict[str, tuple[str, ...]] = {}
    for address, given, family in rows:
        names[address] = (*names.get(address, ()), f"{given} {family}".strip())
    return names


def lines(conn: Connection, clinic: int, address: str, most: int = 200) -> list[Line]:
    """The newest texts to and from an address, oldest first; those of broadcasts by the broadcast's name.

    Beside them a key that cancelled an appointment, of the kind `key`.
    """
    theirs = conn.execute(
        select(_r.at, _r.kind, _r.text, _r.channel)
        .where(_r.clinic == clinic, _r.address == address)
        .where(or_(_r.channel.in_(_WRITTEN), _r.kind == ReplyKind.CANCEL.value))
        .order_by(_r.at.desc())
        .limit(most)
    )
    found = [Line(row.at, False, row.kind if row.channel in _WRITTEN else KEY, row.text) for row in theirs]
    b = broadcast.c
    ours = conn.execute(
        select(_m.id, _m.started_at, _m.due_at, _m.state, _m.broadcast, _d.kind, _d.body, _d.by, b.name)
        .select_from(
            message.outerjoin(direct, (_d.clinic == _m.clinic) & (_d.message == _m.id)).outerjoin(
                broadcast, (b.clinic == _m.clinic) & (b.id == _m.broadcast)
            )
        )
        .where(_m.clinic == clinic, _m.address == address, _m.channel.in_(_WRITTEN))
        .where(or_(_m.started_at.is_not(None), _m.broadcast == 0))
        .order_by(_m.id.desc())
        .limit(most)
    )
    for row in ours:
        kind, text = (row.kind, row.body) if row.kind else ("broadcast", row.name or "")
        at = row.started_at or row.due_at
        found.append(Line(at, True, kind, text, row.state, row.id, row.by or ""))
    return sorted(found, key=lambda line: line.at)[-most:]


def mark_read(conn: Connection, clinic: int, number: int, now: datetime) -> None:
    """Somebody has read the conversation, up to now."""
    found = find(conn, clinic, number)
    if found is not None:
        waiting = _r.clinic == clinic, _r.address == found.address, _r.read_at.is_(None)
        conn.execute(update(reply).where(*waiting).values(read_at=now))
        conn.execute(update(conversation).where(_c.clinic == clinic, _c.id == number).values(unread=0))
