"""Settlements and receipts on their way to disk: collected, written in batches, never lost while we live.

Both go the same way, so that a text whose receipt comes at once is settled once, as delivered.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from gateway import domain, evidence
from gateway.channels.port import Channel
from gateway.domain import NO_TEXTS_THERE, Accepted, Attempt, OptedOut, Outcome, Receipt, Source
from gateway.gathering import gather_more
from gateway.link import StoreLink
from gateway.settings import Settings
from gateway.settlement import Retries, Started, settlement
from store import ledger, people, receipts, segments
from store.segments import Named
from store.settle import Settlement, settle

log = logging.getLogger(__name__)

BATCH = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A settlement with what else belongs into its transaction."""

    settlement: Settlement
    channel: Channel | None = None
    remote_ids: tuple[str, ...] = ()
    opted_out: str = ""
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """Receipts that somebody waits for."""

    receipts: Sequence[Receipt]
    on_disk: asyncio.Future[None]

    def written(self) -> None:
        """They are on disk."""
        if not self.on_disk.done():
            self.on_disk.set_result(None)


class Outbox:
    """One for all channels of a daemon; `run` writes until cancelled and then once more."""

    def __init__(self, link: StoreLink, settings: Settings, owner: str) -> None:
        self._link = link
        self._clinic = settings.clinic.id
        self.adopt(settings)
        self._owner = owner
        self._waiting: list[Entry] = []
        self._told: list[Told] = []
        self._work = asyncio.Event()
        self._open: set[int] = set()
        self._writing = asyncio.Lock()

    def adopt(self, settings: Settings) -> None:
        """Try again by these from now on."""
        self._retries = Retries.of(settings)

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
                settlement(started, outcome, now, self._retries),
                channel,
                outcome.remote_ids if isinstance(outcome, Accepted) else (),
                attempt.address if isinstance(outcome, OptedOut) else "",
                attempt.id,
            )
        )

    def _add(self, entry: Entry) -> None:
        self._waiting.append(entry)
        self._work.set()

    async def hear(self, heard: Sequence[Receipt]) -> None:
        """Queue receipts of segments; returns when they, and what they settle, are on disk."""
        told = Told(heard, asyncio.get_running_loop().create_future())
        self._told.append(told)
        self._work.set()
        await told.on_disk

    async def run(self) -> None:
        """Write what is queued, in batches, until cancelled; `flush` then writes the rest."""
        while True:
            await self._work.wait()
            await gather_more(self._queued, BATCH)
            await asyncio.shield(self._write_batch())

    async def flush(self) -> None:
        """Write everything that is queued now; waits for a batch that is under way."""
        for _ in range(len(self._waiting) // BATCH + 1):
            if self._work.is_set():
                await self._write_batch()

    def _queued(self) -> int:
        return len(self._waiting) + sum(len(one.receipts) for one in self._told)

    async def _write_batch(self) -> None:
        async with self._writing:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            told, self._told = self._told, []
            heard = [receipt for one in told for receipt in one.receipts]
            if batch or heard:
                await self._link.insist(self._write, batch, heard, self._link.store.clock())
            self._open.difference_update(entry.settlement.message for entry in batch if entry.attempt)
            for one in told:
                one.written()
            await self._acknowledge(batch)
            if not (self._waiting or self._told):
                self._work.clear()

    def _write(
        self, conn: Connection, batch: Sequence[Entry], heard: Sequence[Receipt], now: datetime
    ) -> None:
        early: dict[tuple[int, int], Outcome | None] = {}
        for channel, named in _named(batch).items():
            early |= dict.fromkeys(segments.remember(conn, self._clinic, channel, named, now))
        # Of those with receipts from before, what is kept counts: it may be the last word already.
        said = evidence.note(conn, self._clinic, heard, now) | early if heard else early
        late = evidence.settlements(conn, self._clinic, said, self._retries, now)
        first = [entry.settlement for entry in batch]
        settle(conn, self._clinic, self._owner, evidence.combined(first, late), now)
        gone = {item.message: NO_TEXTS_THERE for item in late if item.cause == NO_TEXTS_THERE}
        ledger.mark_bad(conn, self._clinic, gone, now)
        for entry in batch:
            if entry.opted_out:
                who = receipts.message_of(conn, self._clinic, entry.settlement.message)
                people.withdraw(conn, self._clinic, entry.opted_out, Source.KEY, now, who and who[0])

    async def _acknowledge(self, batch: Sequence[Entry]) -> None:
        settled: dict[int, list[str]] = defaultdict(list)
        channels: dict[int, Channel] = {}
        for entry in batch:
            if entry.channel is not None:
                settled[id(entry.channel)].append(entry.attempt)
                channels[id(entry.channel)] = entry.channel
        for key, attempts in settled.items():
            await channels[key].acknowledge(attempts)


def _named(batch: Sequence[Entry]) -> dict[domain.Channel, list[Named]]:
    """What the responses called the segments of each channel."""
    found: dict[domain.Channel, list[Named]] = defaultdict(list)
    for entry in batch:
        if entry.channel is not None:
            number, attempt = entry.settlement.message, entry.settlement.number
            found[entry.channel.name] += (Named(id, number, attempt) for id in entry.remote_ids)
    return found
