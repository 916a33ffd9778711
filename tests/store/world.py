"""Rows for tests, put straight into the tables where the store's own way there is not what is tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from gateway.domain import Broadcast, BroadcastClass, Channel, Limited, MessageType, RecipientKind, State
from store import broadcasts, ids, queue, register, settle
from store.engine import Store
from store.people import Person, Visit
from store.queue import Claimed
from store.schema import attempt, consent, message
from store.settle import Settlement

CLINIC = 1
NODE = "gate"
OWNER = f"{NODE}/00000001"
OTHER = "other/00000009"
LEASE = timedelta(minutes=1)
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
NOBODY_SINCE = 1_000_000


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        """Let time pass; the new now."""
        self.now += timedelta(**by)
        return self.now


@dataclass
class World:
    """Puts rows into a store and looks at them."""

    store: Store
    clock: Clock

    async def messages(self, count: int = 1, state: State = State.QUEUED, **columns: Any) -> list[int]:
        """So many messages in a state, with the lease, attempt and start that come with it."""
        return await self.store.run(_add_messages, count, state, self.clock(), columns)

    async def message(self, state: State = State.QUEUED, **columns: Any) -> int:
        """One message."""
        return (await self.messages(1, state, **columns))[0]

    async def row(self, number: int, clinic: int = CLINIC) -> Mapping[str, Any]:
        """A message as it is stored."""
        found = await self.rows(message, clinic=clinic, id=number)
        return found[0]

    async def states(self, numbers: Sequence[int]) -> list[str]:
        """The states of these messages."""
        return [(await self.row(number))["state"] for number in numbers]

    async def attempts(self, number: int) -> list[tuple[int, str, str]]:
        """(number, outcome, cause) of every attempt on record."""
        rows = await self.rows(attempt, message=number)
        return sorted((row["number"], row["outcome"], row["cause"]) for row in rows)

    async def ledger(self, person: int) -> list[tuple[bool, str]]:
        """(given, source) of a recipient's consent entries, oldest first."""
        rows = await self.rows(consent, recipient=person)
        return [(row["given"], row["source"]) for row in sorted(rows, key=lambda row: row["id"])]

    async def bad_addresses(self) -> dict[tuple[str, str], tuple[str, str]]:
        """(source, cause) of the entries that call an address bad, by channel and address."""
        rows = await self.rows(consent, recipient=0, given=False)
        assert len({(row["channel"], row["address"]) for row in rows}) == len(rows)
        return {(row["channel"], row["address"]): (row["source"], row["cause"]) for row in rows}

    async def rows(self, table: Table, **equal: Any) -> list[Mapping[str, Any]]:
        """Rows of a table."""
        query = select(table).where(*(table.c[name] == value for name, value in equal.items()))
        return await self.store.read(lambda conn: [dict(row) for row in conn.execute(query).mappings()])

    async def claim(self, most: int = 100, **changes: Any) -> list[Claimed]:
        """Claim what is due now."""
        wanted: dict[str, Any] = {
            "clinic": CLINIC,
            "channel": Channel.SMS,
            "owner": OWNER,
            "now": self.clock(),
        } | changes
        return await self.store.run(queue.claim, **wanted, until=self.clock() + LEASE, most=most)

    async def start(
        self,
        numbers: Sequence[int],
        as_of: int = NOBODY_SINCE,
        owner: str = OWNER,
        limited: Mapping[int, Limited] | None = None,
    ) -> dict[int, int]:
        """Start claimed messages."""
        now = self.clock()
        return await self.store.run(
            queue.start, CLINIC, owner, numbers, as_of, now, now + LEASE, limited or {}
        )

    async def settle(self, *settlements: Settlement, owner: str = OWNER) -> None:
        """Settle in one batch."""
        await self.store.run(settle.settle, CLINIC, owner, settlements, self.clock())

    async def person(self, name: str = "p1", **changes: Any) -> int:
        """A client as an import gives one."""
        usual: dict[str, Any] = {
            "given_name": "Rosa",
            "family_name": "Costa",
            "language": "en",
            "consent": True,
        }
        person = Person(RecipientKind.CLIENT, name, **(usual | changes))
        return await self.store.run(register.save_person, CLINIC, person, self.clock())

    async def visit(self, name: str, client: str, **changes: Any) -> bool:
        """An appointment as an import gives one."""
        usual: dict[str, Any] = {"staff": None, "service": "Check-up", "clinician": "Dr. Ito"}
        usual |= {"starts_at": self.clock() + timedelta(days=1)}
        return await self.store.run(register.save_visit, CLINIC, Visit(name, client, **(usual | changes)))

    async def broadcast(self, type: MessageType = MessageType.CLIENT_NOTICE, **changes: Any) -> Broadcast:
        """An ordered broadcast, still being planned."""
        usual: dict[str, Any] = {"name": "Notice", "broadcast_class": BroadcastClass.HEALTH}
        usual |= {"channel": Channel.SMS, "only_preference": False, "send_at": self.clock()}
        usual |= {"starts_from": None, "starts_until": None, "templates": {"sms": {"text": "Hello"}}}
        wanted = Broadcast(id=0, type=type, **(usual | changes))
        number = await self.store.run(broadcasts.order, CLINIC, wanted, self.clock())
        found = await self.store.read(broadcasts.find, CLINIC, number)
        assert found is not None
        return found


def delivered(number: int, attempt: int = 1, **changes: Any) -> Settlement:
    """The usual good end of an attempt."""
    usual: dict[str, Any] = {"outcome": "delivered", "cause": "receipt-delivered", "charged": True}
    return Settlement(number, attempt, State.DELIVERED, **(usual | changes))


def _add_messages(
    conn: Connection, count: int, state: State, now: datetime, columns: Mapping[str, Any]
) -> list[int]:
    clinic = columns.get("clinic", CLINIC)
    first = ids.take(conn, clinic, "message", count)
    usual: dict[str, Any] = {"clinic": CLINIC, "broadcast": 1, "channel": "sms", "appointment": 0, "step": 0}
    usual |= {"address": "+12025550100", "state": state.value, "due_at": now, "attempt": 0, "charged": 0}
    usual |= {"updated_at": now} | _as_found_in(state, now) | dict(columns)
    rows = [{"recipient": number} | usual | {"id": number} for number in range(first, first + count)]
    conn.execute(insert(message), rows)
    return [row["id"] for row in rows]


def _as_found_in(state: State, now: datetime) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if state in (State.CLAIMED, State.SENDING):
        found |= {"lease_owner": OWNER, "lease_until": now + LEASE}
    if state in (State.SENDING, State.ACCEPTED, State.DELIVERED, State.FAILED, State.UNKNOWN):
        found |= {"attempt": 1, "started_at": now}
    return found
