"""Settlements on their way to disk: collected, written in batches, never lost while the process lives."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway.channels.port import Channel
from gateway.domain import Accepted, Attempt, OptedOut, Outcome
from gateway.link import StoreLink
from gateway.settings import Settings
from gateway.settlement import Started, of_segments, settlement
from store import people, receipts
from store.settle import Settlement, settle

log = logging.getLogger(__name__)

BATCH = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A settlement with what else belongs into its transaction."""

    settlement: Settlement
    channel: Channel | None = None
    started: Started | None = None
    remote_ids: tuple[str, ...] = ()
    opted_out: str = ""
    attempt: str = ""


class Outbox:
    """One for all channels of a daemon; `run` writes until cancelled and then once more."""

    def __init__(self, link: StoreLink, settings: Settings, owner: str) -> None:
        self._link = link
        self._clinic = settings.clinic.id
        self._retry = settings.retry
        self._owner = owner
        self._waiting: list[Entry] = []
        self._work = asyncio.Event()
        self._open: set[int] = set()
        self._writing = asyncio.Lock()

    def opened(self, message: int) -> None:
        """An attempt of this message is under way."""
        self._open.add(message)

    def open_messages(self) -> set[int]:
        """Messages under way or not yet settled on disk."""
        return set(self._open)

    def put(self, item: Settlement) -> None:
        """Queue a verdict or a late truth."""
        self._add(Entry(item))

    def settle(self, channel: Channel, started: Started, attempt: Attempt, outcome: Outcome) -> None:
        """Queue the outcome of an attempt."""
        now = self._link.store.clock()
        self._add(
            Entry(
                settlement(started, outcome, now, self._retry),
                channel,
                started,
                outcome.remote_ids if isinstance(outcome, Accepted) else (),
                attempt.address if isinstance(outcome, OptedOut) else "",
                attempt.id,
            )
        )

    def _add(self, entry: Entry) -> None:
        self._waiting.append(entry)
        self._work.set()

    async def run(self) -> None:
        """Write what is queued, in batches, until cancelled; `flush` then writes the rest."""
        while True:
            await self._work.wait()
            await asyncio.shield(self.flush())

    async def flush(self) -> None:
        """Write everything that is queued now; waits for a flush that is under way."""
        async with self._writing:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._link.insist(self._write, batch, self._link.store.clock())
                self._open.difference_update(entry.settlement.message for entry in batch if entry.attempt)
                await self._acknowledge(batch)
            self._work.clear()

    def _write(self, conn: Connection, batch: Sequence[Entry], now: datetime) -> None:
        settle(conn, self._clinic, self._owner, [entry.settlement for entry in batch], now)
        for entry in batch:
            if entry.remote_ids:
                self._remember(conn, entry, now)
            if entry.opted_out:
                people.withdraw(conn, self._clinic, entry.opted_out, "keypress", now)

    def _remember(self, conn: Connection, entry: Entry, now: datetime) -> None:
        """Write the segments down; receipts that overtook the response count at once."""
        assert entry.channel is not None
        assert entry.started is not None
        number, attempt = entry.settlement.message, entry.settlement.number
        rows = [(remote_id, number, attempt) for remote_id in entry.remote_ids]
        if receipts.remember_segments(conn, self._clinic, entry.channel.name, rows, now):
            known = receipts.segments_of(conn, self._clinic, number, attempt)
            if outcome := of_segments(known):
                late = settlement(entry.started, outcome, now, self._retry)
                settle(conn, self._clinic, self._owner, [late], now)

    async def _acknowledge(self, batch: Sequence[Entry]) -> None:
        settled: dict[int, list[str]] = defaultdict(list)
        channels: dict[int, Channel] = {}
        for entry in batch:
            if entry.channel is not None:
                settled[id(entry.channel)].append(entry.attempt)
                channels[id(entry.channel)] = entry.channel
        for key, attempts in settled.items():
            await channels[key].acknowledge(attempts)
