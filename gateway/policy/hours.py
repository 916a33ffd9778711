"""When a door stands open, on the wall clock of a time zone; exact where clocks change (rules 1.10, 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.settings import WEEKDAYS, Span, Window

Week = tuple[tuple[Span, ...], ...]

_MIDNIGHT = time(0, 0)
ALL_DAY: tuple[Span, ...] = ((_MIDNIGHT, None),)
EVERY_DAY: Week = (ALL_DAY,) * 7
# Nothing waits for longer: what does not open in this time does not open.
_DAYS_AHEAD = 400
_MOST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of one day. `plain`: no clock changes in it."""

    day: date
    opens: time
    closes: time | None
    first: datetime
    again: datetime
    until: datetime
    plain: bool

    @classmethod
    def of(cls, day: date, span: Span, zone: ZoneInfo) -> Opening:
        """Times that a clock change skips move on with the clock; of two the first one counts."""
        opens, closes = span
        first = datetime.combine(day, opens, zone)
        ends = datetime.combine(day if closes else day + timedelta(days=1), closes or _MIDNIGHT, zone)
        again = first.replace(fold=1).astimezone(UTC)
        start, until = first.astimezone(UTC), ends.astimezone(UTC)
        plain = start == again and start.astimezone(zone).utcoffset() == until.astimezone(zone).utcoffset()
        return cls(day, opens, closes, start, max(start, again), until, plain)

    def earliest(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """The first moment of this opening that is not before `moment`."""
        if moment >= self.until:
            return None
        if self.plain:
            return max(moment, self.first)
        for one in (moment, self.first, self.again):
            if one >= moment and self._holds(one, zone):
                return one
        return None

    def _holds(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Open, and open by the wall clock too: it may show an hour again that was over or is to come."""
        local = moment.astimezone(zone)
        clock = local.time()
        return (
            self.first <= moment < self.until
            and local.date() == self.day
            and self.opens <= clock
            and (self.closes is None or clock < self.closes)
        )


@dataclass(frozen=True, eq=False)
class Hours:
    """A week of openings, and the days on which it stays closed all the same."""

    week: Week
    is_closed: Callable[[date], bool] | None = None
    _kept: dict[tuple[str, date], tuple[Opening, ...]] = field(default_factory=dict)
    _last: dict[str, Opening] = field(default_factory=dict)
    # A moment at which it was shut, and when it opens after that: it stays shut between the two.
    _shut: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    @property
    def is_always(self) -> bool:
        """Whether it never closes."""
        return self.week == EVERY_DAY and self.is_closed is None

    def next(self, moment: datetime, zone: ZoneInfo) -> datetime | None:
        """`moment` itself when it is open then, else when it opens next; None: not for more than a year."""
        last = self._last.get(zone.key)
        # Most of what is asked is about today.
        if last is not None and last.plain and last.first <= moment < last.until:
            return moment
        shut = self._shut.get(zone.key)
        if shut is not None and shut[0] <= moment < shut[1]:
            return shut[1]
        day = moment.astimezone(zone).date()
        for ahead in range(_DAYS_AHEAD):
            for opening in self._openings(day + timedelta(days=ahead), zone):
                found = opening.earliest(moment, zone)
                if found is not None:
                    self._last[zone.key] = opening
                    if found > moment:
                        self._shut[zone.key] = moment, found
                    return found
        return None

    def _openings(self, day: date, zone: ZoneInfo) -> tuple[Opening, ...]:
        key = zone.key, day
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            closed = self.is_closed is not None and self.is_closed(day)
            spans = () if closed else self.week[day.weekday()]
            kept = self._kept[key] = tuple(Opening.of(day, span, zone) for span in spans)
        return kept


def week_of(window: Window) -> Week:
    """The openings of a channel's window; one over midnight opens twice on each of its days."""
    spans: tuple[Span, ...]
    if window.opens == window.closes:
        spans = ALL_DAY
    elif window.closes == _MIDNIGHT:
        spans = ((window.opens, None),)
    elif window.opens < window.closes:
        spans = ((window.opens, window.closes),)
    else:
        spans = ((_MIDNIGHT, window.closes), (window.opens, None))
    return tuple(spans if day in window.days else () for day in WEEKDAYS)


def week_of_lines(lines: Iterable[tuple[int, Span]]) -> Week:
    """The openings that the lines of a region's table name."""
    days: list[list[Span]] = [[] for _ in WEEKDAYS]
    for day, span in lines:
        days[day].append(span)
    return tuple(tuple(sorted(spans, key=_opening_time)) for spans in days)


def _opening_time(span: Span) -> time:
    return span[0]


def next_opening(moment: datetime, window: Window, zone: ZoneInfo) -> datetime | None:
    """When a channel's window is open next, from `moment` on."""
    return Hours(week_of(window)).next(moment, zone)
