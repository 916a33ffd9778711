"""A clinic's day in a real store, written by the store's own functions, with a clock that tests set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType, RecipientKind, State
from store import broadcasts, queue, register, settle
from store.broadcasts import Planned
from store.engine import Store
from store.people import Person
from store.settle import Settlement

CLINIC = 1
OWNER = "node/boot"
NAMES = ("Rosa Costa", "Carla Brandt", "Samir Hansen", "Jonas Silva", "Tara Fischer", "David Lopez")


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


@dataclass
class Day:
    """Makes recipients, broadcasts and what becomes of their messages."""

    store: Store
    clock: Clock
    people: int = field(default=0)

    async def person(self, channel: Channel, name: str | None = None) -> tuple[int, str]:
        """A client with an address on the channel."""
        self.people += 1
        given, family = (name or NAMES[self.people % len(NAMES)]).split(" ", 1)
        number = f"+1202555{1000 + self.people}"
        address = f"{given.lower()}@example.org" if channel is Channel.EMAIL else number
        person = Person(
            RecipientKind.CLIENT,
            f"c{self.people}",
            given,
            family,
            "en",
            details={channel: address},
            consent=True,
        )
        return await self.store.run(register.save_person, CLINIC, person, self.clock()), address

    async def broadcast(
        self, name: str, channel: Channel, size: int, reason: str | None = None, who: str | None = None
    ) -> tuple[int, list[int]]:
        """An active broadcast with so many messages; returns its number and theirs."""
        now = self.clock()
        wanted = Broadcast(
            0, name, MessageType.CLIENT_NOTICE, BroadcastClass.HEALTH, channel, False, now, None, None, {}
        )
        number = await self.store.run(broadcasts.order, CLINIC, wanted, now)
        state = State.REFUSED if reason else State.SCHEDULED
        planned = []
        for _ in range(size):
            person, address = await self.person(channel, who)
            planned.append(Planned(person, channel.value, 0, address, state, now, None, reason))
        await self.store.run(broadcasts.add_messages, CLINIC, number, planned, now)
        await self.store.run(broadcasts.activate, CLINIC, number)
        return number, await self.store.read(_messages, number)

    async def start(self, channel: Channel, most: int = 1000) -> list[int]:
        """Claim and start what is due; returns what is now being sent."""
        now, until = self.clock(), self.clock() + timedelta(minutes=1)
        due = await self.store.run(queue.claim, CLINIC, channel, OWNER, now, until, most)
        ids = [claimed.id for claimed in due]
        await self.store.run(queue.start, CLINIC, OWNER, ids, 10**9, now, until)
        return ids

    async def settle(
        self, messages: Sequence[int], state: State, outcome: str, cause: str, **more: Any
    ) -> None:
        """What became of messages that are being sent."""
        number = more.pop("number", 1)
        started = self.clock() - timedelta(seconds=12)
        settlements = [
            Settlement(
                m, number, state, outcome=outcome, cause=cause, started_at=started, charged=True, **more
            )
            for m in messages
        ]
        await self.store.run(settle.settle, CLINIC, OWNER, settlements, self.clock())


def _messages(conn: Any, number: int) -> list[int]:
    from sqlalchemy import select

    from store.schema import message

    return list(conn.execute(select(message.c.id).where(message.c.broadcast == number)).scalars())


async def busy_day(day: Day) -> dict[str, list[int]]:
    """A morning with every kind of outcome; returns messages by what became of them."""
    day.clock.move(hours=-2)
    _, calls = await day.broadcast("Tuesday appointments", Channel.VOICE, 24)
    await day.broadcast("Flu clinic invitation", Channel.EMAIL, 7)
    await day.broadcast("Referral letters", Channel.FAX, 2, reason="no-consent")
    await day.start(Channel.VOICE, 20)
    made = {
        "confirmed": calls[:9],
        "voicemail": calls[9:12],
        "busy": calls[12:14],
        "no-answer": calls[14:16],
        "failed": calls[16:17],
        "sending": calls[17:20],
        "waiting": calls[20:],
    }
    evidence = {"digits": "1", "seconds": 11.4, "cause": 16}
    await day.settle(made["confirmed"], State.DELIVERED, "delivered", "confirmed", evidence=evidence)
    day.clock.move(hours=1)
    await day.settle(made["voicemail"], State.DELIVERED, "delivered", "voicemail")
    later = day.clock() + timedelta(hours=2)
    for cause in ("busy", "no-answer"):
        await day.settle(made[cause], State.SCHEDULED, "retry", cause, reason=cause, due_at=later)
    day.clock.move(hours=1)
    await day.settle(made["failed"], State.FAILED, "failed", "no-such-number", evidence={"techcause": "404"})
    mails = await day.start(Channel.EMAIL)
    await day.settle(mails, State.ACCEPTED, "accepted", "relayed")
    return made
