"""Where a message goes: the address of that channel as it is now."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from gateway.domain import Channel, Facts
from gateway.policy import cascade
from gateway.policy.consent import about_address
from gateway.policy.lines import about_line
from gateway.policy.rules import Rules
from gateway.policy.verdict import Refuse


class Place(NamedTuple):
    """By which channel a message goes, and to where."""

    channel: Channel
    address: str


def place_of(facts: Facts, planned: Place, step: int) -> Place:
    """Where a message goes by now: untried, it follows a corrected address and a new preference.

    Tried, or telling of several visits, it stays where it was planned, and `decide` refuses it where that is
    wrong by now.
    """
    if facts.tried or facts.together or facts.direct is not None:
        return planned
    preferred = None if step else cascade.preferred(facts)
    channel = preferred or planned.channel
    contact = facts.contacts.get(channel)
    return planned if contact is None else Place(channel, contact.address)


def about_contact(
    facts: Facts, channel: Channel, address: str | None, now: datetime, rules: Rules
) -> Refuse | None:
    """Whether there is an address that may be used. `address`: the one written down at planning.

    One that changed since then is refused: what may follow it has done so already (`place_of`).
    """
    contact = facts.contacts.get(channel)
    if contact is None:
        return Refuse("no-address", basis="address")
    if address is not None and contact.address != address:
        return Refuse("address-changed", basis="address")
    known = about_address(facts.consents, channel, contact.address, now, rules)
    return known or about_line(channel, contact.address, rules.windows.lines)
