"""Receipts, replies and keys pressed become records; each is on disk before its channel is told so."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from gateway.channels.port import Channel
from gateway.domain import (
    Event,
    OptedOut,
    Outcome,
    Receipt,
    Reply,
    ReplyKind,
    parse_attempt_id,
)
from gateway.link import StoreLink
from gateway.settings import Settings
from gateway.settlement import Started, name_of, of_segments, settlement
from store import people, receipts
from store.receipts import Open
from store.settle import settle

log = logging.getLogger(__name__)


class Intake:
    """Takes the events of every channel."""

    def __init__(self, link: StoreLink, settings: Settings, owner: str) -> None:
        self._link = link
        self._clinic = settings.clinic.id
        self._retry = settings.retry
        self._owner = owner

    async def follow(self, channel: Channel) -> None:
        """Record the events of a channel until it is closed.

        Asking for the next event tells the channel that this one is on disk.
        """
        async for event in channel.events():
            await self._link.insist(self._record, event, self._link.store.clock())
            if isinstance(event, Receipt) and event.attempt:
                await channel.acknowledge([event.attempt])

    def _record(self, conn: Connection, event: Event, now: datetime) -> None:
        match event:
            case Receipt(attempt=attempt) if attempt:
                self._known_attempt(conn, event, now)
            case Receipt():
                self._known_segment(conn, event, now)
            case Reply():
                self._reply(conn, event, now)

    # --- receipts ---

    def _known_attempt(self, conn: Connection, event: Receipt, now: datetime) -> None:
        parsed = parse_attempt_id(event.attempt)
        if parsed is None or parsed[0] != self._clinic:
            log.warning("a %s receipt names an attempt that is not ours", event.channel)
            return
        _, message, number = parsed
        waiting = receipts.open_message(conn, self._clinic, message)
        if waiting is not None and waiting.attempt == number:
            self._settle(conn, waiting, event.outcome, now)
            if isinstance(event.outcome, OptedOut):
                self._withdraw_recipient(conn, message, "keypress", now)

    def _known_segment(self, conn: Connection, event: Receipt, now: datetime) -> None:
        outcome = event.outcome
        message = receipts.note_receipt(
            conn, self._clinic, event.channel, event.remote_id, name_of(outcome), outcome.cause, now
        )
        waiting = receipts.open_message(conn, self._clinic, message) if message else self._orphan(conn, event)
        if waiting is None:
            return
        known = receipts.segments_of(conn, self._clinic, waiting.message, waiting.attempt)
        whole = outcome if len(known) == 1 else of_segments(known)
        if whole is not None:
            self._settle(conn, waiting, whole, now)

    def _orphan(self, conn: Connection, event: Receipt) -> Open | None:
        """The one message of unknown fate to that address: the response that named it was lost."""
        candidates = receipts.open_by_address(conn, self._clinic, event.channel, event.address)
        if len(candidates) != 1:
            return None
        found = candidates[0]
        receipts.adopt_segment(
            conn, self._clinic, event.channel, event.remote_id, found.message, found.attempt
        )
        return found

    def _settle(self, conn: Connection, waiting: Open, outcome: Outcome, now: datetime) -> None:
        started = Started(
            waiting.message, waiting.attempt, waiting.charged, waiting.started_at, waiting.expires_at
        )
        settle(conn, self._clinic, self._owner, [settlement(started, outcome, now, self._retry)], now)

    # --- replies ---

    def _reply(self, conn: Connection, event: Reply, now: datetime) -> None:
        message, visit, address = self._answered(conn, event)
        person = self._sender(conn, address, message)
        receipts.add_reply(conn, self._clinic, event, address, person, message)
        match event.kind:
            case ReplyKind.OPT_OUT:
                people.withdraw(conn, self._clinic, address, _SOURCES[event.channel], now)
            case ReplyKind.CONFIRM if visit:
                receipts.mark_appointment(conn, self._clinic, visit, None, now)
            case ReplyKind.CANCEL:
                # It may mean the visit or all messages (rules 1.7): nothing more until a person looks.
                people.withdraw(conn, self._clinic, address, "ambiguous-cancel", now)

    def _answered(self, conn: Connection, event: Reply) -> tuple[int | None, int, str]:
        """(message, appointment, address) that a reply is about."""
        parsed = parse_attempt_id(event.attempt) if event.attempt else None
        if parsed is not None:
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
            people.withdraw(conn, self._clinic, found[2], source, now)


_SOURCES = {"voice": "keypress", "sms": "text", "email": "email", "fax": "fax"}
