"""The gateway from queue to settled in this process: what the daemon builds, over a given channel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, func, select

from gateway import wording
from gateway.channels.port import Channel
from gateway.channels.sms_receipts import joined
from gateway.dispatch import Dispatcher
from gateway.domain import Broadcast, BroadcastClass, MessageType, State
from gateway.domain import Channel as Way
from gateway.intake import Intake
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import Settings
from store import broadcasts, migrate
from store.engine import Store
from store.schema import message
from tests.bench import rows

OWNER = "bench/00000001"
UNDER_WAY = (State.QUEUED, State.CLAIMED, State.SENDING, State.ACCEPTED)


def order(way: Way, now: datetime) -> Broadcast:
    """A broadcast of reminders."""
    return Broadcast(
        id=0,
        name="Reminders",
        type=MessageType.UPCOMING_APPOINTMENTS,
        broadcast_class=BroadcastClass.HEALTH,
        channel=way,
        only_preference=False,
        send_at=now,
        starts_from=None,
        starts_until=None,
        templates=wording.default_templates(MessageType.UPCOMING_APPOINTMENTS),
    )


async def fill(url: str, way: Way, audience: int, area: str = rows.QUICK) -> None:
    """Everything that messages to an audience of this size rest on, but no message yet."""
    now = datetime.now(UTC)
    async with Store(url) as store:
        await migrate.upgrade(store)
        for _ in range(audience // rows.A_BROADCAST + 1):
            await store.run(broadcasts.order, rows.CLINIC, order(way, now), now)
        await store.run(rows.add_audience, 1, audience, now + timedelta(days=1), way, area)


@dataclass
class Line:
    """A channel at work: queue messages, wait for their end."""

    store: Store
    outbox: Outbox
    way: Way
    area: str = rows.QUICK
    queued: int = 0

    async def queue(self, count: int) -> int:
        """Queue so many messages, one for each of the audience in turn; the number of the first."""
        earlier = self.store.clock() - timedelta(hours=1)
        first, self.queued = self.queued + 1, self.queued + count
        await self.store.run(rows.add_messages, first, count, "queued", earlier, self.way, self.area)
        return first

    async def turn(self, count: int) -> tuple[int, float]:
        """Queue so many messages; how many of them were delivered, and seconds until the last was settled."""
        first = await self.queue(count)
        begin = time.perf_counter()
        while await self.store.read(_is_any, first, UNDER_WAY):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        seconds = time.perf_counter() - begin
        return await self.store.read(_count, first, (State.DELIVERED,)), seconds

    async def writer_seconds(self) -> float:
        """What the store's writer thread has used of a core so far."""
        return await self.store.run(lambda _: time.thread_time())


def _count(conn: Connection, first: int, states: Sequence[State]) -> int:
    return int(conn.execute(select(func.count()).where(*_in(first, states))).scalar_one())


def _is_any(conn: Connection, first: int, states: Sequence[State]) -> bool:
    # Looked for from the end, where the last ones are: the watching must not be a part of what is measured.
    newest = select(message.c.id).where(*_in(first, states)).order_by(message.c.id.desc()).limit(1)
    return conn.execute(newest).first() is not None


def _in(first: int, states: Sequence[State]) -> tuple[ColumnElement[bool], ...]:
    among = message.c.state.in_([state.value for state in states])
    return message.c.clinic == rows.CLINIC, message.c.id >= first, among


@asynccontextmanager
async def serving(
    url: str, channel: Channel, settings: Settings, area: str = rows.QUICK
) -> AsyncIterator[Line]:
    """The channel is dispatched, settled and listened to as the daemon does it."""
    async with Store(url) as store:
        link = StoreLink(store)
        outbox = Outbox(link, settings, OWNER)
        intake = Intake(link, outbox, settings, OWNER, joined)
        dispatcher = Dispatcher(channel, link, outbox, settings, OWNER)
        work = (channel.run(), outbox.run(), intake.follow(channel), dispatcher.run())
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield Line(store, outbox, channel.name, area)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def settings_of(folder: Path, *, capped: bool = True) -> Settings:
    """Every hour is open, so that a bench runs at night, too. Not `capped`: few numbers are called often."""
    always = {"opens": "00:00", "closes": "00:00"}
    # The town's numbers are nobody's.
    lines = {"impossible_dialled": True, "premium_dialled": True}
    policy = {"sms": always, "voice": always, "lines": lines}
    policy |= {} if capped else {"caps": {"a_day": 0, "a_week": 0}}
    return Settings.model_validate({"instance": folder, "policy": policy})
