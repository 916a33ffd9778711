"""The form of a repeating rule, its schedule in words, and the month of rules. Touches nothing."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from gateway import schedule
from gateway.domain import Channel, MessageType
from gateway.domain.offsets import Offset, parse_offset
from gateway.ordering import BroadcastError
from gateway.policy import Rules
from gateway.schedule import Every, Schedule
from store.rules import Made, Rule

Say = Callable[[str], str]

BEFORE = "before"
REPEATS: Mapping[str, str] = {
    BEFORE: "Before each appointment, renewal or birthday",
    Every.DAILY: "Daily",
    Every.WEEKLY: "Weekly",
    Every.MONTHLY: "Monthly",
    Every.ONCE: "Once",
}
WEEKDAYS: Mapping[str, str] = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
UNITS: Mapping[str, str] = {"d": "days", "h": "hours", "m": "minutes"}
NO_STEP = "Say how long before: at least one time, such as 2 days at 10:00."
NO_NUMBER = "Days are numbers: from 0 to 366 later, and 1 to 366 of them."
TAKEN = "There is a rule of this name already: choose another name."
NO_NAME = "Give the rule a name."
NO_TIME = "Choose a time, such as 10:00."
WRONG = (NO_STEP, NO_NUMBER, TAKEN, NO_NAME, NO_TIME)
# How a schedule is told.
DAY_AT, DAYS_AT = "1 day at %(clock)s", "%(n)s days at %(clock)s"
DAY, DAYS, HOUR, HOURS, MINUTES = "1 day", "%(n)s days", "1 hour", "%(n)s hours", "%(n)s minutes"
TOLD_BEFORE = "%(steps)s before"
TOLD_DAILY, TOLD_WEEKLY = "daily at %(clock)s", "%(day)s at %(clock)s"
TOLD_MONTHLY, TOLD_ONCE = "monthly on day %(day)s at %(clock)s", "once on %(day)s at %(clock)s"
BUSINESS = "%(told)s, on business days"
TOLD = (DAY_AT, DAYS_AT, DAY, DAYS, HOUR, HOURS, MINUTES, TOLD_BEFORE)
TOLD_EVERY = (TOLD_DAILY, TOLD_WEEKLY, TOLD_MONTHLY, TOLD_ONCE, BUSINESS)
STEPS = 3


@dataclass(frozen=True, slots=True)
class Before:
    """A time before, as it was typed; no count: none."""

    count: str = ""
    unit: str = "d"
    clock: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """The form."""

    name: str = ""
    type: MessageType = MessageType.UPCOMING_APPOINTMENTS
    list_name: str = ""
    channel: Channel = Channel.SMS
    only_preference: bool = True
    template: str = ""
    repeat: str = BEFORE
    before: tuple[Before, ...] = (Before("7", "d", "10:00"), Before("2", "d", "10:00"), Before())
    weekday: str = "mon"
    month_day: str = "1"
    on_date: str = ""
    clock: str = "10:00"
    first: str = "1"
    span: str = "1"
    business_days: bool = False
    bundle: bool = False


def typed(form: Mapping[str, str]) -> Typed:
    """What was sent; what makes no sense is as it opens."""
    kind, on = form.get("type", ""), form.get("channel", "")
    return Typed(
        name=form.get("name", "").strip()[:64],
        type=MessageType(kind) if kind in list(MessageType) else MessageType.UPCOMING_APPOINTMENTS,
        list_name=form.get("list", ""),
        channel=Channel(on) if on in list(Channel) else Channel.SMS,
        only_preference=bool(form.get("only_preference")),
        template=form.get("template", ""),
        repeat=form.get("repeat", BEFORE) if form.get("repeat") in REPEATS else BEFORE,
        before=tuple(_before(form, number) for number in range(STEPS)),
        weekday=form.get("weekday", "mon") if form.get("weekday") in WEEKDAYS else "mon",
        month_day=form.get("month_day", "1")[:2],
        on_date=form.get("on_date", "")[:10],
        clock=form.get("clock", "10:00")[:5],
        first=form.get("first", "1")[:3],
        span=form.get("span", "1")[:3],
        business_days=bool(form.get("business_days")),
        bundle=bool(form.get("bundle")),
    )


def _before(form: Mapping[str, str], number: int) -> Before:
    unit = form.get(f"unit{number}", "d")
    return Before(
        form.get(f"count{number}", "")[:3],
        unit if unit in UNITS else "d",
        form.get(f"clock{number}", "")[:5],
    )


def schedule_of(form: Typed) -> Schedule:
    """The schedule of a form; BroadcastError, OffsetError or ScheduleError say what to correct."""
    if form.repeat == BEFORE:
        offsets = [parse_offset(_written(one)) for one in form.before if one.count]
        if not offsets:
            raise BroadcastError(NO_STEP)
        ordered = tuple(sorted(offsets, key=lambda one: one.about, reverse=True))
        return Schedule(offsets=ordered, business_days=form.business_days)
    every = Every(form.repeat)
    on = {Every.WEEKLY: form.weekday, Every.MONTHLY: form.month_day, Every.ONCE: form.on_date}
    if not (form.first.isascii() and form.first.isdigit() and form.span.isascii() and form.span.isdigit()):
        raise BroadcastError(NO_NUMBER)
    try:
        clock = time.fromisoformat(form.clock).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError as error:
        raise BroadcastError(NO_TIME) from error
    about = int(form.first), int(form.span)
    return Schedule((), every, on.get(every, ""), clock, form.business_days, *about)


def _written(one: Before) -> str:
    return f"{one.count}{one.unit}" + (f"@{one.clock}" if one.unit == "d" and one.clock else "")


def told(kept: Schedule, say: Say) -> str:
    """When a rule goes, in the language of the screen."""
    text = _told(kept, say)
    return say(BUSINESS) % {"told": text} if kept.business_days else text


def _told(kept: Schedule, say: Say) -> str:
    if kept.every is None:
        return say(TOLD_BEFORE) % {"steps": ", ".join(step_told(one, say) for one in kept.offsets)}
    clock = f"{kept.clock:%H:%M}"
    match kept.every:
        case Every.DAILY:
            return say(TOLD_DAILY) % {"clock": clock}
        case Every.WEEKLY:
            return say(TOLD_WEEKLY) % {"day": say(WEEKDAYS[kept.on]), "clock": clock}
        case Every.MONTHLY:
            return say(TOLD_MONTHLY) % {"day": kept.on, "clock": clock}
    return say(TOLD_ONCE) % {"day": kept.on, "clock": clock}


def step_told(offset: Offset, say: Say) -> str:
    """One time before."""
    if offset.days is not None:
        values = {"n": offset.days, "clock": f"{offset.clock:%H:%M}" if offset.clock else ""}
        if offset.clock:
            return say(DAY_AT if offset.days == 1 else DAYS_AT) % values
        return say(DAY if offset.days == 1 else DAYS) % values
    minutes = int(offset.ahead.total_seconds()) // 60
    if minutes % 60:
        return say(MINUTES) % {"n": minutes}
    return say(HOUR if minutes == 60 else HOURS) % {"n": minutes // 60}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a day of the calendar shows: a broadcast that was planned, or one that will be."""

    rule: int
    name: str
    told: str
    broadcast: int = 0
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar."""

    on: date
    entries: Sequence[Entry] = ()
    of_month: bool = True
    today: bool = False


@dataclass(frozen=True, slots=True)
class Month:
    """A month in weeks from Monday on."""

    first: date
    weeks: Sequence[Sequence[Day]] = field(default_factory=tuple)

    @property
    def before(self) -> str:
        """The month before, as its address names it."""
        return f"{self.first - timedelta(days=1):%Y-%m}"

    @property
    def after(self) -> str:
        """The month after."""
        return f"{self.first + timedelta(days=31):%Y-%m}"


def month_of(text: str, today: date) -> date:
    """The first day of the month that an address names; of this month where it names none that is shown."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return today.replace(day=1)
    near = abs((found.year - today.year) * 12 + found.month - today.month) <= 24
    return found if near else today.replace(day=1)


def month(
    first: date,
    now: datetime,
    zone_name: str,
    judged_by: Rules,
    rules: Sequence[Rule],
    made: Sequence[tuple[date, Made]],
    say: Say,
) -> Month:
    """The month with what was planned, and from today on what rules that are on will plan beside it."""
    today = now.date()
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    entries: dict[date, list[Entry]] = {}
    taken: set[tuple[int, date]] = set()
    for on, one in made:
        taken.add((one.rule, on))
        found = Entry(one.rule, one.name, "", one.broadcast, one.state == "cancelled")
        entries.setdefault(on, []).append(found)
    for rule in rules:
        for on, told_step in _coming(rule, max(first, today), last, zone_name, judged_by, say):
            if (rule.id, on) not in taken:
                entries.setdefault(on, []).append(Entry(rule.id, rule.name, told_step))
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    days = [
        [Day(on, entries.get(on, ()), on.month == first.month, on == today) for on in week] for week in weeks
    ]
    return Month(first, days)


def _coming(
    rule: Rule, first: date, last: date, zone_name: str, judged_by: Rules, say: Say
) -> Iterator[tuple[date, str]]:
    if not rule.enabled or first > last:
        return
    kept = schedule.read(rule.schedule)
    for one in schedule.goings(kept, first, last, zone_name, judged_by):
        yield one.on, step_told(one.offset, say) if one.offset else f"{kept.clock:%H:%M}"
