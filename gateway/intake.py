"""Receipts, replies and keys pressed become records; each is on disk before its channel is told so."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection
from sqlalchemy.exc import StatementError

from gateway import domain
from gateway.channels.port import Channel
from gateway.domain import (
    Event,
    Failed,
    OptedOut,
    Receipt,
    Reply,
    ReplyKind,
    parse_attempt_id,
)
from gateway.evidence import settled_late
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import Settings
from store import people, receipts
from store.settle import settle

log = logging.getLogger(__name__)

BATCH = 500


class Intake:
    """Takes the events of every channel."""

    def __init__(self, link: StoreLink, outbox: Outbox, settings: Settings, owner: str) -> None:
        self._link = link
        self._outbox = outbox
        self._clinic = settings.clinic.id
        self._retry = settings.retry
        self._owner = owner

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
        try:
            await self._link.insist(self._record, events, self._link.store.clock())
        except (StatementError, ValueError, LookupError) as error:
            if len(events) > 1:
                for event in events:
                    await self._keep([event])
            else:
                # Its words may be somebody's text: the kind alone is told.
                kind = type(events[0]).__name__.lower()
                log.error("a %s of %s cannot be recorded (%s)", kind, events[0].channel, type(error).__name__)

    async def record(self, events: Sequence[Event]) -> None:
        """Write down events that came another way than over a channel. Raises StoreAwayError."""
        await self._link.store.run(self._record, events, self._link.store.clock())

    def _record(self, conn: Connection, events: Sequence[Event], now: datetime) -> None:
        for event in events:
            match event:
                case Receipt():
                    self._known_attempt(conn, event, now)
                case Reply():
                    self._reply(conn, event, now)

    # --- receipts that name their attempt ---

    def _known_attempt(self, conn: Connection, event: Receipt, now: datetime) -> None:
        parsed = parse_attempt_id(event.attempt)
        if parsed is None or parsed[0] != self._clinic:
            log.warning("a %s receipt names an attempt that is not ours", event.channel)
            return
        _, message, number = parsed
        waiting = receipts.open_messages(conn, self._clinic, [message]).get(message)
        if waiting is not None and waiting.attempt == number:
            late = settled_late(waiting, event.outcome, now, self._retry)
            settle(conn, self._clinic, self._owner, [late], now)
            if isinstance(event.outcome, Failed) and event.outcome.bad_address:
                receipts.mark_bad_address(conn, self._clinic, message, event.outcome.cause)
            if isinstance(event.outcome, OptedOut):
                self._withdraw_recipient(conn, message, "keypress", now)

    # --- replies ---

    def _reply(self, conn: Connection, event: Reply, now: datetime) -> None:
        message, visit, address = self._answered(conn, event)
        person = self._sender(conn, address, message)
        receipts.add_reply(conn, self._clinic, event, address, person, message)
        match event.kind:
            case ReplyKind.OPT_OUT:
                people.withdraw(conn, self._clinic, address, _SOURCES[event.channel], now, person)
            case ReplyKind.CONFIRM if visit:
                receipts.mark_appointment(conn, self._clinic, visit, None, now)
            case ReplyKind.CANCEL if event.channel is domain.Channel.VOICE:
                # A key means what the call said it means: the visit.
                if visit:
                    receipts.mark_appointment(conn, self._clinic, visit, "cancelled", now)
            case ReplyKind.CANCEL:
                # It may mean the visit or all messages (rules 1.7): nothing more until a person looks.
                people.withdraw(conn, self._clinic, address, "ambiguous-cancel", now, person)

    def _answered(self, conn: Connection, event: Reply) -> tuple[int | None, int, str]:
        """(message, appointment, address) that a reply is about."""
        parsed = parse_attempt_id(event.attempt) if event.attempt else None
        if parsed is not None and parsed[0] == self._clinic:
            found = receipts.message_of(conn, self._clinic, parsed[1])
            if found is not None:
                return parsed[1], found[1], found[2]
        latest = receipts.latest_to(conn, self._clinic, event.channel, event.address)
        return (latest[0], latest[1], event.address) if latest else (None, 0, event.address)

    def _sender(self, conn: Connection, address: str, message: int | None) -> int | None:
        if message is not None:
            found = receipts.message_of(conn, self._clinic, message)
            return found[0] if found else None
        holders: Sequence[int] = people.holders(conn, self._clinic, address)
        return holders[0] if len(holders) == 1 else None

    def _withdraw_recipient(self, conn: Connection, message: int, source: str, now: datetime) -> None:
        found = receipts.message_of(conn, self._clinic, message)
        if found is not None:
            people.withdraw(conn, self._clinic, found[2], source, now, found[0])


def _names_a_segment(event: Event) -> bool:
    return isinstance(event, Receipt) and not event.attempt


_SOURCES = {"voice": "keypress", "sms": "text", "email": "email", "fax": "fax"}
