"""Stop-all: while a stop is not lifted, no gateway starts anything of what it covers (store.queue.start)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from gateway.domain import Channel
from store import ids
from store.outside import storable
from store.schema import stop

_s = stop.c


@dataclass(frozen=True, slots=True)
class Stop:
    """Why, by whom and since when; `channel` None: all of them. `hang_up`: calls under way are ended."""

    id: int
    channel: Channel | None
    reason: str
    by: str
    hang_up: bool
    since: datetime

    def covers(self, channel: Channel) -> bool:
        """Whether it stops this channel."""
        return self.channel in (None, channel)


def order(
    conn: Connection, clinic: int, channel: Channel | None, reason: str, by: str, hang_up: bool, now: datetime
) -> int:
    """Stop a channel, or all; its number."""
    number = ids.take(conn, clinic, "stop")
    values = {"channel": channel and channel.value, "reason": storable(reason), "by": storable(by)}
    conn.execute(stop.insert().values(clinic=clinic, id=number, hang_up=hang_up, since=now, **values))
    return number


def lift(conn: Connection, clinic: int, channel: Channel | None, by: str, now: datetime) -> int:
    """End the stops of this channel, or all; how many there were.

    A stop of all channels is not ended for one of them.
    """
    wanted = [_s.clinic == clinic, _s.lifted_at.is_(None)]
    if channel is not None:
        wanted.append(_s.channel == channel.value)
    return conn.execute(update(stop).where(*wanted).values(lifted_at=now, lifted_by=storable(by))).rowcount


def current(conn: Connection, clinic: int) -> list[Stop]:
    """The stops that hold, oldest first."""
    columns = (_s.id, _s.channel, _s.reason, _s.by, _s.hang_up, _s.since)
    held = select(*columns).where(_s.clinic == clinic, _s.lifted_at.is_(None)).order_by(_s.id)
    return [Stop(id, Channel(on) if on else None, *rest) for id, on, *rest in conn.execute(held)]
