"""Where a message goes: the address of that channel as it is now."""

from __future__ import annotations

from datetime import datetime

from gateway.domain import Channel, Facts
from gateway.policy.consent import about_address
from gateway.policy.lines import about_line
from gateway.policy.rules import Rules
from gateway.policy.verdict import Refuse


def about_contact(
    facts: Facts, channel: Channel, address: str | None, now: datetime, rules: Rules
) -> Refuse | None:
    """Whether there is an address that may be used. `address`: the one written down at planning.

    One that changed since then is refused rather than silently followed.
    """
    contact = facts.contacts.get(channel)
    if contact is None:
        return Refuse("no-address", basis="address")
    if address is not None and contact.address != address:
        return Refuse("address-changed", basis="address")
    known = about_address(facts.consents, channel, contact.address, now, rules)
    return known or about_line(channel, contact.address, rules.windows.lines)
