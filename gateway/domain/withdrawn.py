"""Which withdrawals of the consent ledger hold for one address on one channel, and what was given."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.facts import ConsentEntry
from gateway.domain.words import Channel, Party, Purpose


def covering(
    entries: Iterable[ConsentEntry],
    channel: Channel,
    address: str | None,
    party: Party,
    purpose: Purpose = Purpose.MESSAGING,
) -> list[ConsentEntry]:
    """What a party said that is about this channel and address, too; oldest first."""
    return [
        entry
        for entry in entries
        if entry.purpose is purpose
        and not entry.everyone
        and entry.party in (None, party)
        and entry.channel in (None, channel)
        and entry.address in (None, address)
    ]


def still_withdrawn(said: Iterable[ConsentEntry]) -> list[ConsentEntry]:
    """Those that no later entry took back as finely, of entries that cover the same; oldest first."""
    against: list[ConsentEntry] = []
    for entry in said:
        if entry.given:
            against = [one for one in against if not _lifts(entry, one)]
        else:
            against.append(entry)
    return against


def _lifts(given: ConsentEntry, withdrawn: ConsentEntry) -> bool:
    """Whether it is said as finely as what was withdrawn; both cover this channel, address and party."""
    return (
        (withdrawn.channel is None or given.channel is not None)
        and (withdrawn.address is None or given.address is not None)
        and (withdrawn.party is None or given.party is not None)
    )
