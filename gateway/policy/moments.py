"""When a message goes, and from when on it is too late for it (rules 2.3). Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.domain import Facts
from gateway.domain.offsets import Offset, Timing
from gateway.policy import cascade
from gateway.policy.rules import Rules

# What is about a whole day and names no clock time goes at this one.
USUAL_CLOCK = time(10)
# No clinic is closed for longer than this without a business day.
_MOST_CLOSED = 60
_INSTANT = timedelta(microseconds=1)

IsOpen = Callable[[date], bool]
# The first moment from the given one on at which a message may go; None: there is none.
Opens = Callable[[datetime], datetime | None]


def send_time(facts: Facts, is_open: IsOpen) -> datetime:
    """When the message goes: at the broadcast's time, or as long before what it is about as that says."""
    timing = facts.broadcast.timing
    if timing is None:
        return facts.broadcast.send_at
    return _time_of(facts, timing.offset, timing, is_open) or facts.broadcast.send_at


def is_before_its_rule(facts: Facts, is_open: IsOpen) -> bool:
    """Whether its moment was before there was its rule, which never meant it: another may have told it."""
    order = facts.broadcast
    if order.rule is None or order.rule_since is None or facts.tried:
        return False
    return send_time(facts, is_open) < order.rule_since


def stale_from(facts: Facts, now: datetime, rules: Rules, opens: Opens) -> datetime | None:
    """From when on its moment is long past, or the next step of the sequence has its own; None: never.

    While that is to come it may be told too early, as `opens` is asked only when it matters: when every other
    rule let it go first. Only of what plans by itself, is counted back, or was ordered for later: whoever
    orders one for a moment that has passed wants it sent.
    """
    order = facts.broadcast
    if order.timing is None and order.rule is None and not order.is_for_later:
        return None
    found = [_late_from(facts, now, rules, opens), _next_time(facts, rules.is_business_day)]
    return min((moment for moment in found if moment is not None), default=None)


def _late_from(facts: Facts, now: datetime, rules: Rules, opens: Opens) -> datetime | None:
    late = timedelta(hours=rules.windows.planning.late_hours)
    # Attempts that follow another have waits of their own.
    if not late or facts.tried:
        return None
    moment = send_time(facts, rules.is_business_day)
    # A later step of a cascade is late from its own turn, if it has one.
    moment = max(moment, cascade.turn(facts, now, rules.windows.cascade) or moment)
    late_from = moment + late + _INSTANT
    if now < late_from:
        return late_from
    opened = opens(moment)
    return late_from if opened is None else opened + late + _INSTANT


def _next_time(facts: Facts, is_open: IsOpen) -> datetime | None:
    timing = facts.broadcast.timing
    if timing is None or timing.following is None:
        return None
    return _time_of(facts, timing.following, timing, is_open)


def moment_of(facts: Facts) -> tuple[datetime, int]:
    """Where a visit stands among others."""
    visit = facts.appointment
    return (visit.starts_at, visit.id) if visit else (facts.broadcast.send_at, 0)


def _time_of(facts: Facts, offset: Offset, timing: Timing, is_open: IsOpen) -> datetime | None:
    zone = ZoneInfo(facts.broadcast.zone)
    if facts.appointment is not None:
        starts_at = facts.appointment.starts_at
        clock = starts_at.astimezone(zone).time()
    elif facts.occasion is not None:
        starts_at, clock = facts.occasion.starts_at, USUAL_CLOCK
    else:
        return None
    return moment_before(starts_at, offset, clock, zone, timing.business_days, is_open)


def moment_before(
    starts_at: datetime, offset: Offset, clock: time, zone: ZoneInfo, business_days: bool, is_open: IsOpen
) -> datetime:
    """The moment (UTC) so long before `starts_at`; `clock` where the offset names no time of day."""
    if offset.days is None:
        local = (starts_at - offset.ahead).astimezone(zone)
        if not business_days or is_open(local.date()):
            return starts_at - offset.ahead
        day, clock = local.date(), local.time()
    else:
        day = starts_at.astimezone(zone).date() - timedelta(days=offset.days)
        clock = offset.clock or clock
    return at(_open_day(day, is_open) if business_days else day, clock, zone)


def at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """A clock time of a day (UTC); one that a clock change skips moves on, of two the first is taken."""
    return datetime.combine(day, clock.replace(tzinfo=None, fold=0), zone).astimezone(UTC)


def _open_day(day: date, is_open: IsOpen) -> date:
    """The day itself, or the business day before it."""
    found = (day - timedelta(days=back) for back in range(_MOST_CLOSED))
    return next((one for one in found if is_open(one)), day)
