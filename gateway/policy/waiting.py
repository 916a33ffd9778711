"""When a message may go that may go at all: the earliest moment that suits every rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from gateway.domain import BroadcastClass, Channel, Facts, RecipientKind, State
from gateway.policy import cascade
from gateway.policy.caps import CAPPED, DAY, WEEK, CapsGate, SpacingGate
from gateway.policy.exempt import BY_HEALTHCARE
from gateway.policy.gates import Gate, HoursGate, Wait, wait_at
from gateway.policy.moments import is_before_its_rule, send_time, stale_from
from gateway.policy.rules import Rules
from gateway.policy.schedule import row_of
from gateway.policy.subject import expiry, resting_on
from gateway.policy.verdict import Allow, Defer, Refuse, Verdict
from gateway.policy.zones import zones_of


def when(facts: Facts, channel: Channel, now: datetime, rules: Rules, agreed: Allow) -> Verdict:
    """`agreed` at a moment that suits every rule, else until when it waits, or that it would be too late."""
    zones = zones_of(facts, rules.windows.zone_order, rules.clinic_zone)
    if not zones:
        return Refuse("unknown-time-zone", basis="client")
    gates = [*_gates(facts, channel, rules, agreed)]

    def opens(moment: datetime) -> datetime | None:
        wait = wait_at(gates, moment, zones)
        return wait.until if wait else moment

    if is_before_its_rule(facts, rules.is_business_day):
        return Refuse("stale", State.EXPIRED, f"rule:{facts.broadcast.rule}")
    stale = stale_from(facts, now, rules, opens)
    if stale is not None and now >= stale:
        return Refuse("stale", State.EXPIRED, "setting:policy.planning.late_hours")
    earlier = cascade.held_until(facts, now, rules.windows.cascade)
    start = max(now, send_time(facts, rules.is_business_day), earlier or now)
    wait = wait_at(gates, start, zones)
    until = wait.until if wait else start
    if until is None or until >= expiry(facts):
        return _too_late(facts, wait, earlier)
    if wait is not None:
        return Defer(until, wait.gate.reason, wait.gate.basis)
    if start > now:
        reason = "earlier-step" if start == earlier else "broadcast-time"
        return Defer(start, reason, f"broadcast:{facts.broadcast.id}")
    if facts.stop is not None:
        return Defer(now + _LOOK_AGAIN, "stopped", f"stop:{facts.stop}")
    ends = min(_minute_end(now), expiry(facts))
    return Allow(agreed.basis, min(ends, stale) if stale else ends)


# Hours open and close, and days begin, on whole minutes in every zone.
_MINUTE = timedelta(minutes=1)


def _minute_end(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0) + _MINUTE


# A stop has no end that is known: whoever does not wait at the dispatcher's gate looks again after this time.
_LOOK_AGAIN = timedelta(minutes=1)


def _too_late(facts: Facts, wait: Wait | None, earlier: datetime | None) -> Defer | Refuse:
    if earlier:
        # In time only if the step before it ends without an effect: then it is judged again.
        return Defer(expiry(facts), "only-if-earlier-fails", f"broadcast:{facts.broadcast.id}")
    by_hours = wait is None or isinstance(wait.gate, HoursGate)
    reason = "window-after-expiry" if by_hours else "cap-after-expiry"
    return Refuse(reason, State.EXPIRED, wait.gate.basis if wait else resting_on(facts))


def _gates(facts: Facts, channel: Channel, rules: Rules, agreed: Allow) -> Iterator[Gate]:
    is_emergency = facts.broadcast.broadcast_class is BroadcastClass.EMERGENCY
    if not (is_emergency and rules.windows.emergencies_any_time):
        yield from rules.hours(channel, facts.recipient.region or rules.clinic_region)
    if facts.contacted:
        yield from caps_on(facts, channel, rules, agreed.basis)


def caps_on(facts: Facts, channel: Channel, rules: Rules, basis: str) -> Iterator[CapsGate | SpacingGate]:
    """The caps that bind a message which rests on `basis`: they protect clients, emergencies come first."""
    is_emergency = facts.broadcast.broadcast_class is BroadcastClass.EMERGENCY
    if is_emergency or channel not in CAPPED or facts.recipient.kind is not RecipientKind.CLIENT:
        return
    contacted, caps, special = facts.contacted, rules.windows.caps, rules.windows.no_consent
    if caps.a_day:
        yield CapsGate(contacted, caps.a_day, DAY, "day-cap")
    if caps.a_week:
        yield CapsGate(contacted, caps.a_week, WEEK, "week-cap")
    if basis == BY_HEALTHCARE:
        yield CapsGate(contacted, special.a_day, DAY, "day-cap", _SPECIAL + "a_day")
        yield CapsGate(contacted, special.a_week, WEEK, "week-cap", _SPECIAL + "a_week")
    if caps.gap_minutes:
        gap = timedelta(minutes=caps.gap_minutes)
        yield SpacingGate(contacted, 1, gap, "too-soon", "setting:policy.caps.gap_minutes")
    row = row_of(rules.windows, facts.recipient.region or rules.clinic_region)
    if row is not None and row[1].in_24_hours:
        basis = f"setting:policy.regions.{row[0]}.in_24_hours"
        yield SpacingGate(contacted, row[1].in_24_hours, _ANY_DAY, "state-cap", basis)


_SPECIAL = "setting:policy.no_consent."
_ANY_DAY = timedelta(hours=24)
