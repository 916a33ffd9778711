"""The queue's statements find their rows through indexes, also beside 200,000 settled messages."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain import Channel, Limit, Limited, Reply, ReplyKind
from store import (
    agreed,
    broadcasts,
    cascades,
    inbox,
    invitations,
    overview,
    queue,
    receipts,
    room,
    settle,
    sweep,
    visits,
    why,
)
from store.engine import Store
from store.people import Visit
from store.schema import reply
from tests.bench import rows
from tests.postgres import Server
from tests.store.conftest import ENGINES
from tests.store.plans import plans_of
from tests.store.world import CLINIC, LEASE, NODE, NOON, OWNER, Clock, World, delivered

SETTLED = 200_000
SMS = Channel.SMS
SOON = NOON + LEASE
WITHIN = Limited("+12025550100", frozenset({"+12025550100"}), [Limit(NOON, 3)])
STEP = (1, 7, 0, 1)
BEFORE = invitations.Before(1, NOON, "booked", 7, None)
MOVED = Visit("v1", "p1", None, NOON + timedelta(days=1), "", "")

# What is asked, and the index that must answer.
QUESTIONS: dict[str, tuple[str, Callable[..., Any], tuple[Any, ...]]] = {
    "claim": ("ix_message_due", queue.claim, (CLINIC, SMS, OWNER, NOON, SOON, 100)),
    "start": ("message_pkey|ix_message_leased", queue.start, (CLINIC, OWNER, [1, 2, 3], 1, NOON, SOON)),
    "start of limited ones": (
        "ix_message_(sent|leased)",
        queue.start,
        (CLINIC, OWNER, [1, 2, 3], 1, NOON, SOON, {1: WITHIN}),
    ),
    "hand back": ("message_pkey|ix_message_leased", queue.hand_back, (CLINIC, OWNER, [1, 2, 3])),
    "settle": ("message_pkey", settle.settle, (CLINIC, OWNER, [delivered(1), delivered(2)], NOON)),
    "renew": ("ix_message_leased", sweep.renew, (OWNER, SOON)),
    "sweep": ("ix_message_leased", sweep.sweep, (NODE, OWNER, NOON)),
    "strays": ("ix_message_leased", sweep.release_strays, (CLINIC, SMS, OWNER, {1}, {2})),
    "open attempts": ("ix_message_waiting", sweep.open_attempts, (CLINIC, SMS, NOON)),
    "unconfirmed": ("ix_message_unconfirmed", sweep.close_unconfirmed, (CLINIC, NOON, NOON, 500)),
    "open messages": ("message_pkey", receipts.open_messages, (CLINIC, [7, 8])),
    "orphans": ("ix_message_(waiting|sent)", receipts.open_by_address, (CLINIC, SMS, "+12025550100")),
    "contacts made": (
        "ix_message_(sent|leased)",
        room.contacts_made,
        (CLINIC, ["+12025550100"], NOON),
    ),
    "reply to": ("ix_message_sent", receipts.latest_to, (CLINIC, SMS, "+12025550100", NOON, NOON)),
    "visits told": ("ix_message_sent", receipts.visits_told, (CLINIC, SMS, "+12025550100", NOON)),
    "calendars": (
        "ix_message_(sent|clinic_recipient_id)",
        invitations.tell,
        (CLINIC, {"v1": BEFORE}, [MOVED], NOON),
    ),
    "steps": (
        "uq_message|autoindex_message|ix_message_clinic_recipient_id",
        cascades.standings,
        (CLINIC, [STEP]),
    ),
    "moved": ("ix_message_(about|leased|undone)", visits.follow, (CLINIC, [1, 2], NOON)),
    "agreed": ("ix_message_(refused|leased)", agreed.follow, (CLINIC, [(7, None), (8, SMS)], NOON)),
    "next steps": (
        "uq_message|autoindex_message|ix_message_clinic_recipient_id|ix_message_due",
        cascades.follow,
        (CLINIC, [1, 2], NOON),
    ),
    "answered": (
        "uq_message|autoindex_message|ix_message_clinic_recipient_id|ix_message_leased",
        cascades.stop,
        (CLINIC, 1, NOON),
    ),
    "overdue": ("ix_message_due", sweep.overdue, (CLINIC, SMS, NOON, 500)),
    "of a client": ("ix_message_clinic_recipient_id", why.latest, (CLINIC, 7, 5)),
    "cancel": ("uq_message|autoindex_message", broadcasts.cancel, (CLINIC, 1, NOON)),
    "missed calls": ("ix_message_desk_missed", inbox.listing, (CLINIC, 1, NOON)),
    "how many missed calls": ("ix_message_desk_missed", inbox.counts, (CLINIC, 1, NOON)),
    "today": (
        "ix_message_(due|leased)",
        overview.of_day,
        (CLINIC, NOON - timedelta(hours=12), NOON + timedelta(hours=12)),
    ),
}


@pytest.fixture(scope="module")
def filled_urls(
    postgres: Server, postgres_template: str, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """A large database on each engine, filled once; the tests write nothing into it."""
    path = tmp_path_factory.mktemp("large") / "store.db"
    shutil.copy(sqlite_template, path)
    postgres.sql(f'CREATE DATABASE "large" TEMPLATE "{postgres_template}"')
    urls = {"sqlite": f"sqlite:///{path}", "postgresql": postgres.url("large")}
    asyncio.run(_fill(urls))
    return urls


async def _fill(urls: dict[str, str]) -> None:
    for engine in ENGINES:
        async with Store(urls[engine]) as store:
            await World(store, Clock()).broadcast()
            await store.run(lambda conn: conn.execute(reply.insert(), _replies(5000)))
            await store.run(rows.add_messages, 1, SETTLED, "delivered", NOON - timedelta(days=9))
            await store.run(rows.add_messages, SETTLED + 1, 500, "queued", NOON)
            await store.run(rows.add_messages, SETTLED + 501, 5000, "refused", NOON)
            if engine == "postgresql":
                await store.run(lambda conn: conn.exec_driver_sql("ANALYZE"))


def _replies(count: int) -> list[dict[str, Any]]:
    same = {"clinic": CLINIC, "channel": "sms", "kind": "other", "text": "Hello", "at": NOON}
    return [same | {"id": 10_000 + i, "address": f"+1202556{i:04}"} for i in range(count)]


@pytest.fixture
async def large(filled_urls: dict[str, str], engine: str) -> AsyncIterator[Store]:
    """The large database on one engine."""
    async with Store(filled_urls[engine]) as store:
        yield store


@pytest.mark.parametrize("question", QUESTIONS)
async def test_messages_are_found_through_the_right_index(large: Store, question: str) -> None:
    index, work, args = QUESTIONS[question]
    plan = await plans_of(large, work, *args)
    ways = [line for line in plan.splitlines() if _reads_messages(line)]
    assert ways, plan
    for way in ways:
        assert re.search(f"{index}|{_WHOLE_KEY}", way), plan
    assert not re.search(r"Index Cond: \(clinic = \$\d+\)$", plan, re.MULTILINE), plan
    if index.startswith("ix_"):
        assert re.search(index, plan), plan


# With the clinic alone it would be a walk through everything.
_WHOLE_KEY = r"PRIMARY KEY \(clinic=\? AND id=\?|message_pkey"


def _reads_messages(line: str) -> bool:
    if re.search(r"^(SCAN|SEARCH) message\b", line):
        return True
    return bool(
        re.search(
            r"(Seq Scan on message|Index (Only )?Scan (Backward )?using \w+ on message|"
            r"Index Scan on \w*message)",
            line,
        )
    )


async def test_a_reply_told_twice_is_found_by_its_address(large: Store) -> None:
    got = Reply(SMS, ReplyKind.OTHER, "+12025550100", NOON, "Hello")
    plan = await plans_of(large, receipts.add_reply, CLINIC, got, "+12025550100", None, None)
    assert "ix_reply_clinic_address" in plan, plan
