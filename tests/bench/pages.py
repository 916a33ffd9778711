"""Pages of the console beside 1,000,000 messages on SQLite: the server's time (95th percentile), and bytes.

A ratio is the time over 100 ms, or the bytes over 200 kB: at most 1. Requests go through the whole
application in this process, one after the other.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import Connection, text

from gateway.accounts.making import make_first
from gateway.console.app import create_app
from gateway.console.door import Door, Purpose
from gateway.domain import Channel
from gateway.settings import Settings
from store import broadcasts, migrate
from store.engine import Store
from tests import line
from tests.bench import rows
from tests.bench.measure import report

MESSAGES = 1_000_000
CLIENTS = 50_000
STEP = 50_000
LONGEST, LARGEST = 0.1, 200_000
ROUNDS = 60
# What stands in a clinic's history: channel, state and share of the broadcasts, in turns.
_KINDS = (
    (Channel.SMS, "delivered"),
    (Channel.VOICE, "delivered"),
    (Channel.SMS, "delivered"),
    (Channel.EMAIL, "accepted"),
    (Channel.SMS, "delivered"),
    (Channel.VOICE, "delivered"),
    (Channel.VOICE, "failed"),
    (Channel.SMS, "refused"),
    (Channel.EMAIL, "delivered"),
    (Channel.SMS, "delivered"),
)

Page = Callable[[random.Random], tuple[str, Mapping[str, str]]]


def _number(dice: random.Random) -> str:
    return str(dice.randrange(1, MESSAGES))


PAGES: Mapping[str, Page] = {
    "history": lambda dice: ("/history", {}),
    "history, somewhere": lambda dice: ("/history", {"before": _number(dice)}),
    "history of a broadcast": lambda dice: ("/history", {"broadcast": str(dice.randrange(1, 100))}),
    "history of a client": lambda dice: ("/history", {"client": str(dice.randrange(1, CLIENTS))}),
    "history of a day": lambda dice: ("/history", {"since": _day(dice), "until": _day(dice)}),
    "history, needs a person": lambda dice: ("/history", {"state": "person"}),
    "history, confirmed": lambda dice: ("/history", {"answer": "yes", "before": _number(dice)}),
    "history, not confirmed": lambda dice: ("/history", {"answer": "no", "before": _number(dice)}),
    "history, a type that nobody has": lambda dice: ("/history", {"type": "staff-list"}),
    "history, a cause that nothing has": lambda dice: ("/history", {"cause": "mailbox-full"}),
    "messaging": lambda dice: ("/messaging", {}),
    "planned broadcasts": lambda dice: ("/broadcasts", {}),
    "a broadcast": lambda dice: (f"/broadcasts/{dice.randrange(1, 20)}", {}),
    "rules": lambda dice: ("/rules", {}),
    "message": lambda dice: (f"/messages/{_number(dice)}", {}),
}


def _day(dice: random.Random) -> str:
    return str((datetime.now(UTC) - timedelta(days=dice.randrange(1, 380))).date())


def _fill(conn: Connection, first: int, now: datetime) -> None:
    way, state = _KINDS[first // STEP % len(_KINDS)]
    at = now - timedelta(days=400 * (1 - first / MESSAGES), hours=1)
    rows.add_messages(conn, first, STEP, state, at, way)


def _spread(conn: Connection) -> None:
    """Messages to so many clients, over hours, and with other ends than the usual one."""
    hour = 3_600_000_000
    conn.execute(
        text(
            f"UPDATE message SET recipient = 1 + id % {CLIENTS}, updated_at = updated_at + id % 9 * {hour}, "
            "cause = CASE WHEN state = 'failed' THEN 'no-such-number' WHEN channel <> 'voice' THEN cause "
            "WHEN id % 3 = 0 THEN 'confirmed' WHEN id % 3 = 1 THEN 'voicemail' ELSE 'played' END"
        )
    )


async def filled(store: Store) -> None:
    """1,000,000 messages of 400 days, and the clients that they went to."""
    now = store.clock()
    await migrate.upgrade(store)
    for first in range(0, MESSAGES, STEP):
        await store.run(_fill, first, now)
    await store.run(rows.add_audience, 1, CLIENTS, now)
    await store.run(_spread)
    for number in range(MESSAGES // rows.A_BROADCAST + 1):
        at = now - timedelta(days=400 * (1 - number * rows.A_BROADCAST / MESSAGES), hours=9)
        await store.run(broadcasts.order, rows.CLINIC, line.order(Channel.SMS, now), at)


async def _come_in(browser: httpx.AsyncClient, store: Store, door: Door) -> None:
    user = await store.run(make_first, rows.CLINIC, "bench", "Bench", "en", store.clock())
    assert user is not None
    answer = await browser.post("/enter", data={"token": door.issue(Purpose.ENTER, user)})
    assert answer.status_code == 303, answer.text


async def _measure(browser: httpx.AsyncClient, name: str, page: Page) -> None:
    dice, took, largest = random.Random(name), [], 0
    for _ in range(ROUNDS):
        path, query = page(dice)
        begin = time.perf_counter()
        answer = await browser.get(path, params=query)
        took.append(time.perf_counter() - begin)
        if answer.status_code != 200:
            raise RuntimeError(f"{name}: {answer.status_code}")
        largest = max(largest, len(answer.content))
    late = statistics.quantiles(took, n=20)[-1]
    report(
        "pages",
        late / LONGEST,
        1.0,
        at_most=True,
        page=name,
        milliseconds=round(late * 1000, 1),
        median=round(statistics.median(took) * 1000, 1),
    )
    report("pages-bytes", largest / LARGEST, 1.0, at_most=True, page=name, bytes=largest)


async def _pages(folder: Path, wanted: str) -> None:
    settings = Settings(instance=folder, clinic={"name": "Bench", "zone": "America/New_York"})
    door = Door(folder / "console", lambda: datetime.now(UTC))
    async with Store(f"sqlite:///{folder}/store.db") as store:
        await filled(store)
        transport = httpx.ASGITransport(create_app(store, settings, door))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as browser:
            await _come_in(browser, store, door)
            for name, page in PAGES.items():
                if name.startswith(wanted):
                    await _measure(browser, name, page)


def main(wanted: str = "") -> None:
    """Print two ratios for each page, or for those whose name begins so."""
    with tempfile.TemporaryDirectory(prefix="ringwell-bench-") as folder:
        asyncio.run(_pages(Path(folder), wanted))


if __name__ == "__main__":
    main(*sys.argv[1:])
