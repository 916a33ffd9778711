"""The one decision: every rule in turn, on plain data. Refusal beats deferral; the latest deferral wins."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from gateway.domain import (
    Channel,
    Direct,
    DirectKind,
    Facts,
    Limit,
    State,
)
from gateway.policy import cascade
from gateway.policy.address import about_contact
from gateway.policy.consent import about_consent
from gateway.policy.exempt import unasked
from gateway.policy.moments import moment_of
from gateway.policy.rules import Rules
from gateway.policy.subject import about_subject, resting_on, whose
from gateway.policy.verdict import ALLOW, Allow, Defer, Refuse, Verdict
from gateway.policy.waiting import caps_on, when
from gateway.policy.zones import zones_of


def decide(facts: Facts, channel: Channel, address: str | None, now: datetime, rules: Rules) -> Verdict:
    """The verdict on one message at one moment; `address` is None while planning.

    Of a message about several visits: the first refusal, or the latest deferral. Counted back from something,
    it goes by the first of them.
    """
    if not facts.together:
        return _decide_one(facts, channel, address, now, rules)
    first, *rest = _at_one_time(facts)
    verdict = _decide_one(first, channel, address, now, rules)
    for other in rest:
        if isinstance(verdict, Refuse):
            break
        verdict = _both(verdict, _decide_one(other, channel, address, now, rules))
    return verdict


def _both(one: Allow | Defer, other: Verdict) -> Verdict:
    if isinstance(other, Refuse):
        return other
    if isinstance(one, Defer):
        return other if isinstance(other, Defer) and other.until > one.until else one
    if isinstance(other, Defer):
        return other
    until = min(one.until, other.until) if one.until and other.until else None
    return Allow(one.basis, until)


def _at_one_time(facts: Facts) -> tuple[Facts, ...]:
    everybody = (facts, *facts.together)
    order = facts.broadcast
    if order.timing is None:
        return everybody
    first = min(everybody, key=moment_of)
    untimed = replace(order, timing=None, rule=None, created_at=None)
    return tuple(one if one is first else replace(one, broadcast=untimed) for one in everybody)


def _decide_one(facts: Facts, channel: Channel, address: str | None, now: datetime, rules: Rules) -> Verdict:
    if facts.direct is not None:
        if facts.direct.kind is DirectKind.VISIT:
            return _decide_visit(facts, facts.direct, channel, address, now, rules)
        return _decide_direct(facts, facts.direct, channel, now, rules)
    refusal = (
        about_subject(facts, now)
        or _about_steps(facts, channel)
        or about_contact(facts, channel, address, now, rules)
    )
    if refusal is not None:
        return refusal
    return _when_agreed(facts, channel, facts.contacts[channel].address, now, rules)


def limits_on(
    facts: Facts, channel: Channel, now: datetime, rules: Rules, allowed: Allow | None = None
) -> tuple[Limit, ...]:
    """What must still hold when a message starts that is `allowed`: how often its recipient was contacted.

    Without `allowed`: for another whom it tells as well, by their own consent.
    """
    contact = facts.contacts.get(channel)
    if facts.direct is not None or contact is None:
        return ()
    zones = zones_of(facts, rules.windows.zone_order, rules.clinic_zone)
    agreed = allowed or about_consent(facts, channel, contact.address, unasked(facts, channel, rules.windows))
    caps = caps_on(facts, channel, rules, agreed.basis)
    return tuple(limit for gate in caps for limit in gate.limits(now, zones))


def _about_steps(facts: Facts, channel: Channel) -> Refuse | None:
    if reason := cascade.no_more(facts):
        return Refuse(reason, State.CANCELLED, f"broadcast:{facts.broadcast.id}")
    return Refuse("not-preferred", basis="client") if cascade.is_unwanted(facts, channel) else None


def _when_agreed(facts: Facts, channel: Channel, address: str | None, now: datetime, rules: Rules) -> Verdict:
    agreed = about_consent(facts, channel, address, unasked(facts, channel, rules.windows))
    if isinstance(agreed, Refuse):
        return agreed
    return when(facts, channel, now, rules, agreed)


# What the law or the network wants said even to somebody who has withdrawn (rules 1.7, 1.8).
# Notices go to addresses of the settings.
_ALWAYS = (DirectKind.OPTED_OUT, DirectKind.HELP, DirectKind.NOTICE)


def _decide_direct(facts: Facts, direct: Direct, channel: Channel, now: datetime, rules: Rules) -> Verdict:
    """A text of no broadcast: to somebody who just wrote to us it goes at once."""
    contact = facts.contacts[channel]
    if now >= direct.expires_at:
        return Refuse("expired", State.EXPIRED, resting_on(facts))
    if direct.kind in _ALWAYS:
        return ALLOW
    agreed = about_consent(facts, channel, contact.address)
    if isinstance(agreed, Refuse) and (direct.answers is None or agreed.reason not in _SILENCE):
        return agreed
    if direct.answers is not None or isinstance(agreed, Refuse):
        return Allow(f"reply:{direct.answers}")
    refusal = about_contact(facts, channel, None, now, rules)
    return refusal or when(facts, channel, now, rules, agreed)


# Nobody has said anything yet: an answer to what somebody wrote needs no more than that.
_SILENCE = ("no-consent", "no-contact-consent")


def _decide_visit(
    facts: Facts, direct: Direct, channel: Channel, address: str | None, now: datetime, rules: Rules
) -> Verdict:
    """A mail that moves an appointment in a calendar, or takes it away: to where it was mailed."""
    if now >= direct.expires_at or (facts.appointment and facts.appointment.status == "completed"):
        return Refuse("expired", State.EXPIRED, resting_on(facts))
    refusal = whose(facts) or about_contact(facts, channel, address, now, rules)
    return refusal or _when_agreed(facts, channel, address, now, rules)
