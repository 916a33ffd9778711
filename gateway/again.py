"""A message that reached nobody goes again: judged anew, as a broadcast of one, never twice by accident."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from gateway import broadcast as planning
from gateway.domain import Broadcast, Channel, RingwellError, State
from gateway.judged import judged
from gateway.known import known_for, with_stop
from gateway.policy import Refuse, Rules, decide
from gateway.policy.caps import counted_since
from gateway.wording.missing import Needs
from store import audit, broadcasts, bundles, history, stops
from store import why as records
from store.broadcasts import Planned
from store.engine import Store
from store.history import Entry
from store.verdicts import Judged

# What the audit log calls it: the lines are also what tells that it was done before.
ACTION = "message-sent-again"
STATES = (State.FAILED, State.EXPIRED, State.UNKNOWN)


class AgainError(RingwellError):
    """This message cannot be sent again."""


@dataclass(frozen=True, slots=True)
class Again:
    """What would be sent, and the verdict on it; `earlier`: so often it was sent again before."""

    entry: Entry
    wanted: Broadcast
    planned: Planned
    verdict: Judged
    allowed: bool
    earlier: int

    @property
    def may_have_arrived(self) -> bool:
        """Nobody knows: the recipient may get it twice."""
        return self.entry.state is State.UNKNOWN


async def judge_again(store: Store, clinic: int, rules: Rules, number: int) -> Again:
    """What sending a message again would be, nothing written. Raises AgainError where it cannot be."""
    entry = await store.read(history.entry, clinic, number)
    if entry is None:
        raise AgainError("There is no such message.")
    wanted = await _order_of(store, clinic, entry)
    asked = (await store.read(records.asked_again, clinic, [number]))[0]
    now = store.clock()
    since = counted_since(now)
    page = await known_for(store, clinic, [(wanted, entry.recipient, asked.appointment)], since)
    decision = planning.judge(page.facts, now, rules, Needs(rules.language))[0]
    held = await store.read(stops.current, clinic)
    planned = planning.planned_as(decision, page.consent_as_of, now, rules)
    told = planned.judged
    allowed = not isinstance(decision.verdict, Refuse)
    if allowed and held:
        known = with_stop(decision.facts, decision.channel, held)
        verdict = decide(known, decision.channel, None, now, rules)
        told = judged(verdict, known, decision.channel, page.consent_as_of, now, rules)
    assert told is not None
    earlier = await store.read(times, clinic, number)
    return Again(entry, wanted, planned, told, allowed, earlier)


async def _order_of(store: Store, clinic: int, entry: Entry) -> Broadcast:
    """A broadcast of one with the words of the first; AgainError where there is none."""
    if entry.state not in STATES:
        raise AgainError("Only a message that failed, expired or is unknown can be sent again.")
    if not entry.broadcast:
        raise AgainError("A text to one person is written again in the conversation.")
    found = await store.read(broadcasts.find, clinic, entry.broadcast)
    if found is None:
        raise AgainError("Its broadcast is not known any more.")
    if await store.read(bundles.members, clinic, [entry.id]):
        raise AgainError("It told of several visits: write a new broadcast about them.")
    now = store.clock()
    return replace(
        found,
        id=0,
        name=f"{found.name} ({entry.id})"[:64],
        channel=Channel(entry.channel),
        send_at=now,
        cascade=(),
        timing=None,
        rule=None,
        rule_since=None,
        bundle=False,
        created_at=now,
    )


def times(conn: Connection, clinic: int, number: int) -> int:
    """How often a message was sent again."""
    wanted = audit.Wanted(action=ACTION, about=f"message:{number}")
    return len(audit.lines(conn, clinic, wanted, 100))


def send_again(conn: Connection, clinic: int, again: Again, earlier: int, now: datetime) -> int:
    """Write down the broadcast of one; its number. The line of the audit log is the caller's.

    `earlier`: what whoever confirmed it had seen. Raises AgainError when it was sent again meanwhile.
    """
    history.hold(conn, clinic, again.entry.id)
    entry = history.entry(conn, clinic, again.entry.id)
    if entry is None or entry.state is not again.entry.state:
        raise AgainError("The message has moved on meanwhile: look at it again.")
    if times(conn, clinic, again.entry.id) != earlier:
        raise AgainError("Somebody has sent it again meanwhile: look at it again.")
    if not again.allowed:
        raise AgainError("The policy does not allow it now.")
    number = broadcasts.order(conn, clinic, again.wanted, now)
    broadcasts.add_messages(conn, clinic, number, [again.planned], now)
    broadcasts.activate(conn, clinic, number)
    return number
