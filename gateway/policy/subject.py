"""What a message is about: its appointment, its broadcast, and how long it is worth sending (rules 2.3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.domain import Broadcast, Facts, State
from gateway.domain.message_types import TYPES
from gateway.policy.verdict import Refuse

# How long a notice without an appointment stays worth sending.
NOTICE_LIFE = timedelta(days=7)


def expiry(facts: Facts) -> datetime:
    """When the message stops being worth sending: at the appointment, or after its day."""
    if facts.direct is not None:
        return facts.direct.expires_at
    if facts.appointment is not None:
        return facts.appointment.starts_at
    if facts.occasion is not None:
        return facts.occasion.ends_at
    return facts.broadcast.send_at + (TYPES[facts.broadcast.type].life or NOTICE_LIFE)


def about_subject(facts: Facts, now: datetime) -> Refuse | None:
    """Whether there is still something to tell."""
    if (refusal := whose(facts)) is not None:
        return refusal
    visit = facts.appointment
    if visit is not None and visit.status != "booked":
        return Refuse("appointment-cancelled", State.CANCELLED, f"appointment:{visit.id}")
    if visit is not None and _is_outside(visit.starts_at, facts.broadcast):
        return Refuse("appointment-moved", State.CANCELLED, f"appointment:{visit.id}")
    day = facts.occasion
    if day is not None and day.status != "open":
        return Refuse("renewal-settled", State.CANCELLED, f"renewal:{day.id}")
    if day is not None and _is_outside(day.starts_at, facts.broadcast):
        return Refuse("day-moved", State.CANCELLED, f"renewal:{day.id}")
    if now >= expiry(facts):
        return Refuse("expired", State.EXPIRED, resting_on(facts))
    if facts.broadcast.state == "cancelled":
        return Refuse("broadcast-cancelled", State.CANCELLED, f"broadcast:{facts.broadcast.id}")
    return None


def whose(facts: Facts) -> Refuse | None:
    """Whether what it is about is the recipient's (any more)."""
    visit, day, person = facts.appointment, facts.occasion, facts.recipient.id
    if visit is not None and not visit.is_of(person):
        return Refuse("appointment-of-another", State.CANCELLED, f"appointment:{visit.id}")
    if day is not None and not day.is_of(person):
        return Refuse("renewal-of-another", State.CANCELLED, f"renewal:{day.id}")
    return None


def resting_on(facts: Facts) -> str:
    """What the time of expiry rests on."""
    if facts.direct is not None:
        return "message"
    if facts.appointment is not None:
        return f"appointment:{facts.appointment.id}"
    return f"renewal:{facts.occasion.id}" if facts.occasion else f"broadcast:{facts.broadcast.id}"


def _is_outside(moment: datetime, broadcast: Broadcast) -> bool:
    """Whether it left the days that the broadcast is about: another broadcast reminds of it."""
    early = broadcast.starts_from is not None and moment < broadcast.starts_from
    late = broadcast.starts_until is not None and moment >= broadcast.starts_until
    return early or late
