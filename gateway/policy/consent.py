"""Who has agreed to what: the ledger, read for one address on one channel (rules 1.2, 1.7 to 1.9)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from gateway.domain import (
    BAD_ADDRESS,
    BroadcastClass,
    Channel,
    ConsentEntry,
    Facts,
    Party,
    Purpose,
    RecipientKind,
    Source,
)
from gateway.domain.withdrawn import covering, still_withdrawn
from gateway.policy.rules import Rules
from gateway.policy.verdict import ALLOW, Allow, Refuse

Entries = Sequence[ConsentEntry]
_YEAR = timedelta(days=365.25)


def about_address(
    entries: Entries, channel: Channel, address: str, now: datetime, rules: Rules
) -> Refuse | None:
    """What is known of the address itself, whoever has it: the newest word on each matter binds."""
    newest: dict[str, ConsentEntry] = {}
    for entry in entries:
        if entry.everyone and entry.address == address and entry.channel in (None, channel):
            newest[_matter(entry)] = entry
    for reason, entry in newest.items():
        if not entry.given and not (reason == "do-not-call" and _is_over(entry, now, rules)):
            return Refuse(reason, basis=f"entry:{entry.id}")
    return None


def _is_over(entry: ConsentEntry, now: datetime, rules: Rules) -> bool:
    """Whether an entry of the do-not-call list is from so long ago that it no longer binds (rules 1.9)."""
    return entry.at is not None and entry.at <= binding_since(now, rules)


def binding_since(now: datetime, rules: Rules) -> datetime:
    """What was put on the do-not-call list before this moment is over."""
    return now - rules.windows.consent.do_not_call_years * _YEAR


def _matter(entry: ConsentEntry) -> str:
    if entry.source in BAD_ADDRESS:
        return "bad-address"
    return "do-not-call" if entry.source == Source.DO_NOT_CALL else "consent-withdrawn"


def about_consent(facts: Facts, channel: Channel, address: str | None, unasked: str = "") -> Allow | Refuse:
    """Whether the recipient has agreed to this message on this channel at this address.

    `unasked`: the setting by which it may go to somebody of whom no word is on record; empty: there is none.
    """
    kind, through = facts.broadcast.broadcast_class, facts.recipient.through
    free = Allow(unasked) if unasked else ALLOW if facts.recipient.kind is RecipientKind.STAFF else None
    found = _word_of(facts.consents, channel, address, Party.CLIENT, free or _NOT_GIVEN)
    if through is Party.CONTACT and isinstance(found, Allow):
        found = _word_of(facts.consents, channel, address, through, free or _NOT_GIVEN_BY_CONTACT)
    if kind is BroadcastClass.MARKETING and isinstance(found, Allow):
        return _signed(facts.consents, channel, address, through)
    return found


_NOT_GIVEN = Refuse("no-consent")
_NOT_GIVEN_BY_CONTACT = Refuse("no-contact-consent")


def _word_of(
    entries: Entries, channel: Channel, address: str | None, party: Party, silent: Allow | Refuse
) -> Allow | Refuse:
    """What one party said; `silent`: what follows where they said nothing."""
    entry = standing(entries, channel, address, party)
    if entry is None:
        return silent
    if entry.given:
        return Allow(f"entry:{entry.id}")
    unclear = entry.source == Source.AMBIGUOUS
    return Refuse("ambiguous-cancel" if unclear else "consent-withdrawn", basis=f"entry:{entry.id}")


def _signed(entries: Entries, channel: Channel, address: str | None, party: Party) -> Allow | Refuse:
    """Marketing needs a document of whoever gets it, signed since they last withdrew, and consent at all."""
    entry = standing(entries, channel, address, party, Purpose.MARKETING)
    if entry is None:
        return Refuse("no-signed-consent")
    if not entry.given:
        return Refuse("marketing-withdrawn", basis=f"entry:{entry.id}")
    if entry.document is None:
        return Refuse("no-signed-consent", basis=f"entry:{entry.id}")
    # Who comes back to messages has not asked for advertising again.
    said = covering(entries, channel, address, party)
    stopped = [one for one in said if not one.given and one.source != Source.AMBIGUOUS]
    if stopped and stopped[-1].id > entry.id:
        return Refuse("marketing-withdrawn", basis=f"entry:{stopped[-1].id}")
    return Allow(f"entry:{entry.id}")


def standing(
    entries: Iterable[ConsentEntry],
    channel: Channel,
    address: str | None,
    party: Party,
    purpose: Purpose = Purpose.MESSAGING,
) -> ConsentEntry | None:
    """The entry that decides for this party, channel, address and purpose; None: nobody said anything.

    A withdrawal holds for everything that it covers until a later entry gives as finely: who wants no texts
    gets none, though messages in general are agreed to again; who stopped everything and then said START in
    a text gets texts. One that is certain comes before one that was only unclear.
    """
    said = covering(entries, channel, address, party, purpose)
    against = still_withdrawn(said)
    certain = [one for one in against if one.source != Source.AMBIGUOUS]
    given = [one for one in said if one.given]
    return next(reversed(certain or against or given), None)
