"""Receipts, replies and keys pressed become records; each is on disk before its channel is told so."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection
from sqlalchemy.exc import StatementError

from gateway.channels.port import Channel
from gateway.domain import (
    Event,
    Failed,
    OptedOut,
    Receipt,
    Reply,
    ReplyPart,
    Source,
    parse_attempt_id,
)
from gateway.evidence import settled_late
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.replies import Joined, Replies
from gateway.settings import Settings
from gateway.settlement import Retries
from store import facts, ledger, people, receipts
from store.settle import settle

log = logging.getLogger(__name__)

BATCH = 500


class Intake:
    """Takes the events of every channel."""

    def __init__(
        self, link: StoreLink, outbox: Outbox, settings: Settings, owner: str, joined: Joined | None = None
    ) -> None:
        """`joined` makes one reply of the parts of a long text; without it there are no such parts."""
        self._link = link
        self._outbox = outbox
        self._clinic = settings.clinic.id
        self._owner = owner
        self._joined = joined or _alone
        self.adopt(settings)

    def adopt(self, settings: Settings) -> None:
        """Try again and answer by these from now on."""
        self._retries = Retries.of(settings)
        self._replies = Replies(settings, self._joined)

    async def follow(self, channel: Channel) -> None:
        """Record the events of a channel until it is closed.

        Asking for the next batch tells the channel that this one is on disk.
        """
        async for batch in channel.batches(BATCH):
            for of_segments, run in groupby(batch, key=_names_a_segment):
                if of_segments:
                    await self._outbox.hear([event for event in run if isinstance(event, Receipt)])
                else:
                    await self._keep(list(run))
            settled = [event.attempt for event in batch if isinstance(event, Receipt) and event.attempt]
            if settled:
                await channel.acknowledge(settled)

    async def _keep(self, events: Sequence[Event]) -> None:
        """Write events down; one that cannot be written is told in the log, and the others are kept."""
        await self._each(events, self._link.insist)

    async def record(self, events: Sequence[Event]) -> None:
        """Write down events that came another way than over a channel. Raises StoreAwayError."""
        await self._each(events, self._link.store.run)

    async def _each(self, events: Sequence[Event], run: Callable[..., Awaitable[None]]) -> None:
        try:
            await run(self._record, events, self._link.store.clock())
        except (StatementError, ValueError, LookupError) as error:
            if len(events) > 1:
                for event in events:
                    await self._each([event], run)
            else:
                # Its words may be somebody's text: the kind alone is told.
                kind = type(events[0]).__name__.lower()
                log.error("a %s of %s cannot be recorded (%s)", kind, events[0].channel, type(error).__name__)

    async def late_parts(self) -> None:
        """Read long texts of which a part never came."""
        await self._link.insist(self._replies.record_late, self._link.store.clock())

    def _record(self, conn: Connection, events: Sequence[Event], now: datetime) -> None:
        for event in events:
            match event:
                case Receipt():
                    self._known_attempt(conn, event, now)
                case Reply():
                    self._replies.record(conn, event, now)
                case ReplyPart():
                    self._replies.record_part(conn, event, now)

    # --- receipts that name their attempt ---

    def _known_attempt(self, conn: Connection, event: Receipt, now: datetime) -> None:
        parsed = parse_attempt_id(event.attempt)
        if parsed is None or parsed[0] != self._clinic:
            log.warning("a %s receipt names an attempt that is not ours", event.channel)
            return
        _, message, number = parsed
        waiting = receipts.open_messages(conn, self._clinic, [message]).get(message)
        if waiting is not None and waiting.attempt == number:
            left = facts.voicemails(conn, self._clinic, [message]).get(message, 0)
            late = settled_late(waiting, event.outcome, now, self._retries, left)
            settle(conn, self._clinic, self._owner, [late], now)
            if isinstance(event.outcome, Failed) and event.outcome.bad_address:
                ledger.mark_bad(conn, self._clinic, {message: event.outcome.cause}, now)
            if isinstance(event.outcome, OptedOut):
                self._withdraw_recipient(conn, message, Source.KEY, now)

    def _withdraw_recipient(self, conn: Connection, message: int, source: str, now: datetime) -> None:
        found = receipts.message_of(conn, self._clinic, message)
        if found is not None:
            people.withdraw(conn, self._clinic, found[2], source, now, found[0])


def _names_a_segment(event: Event) -> bool:
    return isinstance(event, Receipt) and not event.attempt


def _alone(parts: Sequence[ReplyPart]) -> Reply:
    raise LookupError("nobody here can join the parts of a text")
