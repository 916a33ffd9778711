"""A clinic's week, played on the product and told to the oracle: everything random comes from one seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from gateway import broadcast, domain, wording
from gateway.channels.sms_replies import classify
from gateway.dispatch import Dispatcher
from gateway.domain import (
    Accepted,
    Attempt,
    BroadcastClass,
    Delivered,
    Failed,
    MessageType,
    OptedOut,
    Outcome,
    Party,
    RecipientKind,
    Reply,
    ReplyKind,
    Retry,
    RetryKind,
    Source,
    Unknown,
    attempt_id,
)
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.policy import Rules
from gateway.replies import Replies
from gateway.settings import Settings
from store import broadcasts, ledger, people, register, sweep
from store import people as rows
from store.engine import Store
from store.ledger import Entry
from store.schema import appointment, message
from tests.model.oracle import CLINIC_ZONE, Client, Contact, FoundError, Message, Oracle, Order, Visit, Word
from tests.model.stage import Stage

CLINIC, NODE = 1, "gate"
CHANNELS = ("voice", "sms", "email")
ZONES = ("", "", "America/Los_Angeles", "America/Phoenix", "Pacific/Honolulu", "Europe/London")
NUMBERS = tuple(f"+1202555010{place}" for place in range(7))
CLIENTS = 8
# In the first two a clock changes, in the one at home or in the other in London; the third is any week.
WEEKS = (datetime(2026, 3, 5, 15, tzinfo=UTC), datetime(2026, 10, 23, 15, tzinfo=UTC))
WEEKS += (datetime(2026, 10, 29, 15, tzinfo=UTC), datetime(2026, 6, 3, 15, tzinfo=UTC))
PAUSES = (10, 45, 60, 60, 180, 360, 600)
QUIET_SECONDS = 60.0
WORDS = ("STOP", "please opt me out", "START", "START", "unstop", "CANCEL", "C1", "yes", "yes", "HELP", "ok")
SETTINGS = {
    "clinic": {"zone": CLINIC_ZONE},
    "texts": {"answers": False},
    "dispatch": {"poll_seconds": 0.01, "claim": 20, "micro_batch": 5},
}
WAITING = ("claimed", "sending")
QUEUED = ("scheduled", "queued")
UNSENT = ("cancelled", "expired", "refused")
# What closes a message until its appointment comes back.
BY_VISIT = (
    "appointment-cancelled",
    "appointment-moved",
    "expired",
    "stale",
    "window-after-expiry",
    "cap-after-expiry",
)
# What closes it until its client agrees.
BY_CONSENT = ("no-consent", "no-contact-consent", "consent-withdrawn")


def _joined(_: Any) -> Reply:
    raise LookupError("no text here has parts")


@dataclass
class Hold:
    """What the lines of a gateway that is about to be killed do: nothing, or nothing that ends."""

    sends: bool = False
    hanging: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class HeldStage(Stage):
    """A channel that can be told to stand still."""

    hold: Hold = field(default_factory=Hold)

    async def slots(self) -> int:
        """Room for everybody, unless it stands still."""
        await self.hold.open.wait()
        return await super().slots()

    async def send(self, attempt: Attempt) -> Outcome:
        """What becomes of it, unless nothing ever does."""
        outcome = await super().send(attempt)
        if self.hold.sends:
            self.hold.hanging += 1
            await asyncio.Event().wait()
        return outcome


class Gateway:
    """One life of a gateway: what the daemon builds around its channels."""

    def __init__(self, store: Store, settings: Settings, life: int, ends: Any) -> None:
        self.hold, self.owner = Hold(), f"{NODE}/{life:08}"
        link = StoreLink(store)
        self.outbox = Outbox(link, settings, self.owner)
        stages = [HeldStage(domain.Channel(way), ends, self.hold) for way in CHANNELS]
        self._lines = [Dispatcher(stage, link, self.outbox, settings, self.owner) for stage in stages]
        self._tasks = [asyncio.create_task(one.run()) for one in (self.outbox, *self._lines)]

    def check(self) -> None:
        """Nothing that runs has failed."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def kill(self) -> None:
        """Nothing is settled any more, nothing is drained."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for line in self._lines:
            # A start that was being committed launches what it started, and that is cut off as well.
            while line.under_way:
                await line.drain(0.05)
                await asyncio.sleep(0)


class Week:
    """One random week, played tick by tick; raises FoundError with what was found."""

    def __init__(self, store: Store, clock: Any, seed: int, settings: dict[str, Any] | None = None) -> None:
        self.random, self.seed = random.Random(seed), seed
        self.store, self.clock = store, clock
        self.clock.now = self.random.choice(WEEKS)
        self.settings = Settings.model_validate(SETTINGS | (settings or {}))
        self.oracle = Oracle()
        self.orders: dict[int, Order] = {}
        self.messages: dict[int, Message] = {}
        self.rows: dict[int, Any] = {}
        self.lives = 0
        self.gateway: Gateway | None = None
        self.replied: set[str] = set()
        self.ids: dict[str, int] = {}
        self.visit_ids: dict[int, str] = {}
        self.tick: list[tuple[int, Contact, Outcome]] = []
        self.last: dict[int, Contact] = {}
        self.found: list[FoundError] = []
        self.log: list[str] = []

    def _start_gateway(self) -> Gateway:
        self.lives += 1
        return Gateway(self.store, self.settings, self.lives, self._ends)

    async def play(self, ticks: int) -> None:
        """Live through so many ticks."""
        try:
            for place in range(CLIENTS):
                await self._import_client(f"c{place}", fresh=True)
            for place in range(CLIENTS):
                await self._import_visit(f"v{place}")
            for _ in range(ticks):
                await self._tick()
        finally:
            if self.gateway is not None:
                await self.gateway.kill()

    async def _tick(self) -> None:
        self.replied.clear()
        events = self.random.choices(list(EVENTS), list(EVENTS.values()), k=self.random.randint(0, 3))
        for event in events:
            await event(self)
        self.clock.now += timedelta(minutes=self.random.choice(PAUSES))
        self.gateway = gateway = self._start_gateway()
        chance = self.random.random()
        if chance < 0.1:
            gateway = await self._kill(gateway)
        elif chance < 0.3:
            await self._at_the_last_moment()
        await self._quiet(gateway)
        await gateway.kill()
        await self._audit()

    def _say(self, *what: object) -> None:
        self.log.append(" ".join(map(str, (self.clock.now.isoformat(), *what))))

    # --- what the town does ---

    async def _ends(self, channel: domain.Channel, attempt: Attempt) -> Outcome:
        known = self.messages[attempt.message]
        self._say("sends", channel, attempt.message, attempt.number, attempt.address)
        try:
            made = self.oracle.sent(known, attempt.number, attempt.address, self.clock.now)
        except FoundError as error:
            self.found.append(error)
            return Unknown("found")
        outcome = self._outcome(channel, attempt)
        known.ended = not isinstance(outcome, Retry)
        made.charged = not (isinstance(outcome, Retry) and not outcome.charged)
        self.tick.append((attempt.message, made, outcome))
        self.last[attempt.message] = made
        await asyncio.sleep(0)
        return outcome

    def _outcome(self, channel: domain.Channel, attempt: Attempt) -> Outcome:
        """The same for the same attempt, whatever comes before it."""
        chance = random.Random(f"{self.seed}/{attempt.message}/{attempt.number}").random()
        outcomes: list[tuple[float, Outcome]] = [
            (0.50, Delivered("human")),
            (0.15, Retry(RetryKind.NO_ANSWER, "no-answer")),
            (0.08, Retry(RetryKind.BUSY, "busy")),
            (0.06, Retry(RetryKind.LINE_DOWN, "line-down", charged=False)),
            (0.03, Retry(RetryKind.DECLINED, "declined")),
            (0.04, Failed("failed")),
            (0.02, Failed("no-such-number", bad_address=True)),
            (0.06, OptedOut("opted-out") if channel == "voice" else Delivered("delivered")),
            (0.03, Unknown("timeout")),
            (1.00, Accepted("accepted")),
        ]
        for share, outcome in outcomes:
            if chance < share:
                return outcome
            chance -= share
        raise AssertionError

    # --- what the clinic and its clients do ---

    async def _import_client(self, name: str = "", *, fresh: bool = False) -> None:
        name = name or self.random.choice(list(self.oracle.clients))
        client = self.oracle.clients.setdefault(name, Client(name))
        if fresh or self.random.random() < 0.3:
            mine = self.random.choice(NUMBERS)
            client.addresses = {"sms": mine, "voice": self.random.choice([mine, mine, *NUMBERS])}
            client.addresses["email"] = f"{name}@example.org"
            if self.random.random() < 0.2:
                del client.addresses[self.random.choice(CHANNELS)]
        if fresh or self.random.random() < 0.2:
            client.zone = self.random.choice(ZONES)
        if fresh or self.random.random() < 0.4:
            client.preferred = self.random.choice(("", "", *CHANNELS))
        consent = self.random.choice((True, True, True, True, True, True, True, None, False))
        row = rows.Person(
            RecipientKind.CLIENT,
            name,
            "Rosa",
            name,
            "en",
            zone=client.zone or None,
            preferred=domain.Channel(client.preferred) if client.preferred else None,
            details={domain.Channel(way): at for way, at in client.addresses.items()},
            consent=consent,
        )
        self._say("imports", client, consent)
        [self.ids[name]] = await self.store.run(register.save_people, CLINIC, [row], self.clock.now)
        self.oracle.imported(client, consent, self.clock.now)

    async def _import_visit(self, name: str = "") -> None:
        name = name or f"v{self.random.randrange(CLIENTS * 2)}"
        visit = self.oracle.visits.get(name)
        moved = visit is None or self.random.random() < 0.6
        when = self.clock.now + timedelta(hours=self.random.randint(2, 120))
        if visit is None:
            client = self.random.choice(list(self.oracle.clients.values()))
            visit = self.oracle.visits[name] = Visit(name, client, when)
        elif moved:
            visit.starts_at = when
        if moved:
            visit.cancelled_by_patient = False
        status = "cancelled" if self.random.random() < 0.15 else "booked"
        visit.booked = status == "booked" and not visit.cancelled_by_patient
        self._say("visit", name, visit.client.name, visit.starts_at, status, visit.booked)
        row = rows.Visit(name, visit.client.name, None, visit.starts_at, "Check-up", "Dr. Ito", status)
        now = self.clock.now
        await self.store.run(register.save_visits, CLINIC, [row], now=now)
        found = await self.store.read(
            lambda conn: conn.execute(select(appointment.c.id, appointment.c.external_id)).all()
        )
        self.visit_ids = {row[0]: row[1] for row in found}

    async def _order(self) -> None:
        chance, now = self.random.random, self.clock.now
        about = chance() < 0.75
        days = None
        if about:
            begin = now + timedelta(hours=self.random.randint(-12, 24))
            days = (begin, begin + timedelta(hours=self.random.choice((24, 48, 120))))
        later = timedelta(hours=self.random.choice((0, 0, 0, 1, 10)))
        order = Order(self.random.choice(CHANNELS), chance() < 0.5, now + later, days, now)
        kind = MessageType.UPCOMING_APPOINTMENTS if about else MessageType.CLIENT_NOTICE
        wanted = domain.Broadcast(
            id=0,
            name="Random",
            type=kind,
            broadcast_class=BroadcastClass.HEALTH,
            channel=domain.Channel(order.channel),
            only_preference=order.only_preference,
            send_at=order.send_at,
            starts_from=days[0] if days else None,
            starts_until=days[1] if days else None,
            templates=wording.default_templates(kind),
        )
        number = await broadcast.order(self.store, CLINIC, wanted)
        self.orders[number] = order
        self._say("orders", number, order)
        async for _ in broadcast.plan(
            self.store, CLINIC, broadcast.numbered(wanted, number), Rules.of(self.settings)
        ):
            pass
        await self._planned(number, order)

    async def _planned(self, number: int, order: Order) -> None:
        """Exactly those are told who should be, on the channel that they should be told on."""
        names = {id: name for name, id in self.ids.items()}
        for row in await self._messages(number):
            client = self.oracle.clients[names[row.recipient]]
            visit = self.oracle.visits[self.visit_ids[row.appointment]] if row.appointment else None
            known = Message(order, client, visit, row.channel, row.address)
            self.messages[row.id], self.rows[row.id] = known, row
            self._judge(row, known, [])
        planned = sorted(
            (known.client.name, known.visit.name if known.visit else "", known.channel)
            for known in self.messages.values()
            if known.order is order
        )
        everybody = [(one, None) for one in self.oracle.clients.values()]
        if order.days:
            begin, end = order.days
            due = [one for one in self.oracle.visits.values() if one.booked and begin <= one.starts_at < end]
            everybody = [(one.client, one) for one in due]
        wanted = sorted(
            (client.name, visit.name if visit else "", order.channel_for(client))
            for client, visit in everybody
        )
        if planned != wanted:
            raise FoundError(f"broadcast {number}: planned {planned}, wanted {wanted}")

    async def _cancel_order(self) -> None:
        if self.orders:
            number = self.random.choice(list(self.orders))
            self._say("cancels", number)
            self.orders[number].cancelled = True
            await self.store.run(broadcasts.cancel, CLINIC, number, self.clock.now)

    async def _staff_word(self) -> None:
        client, now = self.random.choice(list(self.oracle.clients.values())), self.clock.now
        given, channel = self.random.random() < 0.7, self.random.choice(("", "", *CHANNELS))
        way = domain.Channel(channel) if channel else None
        # As the command line writes it: a yes is the client's own, a no is everybody's.
        party = Party.CLIENT if given else None
        entry = Entry(self.ids[client.name], given, Source.STAFF, way, party=party)
        self._say("staff", client.name, given, channel)
        await self.store.run(ledger.add, CLINIC, [entry], now)
        client.words.append(Word(given, channel, now))

    async def _withdrawn(self) -> None:
        client, now = self.random.choice(list(self.oracle.clients.values())), self.clock.now
        self._say("withdrawn at the last moment", client.name)
        await self.store.run(
            people.add_consent, CLINIC, [self.ids[client.name]], False, Source.STAFF.value, now
        )
        client.words.append(Word(False, "", now))

    async def _visit_cancelled(self) -> None:
        visit = self.random.choice(list(self.oracle.visits.values()))
        visit.booked = False
        self._say("cancelled at the last moment", visit.name)
        row = rows.Visit(visit.name, visit.client.name, None, visit.starts_at, "", "", "cancelled")
        await self.store.run(register.save_visits, CLINIC, [row], now=self.clock.now)

    async def _listed(self) -> None:
        """The do-not-call list grows or shrinks."""
        address = self.random.choice(NUMBERS)
        given = address in self.oracle.do_not_call
        self._say("do not call", address, not given)
        entry = Entry(0, given, Source.DO_NOT_CALL, None, address)
        await self.store.run(ledger.add, CLINIC, [entry], self.clock.now)
        (self.oracle.do_not_call.discard if given else self.oracle.do_not_call.add)(address)

    async def _text(self) -> None:
        """Somebody writes: an answer to a text of ours, or out of the blue."""
        told = [id for id, known in self.messages.items() if known.channel == "sms" and known.attempts]
        if told and self.random.random() < 0.8:
            number = self.random.choice(told)
            known = self.messages[number]
            address, attempt = known.address, attempt_id(CLINIC, number, max(known.attempts))
        else:
            address, known, attempt = self.random.choice(NUMBERS), None, ""
            if any(self.messages[id].address == address for id in told):
                return
        if address in self.replied:
            return
        self.replied.add(address)
        text, now = self.random.choice(WORDS), self.clock.now
        self._say("text", address, attempt, text)
        reply = Reply(domain.Channel.SMS, classify(text), address, now, text, attempt)
        replies = Replies(self.settings, _joined)
        await self.store.run(replies.record, reply, now)
        self._heard(reply.kind, address, known, now)

    def _heard(self, kind: ReplyKind, address: str, known: Message | None, now: datetime) -> None:
        oracle, visit = self.oracle, known.visit if known else None
        holders = oracle.holders(address)
        also = known.client if known else holders[0] if len(holders) == 1 else None
        to_come = visit is not None and visit.starts_at > now
        if kind is ReplyKind.OPT_OUT or (kind is ReplyKind.CANCEL and not to_come):
            oracle.stopped(address, now, also, by_text=True)
        elif kind is ReplyKind.OPT_IN:
            oracle.started_again(address, now)
        elif kind is ReplyKind.CANCEL and also is not None:
            oracle.unclear(address, also, now)
        elif kind is ReplyKind.NOT_COMING and visit is not None and to_come:
            oracle.not_coming(address, visit, now)

    # --- the gateway dies, works, and is looked at ---

    async def _kill(self, gateway: Gateway) -> Gateway:
        """Between claim and start, or between start and settle; the next life of the gateway."""
        if self.random.random() < 0.5:
            self._say("is killed before a start")
            await self._claimed()
        else:
            self._say("is killed while it sends")
            gateway.hold.sends = True
            gateway.hold.open.set()
            async with asyncio.timeout(QUIET_SECONDS):
                while (  # noqa: ASYNC110
                    not gateway.hold.hanging and await self.store.read(_busy, self.clock.now)
                ):
                    await asyncio.sleep(0.005)
        await gateway.kill()
        self.gateway = another = self._start_gateway()
        await self.store.run(sweep.sweep, NODE, another.owner, self.clock.now)
        return another

    async def _at_the_last_moment(self) -> None:
        """Something is taken back after messages were judged, and before they are started."""
        await self._claimed()
        await self.random.choice((self._withdrawn, self._cancel_order, self._visit_cancelled))()

    async def _claimed(self) -> None:
        """All that is due is decided on, or waits for a start."""
        async with asyncio.timeout(QUIET_SECONDS):
            while await self.store.read(_undecided, self.clock.now):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def _quiet(self, gateway: Gateway) -> None:
        """Everything that is due has been decided and settled."""
        gateway.hold.open.set()
        async with asyncio.timeout(QUIET_SECONDS):
            while await self.store.read(_busy, self.clock.now):
                gateway.check()
                await asyncio.sleep(0.005)
        await gateway.outbox.flush()
        if self.found:
            raise self.found[0]

    async def _audit(self) -> None:
        """What was not sent could not have been, and what is put off could not go any earlier."""
        rows, now = {row.id: row for row in await self._messages()}, self.clock.now
        for id, contact, outcome in self.tick:
            lost = rows[id].state == "unknown"
            if lost:
                # Whoever may have been called was called.
                contact.charged = True
            elif isinstance(outcome, OptedOut):
                self.oracle.stopped(contact.address, now, self.messages[id].client, by_text=False)
            elif isinstance(outcome, Failed) and outcome.bad_address:
                self.oracle.dead.add((self.messages[id].channel, contact.address))
        for id, row in rows.items():
            known, before = self.messages[id], self.rows[id]
            if row.state == "unknown" and row.attempt not in known.attempts:
                known.attempts.add(row.attempt)
                if known.channel != "email":
                    self.oracle.contacts.append(Contact(known.address, row.started_at))
        also = [Contact(one.address, one.at) for _, one, _ in self.tick if not one.charged]
        for id, row in rows.items():
            known, before = self.messages[id], self.rows[id]
            if row.attempt == before.attempt and (row.state, row.due_at) != (before.state, before.due_at):
                self._judge(row, known, also)
            self._judge_closed(row, before, known, also)
            known.closed = row.state not in QUEUED
            known.ended = known.ended or row.state not in (*QUEUED, *UNSENT)
        self.rows = rows
        self.tick = []

    def _judge(self, row: Any, known: Message, also: list[Contact]) -> None:
        """Whether it is right that this message was closed or put off now, without an attempt."""
        now, until = self.clock.now, row.due_at
        if row.state in ("refused", "expired", "cancelled", "failed"):
            until = known.expires_at()
        elif row.state not in QUEUED or (known.closed and row.attempt):
            # What comes back and was tried in vain may wait for a day: its pause is not known any more.
            return
        chance = self.oracle.first_chance(known, now, until, also)
        if chance is not None:
            what = f"{row.state} until {row.due_at} ({row.reason})"
            raise FoundError(
                f"{known.channel} {row.id} to {known.client.name} at {now}: {what}, may go {chance}"
            )

    def _judge_closed(self, row: Any, before: Any, known: Message, also: list[Contact]) -> None:
        """Whether what is closed stays so, unless its appointment came back, or consent came, in time."""
        by_visit, by_consent = before.reason in BY_VISIT, before.reason in BY_CONSENT
        if row.state in QUEUED:
            if known.closed and not by_visit and not by_consent:
                raise FoundError(f"{known.channel} {row.id}: {before.state} ({before.reason}) came back")
        elif by_visit and not row.attempt and known.visit is not None:
            chance = self.oracle.first_chance(known, self.clock.now, known.expires_at(), also)
            if chance is not None:
                raise FoundError(f"{known.channel} {row.id}: its appointment is back, may go {chance}")
        elif by_consent and not row.attempt and (known.visit or known.order.send_at > self.clock.now):
            chance = self.oracle.first_chance(known, self.clock.now, known.expires_at(), also)
            if chance is not None:
                raise FoundError(f"{known.channel} {row.id}: its client agreed, may go {chance}")

    async def _messages(self, order: int | None = None) -> list[Any]:
        query = select(message).where(message.c.clinic == CLINIC, message.c.broadcast != 0)
        if order is not None:
            query = query.where(message.c.broadcast == order)
        return list(await self.store.read(lambda conn: conn.execute(query).all()))


def _busy(conn: Connection, now: datetime) -> int:
    due = message.c.state.in_(["scheduled", "queued"]) & (message.c.due_at <= now)
    query = select(func.count()).where(due | message.c.state.in_(WAITING))
    return int(conn.execute(query).scalar_one())


def _undecided(conn: Connection, now: datetime) -> int:
    due = message.c.state.in_(["scheduled", "queued"]) & (message.c.due_at <= now)
    return int(conn.execute(select(func.count()).where(due)).scalar_one())


EVENTS: dict[Callable[[Week], Any], int] = {
    Week._import_client: 4,
    Week._import_visit: 6,
    Week._order: 6,
    Week._cancel_order: 1,
    Week._staff_word: 2,
    Week._listed: 1,
    Week._text: 4,
}
