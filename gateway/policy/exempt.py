"""Messages to clients of whom no word is on record, where a setting lets them go: every condition is kept.

The healthcare exemption (rules 1.3, 47 CFR 64.1200 (a)(9)(iv)): a number that the client gave and that may
be a mobile, a health message of a listed type, its own caps, and content with the clinic's name first, a way
to call back, a way out, and no more than its length. `contents` looks at the last part.
"""

from __future__ import annotations

from gateway.domain import BroadcastClass, Channel, Facts, Party, RecipientKind
from gateway.policy.caps import CAPPED
from gateway.policy.lines import Line, line_of
from gateway.settings import PolicySettings

BY_EMERGENCY = "setting:policy.consent.emergencies_without"
BY_HEALTHCARE = "setting:policy.no_consent.enabled"


def unasked(facts: Facts, channel: Channel, settings: PolicySettings) -> str:
    """The setting by which this message may go though nobody has said anything; empty: it may not."""
    if facts.broadcast.broadcast_class is BroadcastClass.EMERGENCY:
        return BY_EMERGENCY if settings.consent.emergencies_without else ""
    return BY_HEALTHCARE if settings.no_consent.enabled and _is_exempt(facts, channel, settings) else ""


def _is_exempt(facts: Facts, channel: Channel, settings: PolicySettings) -> bool:
    person, contact = facts.recipient, facts.contacts.get(channel)
    return (
        facts.broadcast.broadcast_class is BroadcastClass.HEALTH
        and facts.broadcast.type in settings.no_consent.types
        and person.kind is RecipientKind.CLIENT
        and person.through is Party.CLIENT
        and channel in CAPPED
        and contact is not None
        and line_of(contact.address) in (Line.MOBILE, Line.MOBILE_OR_LANDLINE)
    )
