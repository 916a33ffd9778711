"""How often numbers were called and texted, and who has room for one more, however many gateways ask."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import BigInteger, Connection, Text, bindparam, func, literal_column, select, union_all

from gateway.domain import Limited
from store.batch import Rows
from store.schema import attempt, message
from store.tables import Instant

_m, _t = message.c, attempt.c
_numbers = Rows("numbers", address=Text)
_on_call = (
    _m.clinic == bindparam("c"),
    _m.address == _numbers["address"],
    # The words of the partial index on what was sent.
    _m.started_at.is_not(None),
    _m.started_at >= bindparam("since", type_=Instant),
    _m.channel.in_([literal_column("'voice'"), literal_column("'sms'")]),
)
_MADE = union_all(
    select(_m.address, _t.started_at).where(
        *_on_call,
        _t.clinic == _m.clinic,
        _t.message == _m.id,
        _t.started_at >= bindparam("since", type_=Instant),
        _t.charged,
    ),
    # Under way, and not on record yet.
    select(_m.address, _m.started_at).where(*_on_call, _m.state == literal_column("'sending'")),
)
# In one order for everybody: two starts that share numbers wait for each other, but not in a circle.
_key = func.hashtextextended(_numbers["address"], bindparam("c", type_=BigInteger)).label("key")
_keys = select(_key).select_from(_numbers.table).distinct().order_by(_key).subquery()
_LOCK = select(func.pg_advisory_xact_lock(_keys.c.key))


def contacts_made(
    conn: Connection, clinic: int, numbers: Collection[str], since: datetime
) -> dict[str, list[datetime]]:
    """When these numbers were called and texted since then, attempts of every kind that count."""
    values = {"c": clinic, "numbers": [(number,) for number in numbers], "since": since}
    made: dict[str, list[datetime]] = {}
    for address, moment in conn.execute(_MADE, values) if numbers else ():
        made.setdefault(address, []).append(moment)
    return made


def hold(conn: Connection, clinic: int, limited: Iterable[Limited]) -> None:
    """Nobody else starts anything limited to these numbers until this transaction ends.

    To be called before the transaction waits for anything else. On SQLite there is but one writer at a time.
    """
    if conn.dialect.name != "postgresql":
        return
    if numbers := _numbers_of(limited):
        conn.execute(_LOCK, {"c": clinic, "numbers": [(number,) for number in numbers]}).all()


def without_room(conn: Connection, clinic: int, limited: Mapping[int, Limited], now: datetime) -> set[int]:
    """Which of these messages would be one too many; those that are not count for the ones after them."""
    if not limited:
        return set()
    everybody = [one for told in limited.values() for one in told.everybody]
    since = min((limit.since for one in everybody for limit in one.limits), default=now)
    made = contacts_made(conn, clinic, _numbers_of(limited.values()), since)
    full = set()
    for number, told in limited.items():
        if all(_has_room(one, made) for one in told.everybody):
            made.setdefault(told.address, []).append(now)
        else:
            full.add(number)
    return full


def _numbers_of(limited: Iterable[Limited]) -> set[str]:
    return {number for told in limited for one in told.everybody for number in one.numbers}


def _has_room(one: Limited, made: Mapping[str, Collection[datetime]]) -> bool:
    theirs = [moment for number in one.numbers if number in made for moment in made[number]]
    if not theirs:
        return True
    return all(sum(moment >= limit.since for moment in theirs) < limit.most for limit in one.limits)
