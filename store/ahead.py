"""Messages that will be due soon, for whoever prepares them ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select

from gateway.domain import DUE_STATES, Channel
from store.queue import in_states
from store.schema import message

_m = message.c


@dataclass(frozen=True, slots=True)
class Soon:
    """A message that will be due; nothing holds it."""

    id: int
    broadcast: int
    recipient: int
    appointment: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """Due after `now` until `until`; an earlier look saw those due until `seen`, numbered below `first`."""

    now: datetime
    until: datetime
    seen: datetime
    first: int


def soon(
    conn: Connection,
    clinic: int,
    channel: Channel,
    stretch: Stretch,
    last: tuple[datetime, int] | None,
    most: int,
) -> list[Soon]:
    """A page of these messages by due time; `last` is where the page before it ended."""
    query = select(_m.id, _m.broadcast, _m.recipient, _m.appointment, _m.due_at).where(
        _m.clinic == clinic,
        _m.channel == channel.value,
        _m.due_at > stretch.now,
        _m.due_at <= stretch.until,
        or_(_m.due_at > stretch.seen, _m.id >= stretch.first),
        in_states(DUE_STATES),
    )
    if last is not None:
        moment, number = last
        query = query.where(
            _m.due_at >= moment, or_(_m.due_at > moment, and_(_m.due_at == moment, _m.id > number))
        )
    return [Soon(*row) for row in conn.execute(query.order_by(_m.due_at, _m.id).limit(most))]
