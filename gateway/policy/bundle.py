"""Several visits of one day in one message: who belongs together, and who is left when it goes. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from gateway.domain import Channel, Facts, Purpose
from gateway.policy.consent import standing
from gateway.policy.decision import decide
from gateway.policy.moments import moment_of
from gateway.policy.rules import Rules
from gateway.policy.verdict import Refuse


def key(facts: Facts, channel: Channel) -> Hashable | None:
    """What visits of one message have in common; None: there is nothing to put together.

    The day is the clinic's. Two clients are told together only at one address, in one language, and when each
    of them agreed to share with the family.
    """
    visit, contact, person = facts.appointment, facts.contacts.get(channel), facts.recipient
    if visit is None or contact is None:
        return None
    who = 0 if shares(facts, channel) else person.id
    return _day(facts), channel, contact.address, person.language, who


def _day(facts: Facts) -> date | None:
    visit = facts.appointment
    return visit.starts_at.astimezone(ZoneInfo(facts.broadcast.zone)).date() if visit else None


@dataclass(frozen=True, slots=True)
class Parted:
    """`kept` is told, or refused as a whole; each of those dropped gets nothing, and why.

    `apart`: of clients who do not share, or on another day (any more); each is told alone.
    """

    kept: Facts
    dropped: tuple[tuple[Facts, Refuse], ...] = ()
    apart: tuple[Facts, ...] = ()


def part(facts: Facts, channel: Channel, address: str | None, now: datetime, rules: Rules) -> Parted:
    """The bundle without those who may not be told (any more), led by the first of the others."""
    everybody = (replace(facts, together=()), *sorted(facts.together, key=moment_of))
    judged = [(one, decide(one, channel, address, now, rules)) for one in everybody]
    kept = [one for one, verdict in judged if not isinstance(verdict, Refuse)] or [everybody[0]]
    dropped = [
        (one, verdict) for one, verdict in judged if isinstance(verdict, Refuse) and one is not kept[0]
    ]
    with_first = [one for one in kept[1:] if _belongs(kept[0], one, channel)]
    apart = [one for one in kept[1:] if not _belongs(kept[0], one, channel)]
    first = replace(kept[0], together=tuple(with_first), voicemails=facts.voicemails)
    return Parted(first, tuple(dropped), tuple(apart))


def _belongs(first: Facts, other: Facts, channel: Channel) -> bool:
    """Whether one message may tell of both."""
    if _day(first) != _day(other):
        return False
    same_person = first.recipient.id == other.recipient.id
    return same_person or (shares(first, channel) and shares(other, channel))


def shares(facts: Facts, channel: Channel) -> bool:
    """Whether somebody agreed that one message to their address tells of them and of others there."""
    contact, through = facts.contacts.get(channel), facts.recipient.through
    if contact is None:
        return False
    agreed = standing(facts.consents, channel, contact.address, through, Purpose.FAMILY)
    return agreed is not None and agreed.given
