"""Which days of a rule are to be planned now, and which are stale; pure.

A rule goes either before what it is about (`offsets`: 7 days, 2 days, 3 hours before each appointment), a day
of appointments being one occurrence with a step for each offset; or again and again (`every`: daily, weekly,
monthly, or once), each of those days being one occurrence.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from gateway.domain import RingwellError
from gateway.domain.offsets import Offset, Timing, parse_offset
from gateway.policy import Rules
from gateway.policy.moments import USUAL_CLOCK, at, moment_before

# Days that were missed are looked for so far back.
LOOK_BACK = timedelta(days=31)
# So many days may lie between a day and the business day before it.
_MOST_SHIFT = 14
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ScheduleError(RingwellError):
    """A schedule cannot be kept."""


class Every(StrEnum):
    """How often a rule repeats."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a rule goes. `on`: a weekday, a day of the month (31: the last), or a date.

    A repeating rule is about the appointments, renewals or birthdays of `span` days, which begin `first` days
    after its own.
    """

    offsets: tuple[Offset, ...] = ()
    every: Every | None = None
    on: str = ""
    clock: time = USUAL_CLOCK
    business_days: bool = False
    first: int = 0
    span: int = 1


@dataclass(frozen=True, slots=True)
class Due:
    """An occurrence: when its first message goes, and the days that it is about; stale: it is too late."""

    day: date
    step: int
    goes_at: datetime
    starts_from: datetime
    starts_until: datetime
    timing: Timing | None
    stale: bool
    early: bool


def read(kept: Mapping[str, Any]) -> Schedule:
    """The schedule that is kept as JSON; raises ScheduleError or OffsetError."""
    try:
        every = Every(kept["every"]) if kept.get("every") else None
        found = Schedule(
            offsets=tuple(parse_offset(text) for text in kept.get("offsets", ())),
            every=every,
            on=str(kept.get("on", "")),
            clock=time.fromisoformat(kept.get("at", "10:00")),
            business_days=bool(kept.get("business_days", False)),
            first=int(kept.get("first", 0)),
            span=int(kept.get("span", 1)),
        )
    except ValueError as error:
        raise ScheduleError(f"the schedule cannot be read: {error}") from error
    _check(found)
    return found


def write(schedule: Schedule) -> dict[str, Any]:
    """The schedule as JSON."""
    if schedule.every is None:
        offsets = [str(offset) for offset in schedule.offsets]
        return {"offsets": offsets, "business_days": schedule.business_days}
    return {
        "every": schedule.every.value,
        "on": schedule.on,
        "at": f"{schedule.clock:%H:%M}",
        "business_days": schedule.business_days,
        "first": schedule.first,
        "span": schedule.span,
    }


def _check(schedule: Schedule) -> None:
    if bool(schedule.offsets) == (schedule.every is not None):
        raise ScheduleError("a rule goes either before something (7d, 2d, 3h) or every so often")
    lengths = [offset.about for offset in schedule.offsets]
    if any(later >= sooner for sooner, later in pairwise(lengths)):
        raise ScheduleError("the steps of a rule go from the longest time before to the shortest: 7d, 2d, 3h")
    if not 1 <= schedule.span <= 366 or not -31 <= schedule.first <= 366:
        raise ScheduleError("a rule is about 1 to 366 days, which begin at most 366 days later")
    match schedule.every:
        case Every.WEEKLY if schedule.on not in _WEEKDAYS:
            raise ScheduleError(f"a weekly rule wants a weekday: one of {', '.join(_WEEKDAYS)}")
        case Every.MONTHLY if not (schedule.on.isascii() and schedule.on.isdigit()):
            raise ScheduleError("a monthly rule wants a day of the month: 1 to 31 (31: the last)")
        case Every.MONTHLY if not 1 <= int(schedule.on) <= 31:
            raise ScheduleError("a monthly rule wants a day of the month: 1 to 31 (31: the last)")
        case Every.ONCE:
            _date(schedule.on)
        case _:
            pass


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ScheduleError("a rule for once wants its date, such as 2027-03-01") from error


def upcoming(
    schedule: Schedule,
    zone_name: str,
    created: datetime,
    now: datetime,
    rules: Rules,
    known: Collection[tuple[date, int]],
) -> list[Due]:
    """Occurrences that are not known yet, as they go one after the other: stale, to plan, or too early."""
    zone = ZoneInfo(zone_name)
    first = max(created.astimezone(zone).date(), (now - LOOK_BACK).astimezone(zone).date())
    if schedule.offsets:
        found = _before(schedule, first, created, now, zone, rules)
    else:
        # What had its time before there was a rule was never meant: so it is for those above, which show it.
        found = (due for due in _again(schedule, first, now, zone, rules) if due.goes_at >= created)
    return sorted(
        (due for due in found if (due.day, due.step) not in known),
        key=lambda due: (due.goes_at, due.day, due.step),
    )


def newest_only(found: Sequence[Due], now: datetime) -> list[Due]:
    """The same with those stale that a later one has overtaken: what is about no days is told once."""
    newest = max((due.goes_at for due in found if due.goes_at <= now), default=now)
    return [replace(due, stale=due.stale or due.goes_at < newest) for due in found]


def _before(
    schedule: Schedule, first: date, created: datetime, now: datetime, zone: ZoneInfo, rules: Rules
) -> Iterator[Due]:
    reach = max(offset.about for offset in schedule.offsets).days + _ahead(rules).days + 2
    last = now.astimezone(zone).date() + timedelta(days=reach + _MOST_SHIFT * schedule.business_days)
    for day in _days(first, last):
        for step, offset in enumerate(schedule.offsets):
            yield _step(schedule, day, step, offset, created, now, zone, rules)


def _step(
    schedule: Schedule,
    day: date,
    step: int,
    offset: Offset,
    created: datetime,
    now: datetime,
    zone: ZoneInfo,
    rules: Rules,
) -> Due:
    begins, ends = at(day, time(), zone), at(day + timedelta(days=1), time(), zone)
    following = next(iter(schedule.offsets[step + 1 :]), None)
    earliest, latest = _bounds(offset, begins, ends, schedule, zone, rules)
    stale = ends <= now or latest < created or _is_late(latest, now, rules)
    if following is not None:
        # When even the last appointment of the day has the next step's turn.
        stale = stale or _bounds(following, begins, ends, schedule, zone, rules)[1] <= now
    timing = Timing(offset, following, schedule.business_days)
    return Due(day, step, earliest, begins, ends, timing, stale, earliest > now + _ahead(rules))


def _bounds(
    offset: Offset, begins: datetime, ends: datetime, schedule: Schedule, zone: ZoneInfo, rules: Rules
) -> tuple[datetime, datetime]:
    """When the first and the last message of a day go at the earliest and at the latest."""
    last = ends - timedelta(microseconds=1)
    business = schedule.business_days
    earliest = moment_before(begins, offset, time(), zone, business, rules.is_business_day)
    latest = moment_before(last, offset, time(23, 59), zone, business, rules.is_business_day)
    return earliest, latest


def _again(schedule: Schedule, first: date, now: datetime, zone: ZoneInfo, rules: Rules) -> Iterator[Due]:
    last = (now + _ahead(rules)).astimezone(zone).date() + timedelta(days=_MOST_SHIFT)
    for day in _days(first, last):
        goes_on = _goes_on(schedule, day, rules)
        if goes_on is None:
            continue
        goes_at = at(goes_on, schedule.clock, zone)
        about = day + timedelta(days=schedule.first)
        starts = at(about, time(), zone), at(about + timedelta(days=schedule.span), time(), zone)
        early = goes_at > now + _ahead(rules)
        yield Due(day, 0, goes_at, *starts, None, _is_late(goes_at, now, rules), early)


def _goes_on(schedule: Schedule, day: date, rules: Rules) -> date | None:
    """When the messages of a day go; None: it is none of the schedule's, or it is left out."""
    if not _is_on(schedule, day):
        return None
    if not schedule.business_days or rules.is_business_day(day):
        return day
    if schedule.every is Every.DAILY:
        return None
    return next(one for one in _back(day) if rules.is_business_day(one) or day - one > LOOK_BACK)


@dataclass(frozen=True, slots=True)
class Going:
    """A day on which messages of a schedule go, the day that they are about, and which of its steps it is."""

    on: date
    about: date
    step: int
    offset: Offset | None = None


def goings(schedule: Schedule, first: date, last: date, zone_name: str, rules: Rules) -> list[Going]:
    """What goes from one day to another, for a calendar: whether there is anything to tell is not known."""
    found = _goings_again(schedule, first, last, rules)
    if schedule.offsets:
        found = _goings_before(schedule, first, last, ZoneInfo(zone_name), rules)
    return sorted((one for one in found if first <= one.on <= last), key=lambda one: (one.on, one.step))


def _goings_again(schedule: Schedule, first: date, last: date, rules: Rules) -> Iterator[Going]:
    for day in _days(first, last + timedelta(days=_MOST_SHIFT)):
        goes_on = _goes_on(schedule, day, rules) if schedule.every else None
        if goes_on is not None:
            yield Going(goes_on, day + timedelta(days=schedule.first), 0)


def _goings_before(
    schedule: Schedule, first: date, last: date, zone: ZoneInfo, rules: Rules
) -> Iterator[Going]:
    for step, offset in enumerate(schedule.offsets):
        for about in _days(first, last + timedelta(days=offset.about.days + 1 + _MOST_SHIFT)):
            # Of a step of some hours the usual hour of the day decides.
            noon, business = at(about, time(12), zone), rules.is_business_day
            moment = moment_before(noon, offset, USUAL_CLOCK, zone, schedule.business_days, business)
            yield Going(moment.astimezone(zone).date(), about, step, offset)


def _is_on(schedule: Schedule, day: date) -> bool:
    match schedule.every:
        case Every.WEEKLY:
            return _WEEKDAYS[day.weekday()] == schedule.on
        case Every.MONTHLY:
            return day.day == min(int(schedule.on), calendar.monthrange(day.year, day.month)[1])
        case Every.ONCE:
            return day == _date(schedule.on)
        case _:
            return True


def _back(day: date) -> Iterator[date]:
    while True:
        yield day
        day -= timedelta(days=1)


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _is_late(moment: datetime, now: datetime, rules: Rules) -> bool:
    return bool(rules.windows.planning.late_hours) and now > moment + timedelta(
        hours=rules.windows.planning.late_hours
    )


def _ahead(rules: Rules) -> timedelta:
    return timedelta(hours=rules.windows.planning.ahead_hours)


def told(schedule: Schedule) -> str:
    """The schedule in words."""
    business = " on business days" if schedule.business_days else ""
    if schedule.every is None:
        return ", ".join(str(offset) for offset in schedule.offsets) + f" before{business}"
    on = f" {schedule.on}" if schedule.on else ""
    return f"{schedule.every}{on} at {schedule.clock:%H:%M}{business}"


def parse_offsets(texts: Sequence[str]) -> tuple[Offset, ...]:
    """Offsets of a command line: `7d,2d@10:00` or several of them."""
    return tuple(parse_offset(part) for text in texts for part in text.split(",") if part.strip())
