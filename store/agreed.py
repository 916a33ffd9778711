"""Messages that were refused for want of consent wait again when it is given, to be judged anew."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Text,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    update,
)

from gateway.domain import Channel
from store import ends
from store.batch import Rows, among
from store.schema import broadcast, bundled, contact, message
from store.tables import Instant

_b, _k, _m, _o = bundled.c, contact.c, message.c, broadcast.c
# Who gave consent on which channel, none: on all.
Given = tuple[int, Channel | None]
# The same of an address.
GivenAt = tuple[str, Channel | None]

# The verdicts that an entry may change.
_REFUSED_FOR = ("no-consent", "no-contact-consent", "consent-withdrawn")
# What is about no day is told so long after its time at most: START is no request for old news.
_LATE = timedelta(days=1)

_given = Rows("given", person=BigInteger, channel=Text)
_now: ColumnElement[datetime] = bindparam("now", type_=Instant)
_is_wanted = exists().where(
    _o.clinic == _m.clinic,
    _o.id == _m.broadcast,
    _o.state != literal_column("'cancelled'"),
    or_(_m.appointment != literal_column("0"), _o.send_at > bindparam("since", type_=Instant)),
)
# "+ 0" keeps SQLite from looking the clinic up: the partial index on leases is the shorter way.
_CLAIMED = (
    update(message)
    .where(
        _m.state.in_([literal_column("'claimed'"), literal_column("'sending'")]),
        _m.state == literal_column("'claimed'"),
        _m.clinic + 0 == bindparam("c"),
        or_(
            among(_m.recipient, "people"),
            exists().where(_b.clinic == _m.clinic, _b.message == _m.id, among(_b.recipient, "people")),
        ),
    )
    .values(state=literal_column("'queued'"), lease_owner=None, lease_until=None)
)
_COMES_BACK = (
    update(message)
    .where(
        _m.clinic == bindparam("c"),
        _m.recipient == _given["person"],
        or_(_given["channel"].is_(None), _m.channel == _given["channel"]),
        # Said as the partial index says it.
        _m.state == literal_column("'refused'"),
        _m.reason.in_([literal_column(f"'{reason}'") for reason in _REFUSED_FOR]),
        _m.attempt == literal_column("0"),
        # Of two clients who became one, one is told.
        _m.step < _m.id,
        or_(ends.expires_at.is_(None), ends.expires_at > _now),
        _is_wanted,
    )
    .values(
        state=literal_column("'scheduled'"),
        due_at=_now,
        expires_at=ends.expires_at,
        reason=None,
        updated_at=_now,
    )
)
_asked = Rows("asked", address=Text, channel=Text)
_HOLDERS = (
    select(_k.recipient, _asked["channel"])
    .distinct()
    .select_from(_asked.table)
    .join(contact, _k.address == _asked["address"])
    .where(_k.clinic == bindparam("c"))
)


def follow(
    conn: Connection, clinic: int, given: Collection[Given], now: datetime, at: Collection[GivenAt] = ()
) -> None:
    """These people gave consent: what was refused for want of it is judged again, also what is claimed.

    `at`: what was given for an address counts for whoever has it.
    """
    words = set(given)
    if at:
        rows = conn.execute(_HOLDERS, {"c": clinic, "asked": [list(one) for one in at]})
        words.update((person, Channel(channel) if channel else None) for person, channel in rows)
    if words:
        # First: a verdict from before the entry must not end what it allows.
        conn.execute(_CLAIMED, {"c": clinic, "people": sorted({person for person, _ in words})})
        values = {"c": clinic, "given": [list(one) for one in words]}
        conn.execute(_COMES_BACK, values | {"now": now, "since": now - _LATE})
