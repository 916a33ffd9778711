"""Rules plan by themselves: each day of a rule becomes one broadcast, by whichever gateway is first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway import broadcast as planning
from gateway import schedule
from gateway.domain import Broadcast, RingwellError
from gateway.domain.message_types import TYPES, Audience
from gateway.policy import Rules
from gateway.schedule import Due
from store import ids, lists, rules
from store.engine import Store
from store.facts import as_cascade
from store.rules import Rule

log = logging.getLogger(__name__)

# Whoever was booked late is looked for when something was imported, and after this time in any case.
LOOK_AGAIN = timedelta(hours=1)


class Planner:
    """Plans what the rules of a clinic want; any number of gateways may have one on the same store."""

    def __init__(self, store: Store, clinic: int, zone: str, rules_now: Callable[[], Rules]) -> None:
        """`zone`: the clinic's. `rules_now`: what messages are judged by."""
        self._store, self._clinic, self._zone, self._rules = store, clinic, zone, rules_now
        self._seen: tuple[int, int] | None = None
        self._looked_at: datetime | None = None

    async def look(self) -> int:
        """Plan what is to be planned now; how many broadcasts that were."""
        made = 0
        for rule in await self._store.read(rules.listing, self._clinic):
            if rule.enabled:
                made += await self._plan(rule)
        await self._catch_up()
        return made

    async def _plan(self, rule: Rule) -> int:
        try:
            due = await upcoming(self._store, self._clinic, rule, self._zone, self._rules())
            wanted = [(one, await self._ordered(rule, one)) for one in due if one.stale or not one.early]
        except RingwellError as error:
            # One rule that cannot be kept stops no other.
            log.error("rule %d plans nothing: %s", rule.id, error)
            return 0
        return sum([await self._take(rule, one, order) for one, order in wanted])

    async def _take(self, rule: Rule, due: Due, order: Broadcast | None) -> int:
        """Take a day, unless another gateway has it, and plan it. One that is cut off is resumed later."""
        now = self._store.clock()
        number = await self._store.run(rules.claim, self._clinic, rule.id, due.day, due.step, order, now)
        if number is None or order is None:
            return 0
        wanted = planning.numbered(order, number)
        async for _ in planning.plan(self._store, self._clinic, wanted, self._rules()):
            pass
        return 1

    async def _ordered(self, rule: Rule, due: Due) -> Broadcast | None:
        """The broadcast of an occurrence; None when it is stale."""
        if due.stale:
            return None
        return await ordered(self._store, self._clinic, rule, due, self._zone)

    async def _catch_up(self) -> None:
        """Add whoever was booked since to what is planned."""
        now = self._store.clock()
        seen = await self._store.read(_position, self._clinic)
        recently = self._looked_at is not None and now < self._looked_at + LOOK_AGAIN
        if seen == self._seen and recently:
            return
        for wanted in await self._store.read(rules.waiting, self._clinic, now):
            pages = planning.plan(self._store, self._clinic, wanted, self._rules(), only_new=True)
            async for _ in pages:
                pass
        self._seen, self._looked_at = seen, now


async def upcoming(store: Store, clinic: int, rule: Rule, zone: str, judged_by: Rules) -> list[Due]:
    """The occurrences of a rule that nobody has taken yet, those that are too early among them."""
    now = store.clock()
    since = (now - schedule.LOOK_BACK - timedelta(days=1)).date()
    known = await store.read(rules.occurrences, clinic, rule.id, since)
    taken = {(one.day, one.step) for one in known}
    created = rule.created_at or now
    found = schedule.upcoming(schedule.read(rule.schedule), zone, created, now, judged_by, taken)
    return found if _is_about_days(rule) else schedule.newest_only(found, now)


def _is_about_days(rule: Rule) -> bool:
    return TYPES[rule.type].audience not in (Audience.LIST, Audience.EVERYBODY)


async def ordered(store: Store, clinic: int, rule: Rule, due: Due, zone: str) -> Broadcast:
    """The broadcast of an occurrence as it would be ordered; raises RingwellError when it cannot be."""
    number = None
    if rule.list_name is not None:
        found = await store.read(lists.find, clinic, rule.list_name)
        if found is None:
            raise planning.OrderError("its list does not exist any more")
        number = found.id
    about_days = _is_about_days(rule)
    step = f" {due.timing.offset}" if due.timing else ""
    return Broadcast(
        id=0,
        name=f"{rule.name} {due.day}{step}",
        type=rule.type,
        broadcast_class=rule.broadcast_class,
        channel=rule.channel,
        only_preference=rule.only_preference,
        send_at=due.goes_at,
        starts_from=due.starts_from if about_days else None,
        starts_until=due.starts_until if about_days else None,
        templates=rule.templates,
        zone=zone,
        custom_list=number,
        timing=due.timing,
        rule=rule.id,
        rule_since=rule.created_at,
        cascade=as_cascade(rule.cascade),
        bundle=rule.bundle,
    )


def _position(conn: Connection, clinic: int) -> tuple[int, int]:
    """The next numbers of what is imported: they differ as soon as anything was."""
    return ids.upcoming(conn, clinic, "appointment"), ids.upcoming(conn, clinic, "recipient")
