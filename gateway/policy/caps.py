"""How often one client may be called and texted (rules 1.4): every attempt counts, in the client's days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.domain import Channel, Limit
from gateway.policy.zones import Zones

CAPPED = frozenset({Channel.VOICE, Channel.SMS})
# Days that a cap looks at: the one in question, or it and the six before it.
DAY, WEEK = 1, 7
_INSTANT = timedelta(microseconds=1)
ATTEMPTS = "attempts"


def counted_since(now: datetime) -> datetime:
    """No attempt before this moment falls into anybody's week."""
    return now - timedelta(days=WEEK + DAY)


@dataclass(frozen=True, slots=True)
class CapsGate:
    """Opens on a day with room: with fewer than `most` attempts in it and the days before, `days` in all.

    What a clock that is ahead dated later counts in a day, too.
    """

    contacted: Sequence[datetime]
    most: int
    days: int
    reason: str
    basis: str = ATTEMPTS

    def next(self, moment: datetime, zones: Zones) -> datetime | None:
        """See Gate; the day has room in every zone where the recipient may be."""
        for zone in zones:
            moment = self._free(moment, zone)
        return moment

    def _free(self, moment: datetime, zone: ZoneInfo) -> datetime:
        made = [one.astimezone(zone).date() for one in self.contacted]
        today = moment.astimezone(zone).date()
        later = (today + timedelta(days=ahead) for ahead in range(self.days))
        free = next((day for day in later if self._has_room(day, made)), today + timedelta(days=self.days))
        return moment if free == today else _midnight(free, zone)

    def _has_room(self, day: date, made: Sequence[date]) -> bool:
        first = self._first(day)
        return sum(one >= first for one in made) < self.most

    def _first(self, day: date) -> date:
        return day - timedelta(days=self.days - 1)

    def limits(self, moment: datetime, zones: Zones) -> Iterator[Limit]:
        """The same for the last look before a start: what may have been made since when."""
        for zone in zones:
            yield Limit(_midnight(self._first(moment.astimezone(zone).date()), zone), self.most)


@lru_cache(maxsize=1024)
def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class SpacingGate:
    """Opens when fewer than `most` attempts lie in the time `within` before the moment."""

    contacted: Sequence[datetime]
    most: int
    within: timedelta
    reason: str
    basis: str

    def next(self, moment: datetime, zones: Zones) -> datetime | None:
        """See Gate."""
        recent = sorted(one for one in self.contacted if one > moment - self.within)
        return moment if len(recent) < self.most else recent[-self.most] + self.within

    def limits(self, moment: datetime, zones: Zones) -> Iterator[Limit]:
        """The same for the last look before a start, which counts what is as old as its `since`."""
        yield Limit(moment - self.within + _INSTANT, self.most)
