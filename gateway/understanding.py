"""What a reply means: which visits it is about, who says it, and what its words ask for there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import Connection

from gateway.domain import About, Channel, Reply, ReplyKind, parse_attempt_id
from gateway.meant import DECISIONS, Meant, means_all, meant
from store import bundles, people, receipts

WRITTEN = (Channel.SMS, Channel.EMAIL)


class Visit(Enum):
    """How the appointment stands that a reply may be about."""

    NONE = "there is none"
    OPEN = "still to come"
    CANCELLED = "will not take place"
    BEGUN = "has begun, or is over"


@dataclass(frozen=True, slots=True)
class Understood:
    """A reply, and what it asks for."""

    event: Reply
    about: Meant
    person: int | None
    kind: ReplyKind
    # Those of its visits that are still to come: what is said of one is said of all.
    to_come: Sequence[int]
    # The one that leads, 0: none; and how it stands.
    visit: int
    stands: Visit

    @property
    def address(self) -> str:
        """Where it came from, as messages to it are addressed."""
        return self.about.address

    @property
    def is_written(self) -> bool:
        """Whether there are words that somebody can read."""
        return self.event.channel in WRITTEN

    @property
    def asks_which(self) -> bool:
        """Whether it calls off one of several visits, and nobody knows which."""
        return self.about.apart and self.kind is ReplyKind.NOT_COMING and not means_all(self.event.text)

    @property
    def frees_a_slot(self) -> bool:
        """Whether somebody must be found for the time of a visit; whichever way that was said."""
        return self.kind is ReplyKind.NOT_COMING and self.stands is Visit.OPEN and not self.asks_which

    @property
    def waits_for_staff(self) -> bool:
        """Whether somebody must read it."""
        return self.frees_a_slot or (self.is_written and not self._is_handled)

    @property
    def _is_handled(self) -> bool:
        confirms = self.kind is ReplyKind.CONFIRM and self.stands is Visit.OPEN
        return confirms or self.kind in (ReplyKind.OPT_OUT, ReplyKind.OPT_IN, ReplyKind.HELP)


def understand(conn: Connection, clinic: int, event: Reply, matching: timedelta) -> Understood:
    """The reply with what its address was told; `matching`: for how long a message waits for an answer."""
    about = _about(conn, clinic, event, matching)
    if _is_unsure(conn, clinic, event, about):
        event = _left_to_a_person(event)
    standings = {one: _standing(conn, clinic, one, event.at) for one in about.visits}
    to_come = [one for one, standing in standings.items() if standing is Visit.OPEN]
    visit = next(iter(to_come or about.visits), 0)
    stands = standings.get(visit, Visit.NONE)
    person = _sender(conn, clinic, about.address, about.message)
    return Understood(event, about, person, _meaning(event, stands), to_come, visit, stands)


def _about(conn: Connection, clinic: int, event: Reply, matching: timedelta) -> Meant:
    """What a reply is about: the message that it names, else what its address was told."""
    address = event.address
    parsed = parse_attempt_id(event.attempt) if event.attempt else None
    if parsed is not None and parsed[0] == clinic:
        found = receipts.message_of(conn, clinic, parsed[1])
        if found is not None:
            return _of_message(conn, clinic, found[2], parsed[1], found[1])
    if event.about is not None:
        mailed = receipts.mailed_about(conn, clinic, event.about.visit, address)
        if mailed is None or event.about.clinic != clinic:
            return Meant(address)
        return _of_message(conn, clinic, address, mailed, event.about.visit)
    if event.kind in DECISIONS:
        told = receipts.visits_told(conn, clinic, event.channel, address, event.at)
        if told:
            return meant(address, told, event.kind, matching)
    latest = receipts.latest_to(conn, clinic, event.channel, address, event.at - matching, event.at)
    return _of_message(conn, clinic, address, *latest) if latest else Meant(address)


def _of_message(conn: Connection, clinic: int, address: str, message: int, visit: int) -> Meant:
    """This message alone, with all visits that it told of."""
    beside = bundles.members(conn, clinic, [message]).get(message, [])
    return Meant(address, message, (visit, *(about for _, about in beside)), (message,))


def _is_unsure(conn: Connection, clinic: int, event: Reply, about: Meant) -> bool:
    """Whether nothing is done on that word alone: it may be somebody else's, or about something else."""
    if event.about is not None:
        return not _may_answer(conn, clinic, event.address, event.about, next(iter(about.visits), 0))
    # CANCEL holds messages back until somebody looks, whoever said it.
    return about.unclear and event.kind is not ReplyKind.CANCEL


def _may_answer(conn: Connection, clinic: int, sender: str, about: About, visit: int) -> bool:
    """Whether a calendar's answer binds: whoever sent it was told of that appointment, at its time."""
    if about.clinic != clinic or about.visit != visit:
        return False
    found = receipts.visit_of(conn, clinic, visit)
    as_told = found is not None and about.starts_at in (None, found[1])
    return as_told and receipts.mailed_about(conn, clinic, visit, sender) is not None


def _standing(conn: Connection, clinic: int, visit: int, at: datetime) -> Visit:
    found = receipts.visit_of(conn, clinic, visit) if visit else None
    if found is None:
        return Visit.NONE
    status, starts_at = found
    if starts_at <= at:
        return Visit.BEGUN
    return Visit.OPEN if status == "booked" else Visit.CANCELLED


def _sender(conn: Connection, clinic: int, address: str, message: int | None) -> int | None:
    found = receipts.message_of(conn, clinic, message) if message is not None else None
    if found is not None and found[0]:
        return found[0]
    holders: Sequence[int] = people.holders(conn, clinic, address)
    return holders[0] if len(holders) == 1 else None


def _left_to_a_person(event: Reply) -> Reply:
    """Nothing is done on the word of somebody we do not know, but that they want to be left alone."""
    return event if event.kind is ReplyKind.OPT_OUT else replace(event, kind=ReplyKind.OTHER)


def _meaning(event: Reply, stands: Visit) -> ReplyKind:
    """What the words mean here: a key means what the call said it means, and CANCEL the visit in question."""
    if event.channel is Channel.VOICE and event.kind is ReplyKind.CANCEL:
        return ReplyKind.NOT_COMING
    no_visit = stands in (Visit.NONE, Visit.BEGUN)
    if event.channel is Channel.SMS and event.kind is ReplyKind.CANCEL and no_visit:
        # Nobody asked about a visit to come: it is the opt-out word that networks know (rules 1.7).
        return ReplyKind.OPT_OUT
    return event.kind
