"""What pages and the API show of a day."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import Connection, event

from gateway.console import rows, today
from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.domain import Channel, LiveCall, Reply, ReplyKind, State
from gateway.settings import Settings
from store import history, migrate, overview, receipts, segments, stops
from store.engine import Store
from store.searching import Search
from store.segments import Named
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC, Clock, Day, busy_day

ZONE = ZoneInfo("America/New_York")
WAITING = Search(channel="voice", states=(State.SCHEDULED, State.QUEUED))


async def test_an_empty_day_says_what_to_do(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/")).text
    assert "No broadcasts today" in page
    assert "ringwell broadcast create" in page


async def test_an_empty_history_says_what_to_do(browser: httpx.AsyncClient) -> None:
    assert "Nothing has been sent yet" in (await browser.get("/history")).text


async def test_the_counters_add_up_to_every_message(browser: httpx.AsyncClient, day: Day) -> None:
    await busy_day(day)
    told = (await browser.get("/api/today")).json()
    assert told["totals"] == {
        "reached": 12,
        "confirmed": 9,
        "accepted": 7,
        "progress": 3,
        "waiting": 8,
        "person": 1,
        "unsent": 2,
    }
    assert [(line["name"], line["total"]) for line in told["broadcasts"]] == [
        ("Referral letters", 2),
        ("Flu clinic invitation", 7),
        ("Tuesday appointments", 24),
    ]


async def test_today_tells_how_each_channel_reaches_people_and_what_waits_for_a_person(
    browser: httpx.AsyncClient, day: Day
) -> None:
    await busy_day(day)
    page = (await browser.get("/")).text
    cells = dict(re.findall(r'id="((?:r|need)-[a-z-]+)" data-cell[^>]*>([^<]*)<', page))
    # Of the calls 12 were delivered, 9 of them confirmed, and one failed; the mails have left.
    assert cells["r-voice-sent"] == "13"
    assert (cells["r-voice-reached"], cells["r-voice-confirmed"]) == ("92 %", "69 %")
    assert (cells["r-email-sent"], cells["r-email-reached"]) == ("7", "0 %")
    assert "r-fax-sent" not in cells, "refused faxes were never sent"
    assert cells["need-failed"] == "1"
    assert "need-unknown" not in cells


async def test_outcomes_stand_in_the_clinics_hours(browser: httpx.AsyncClient, day: Day) -> None:
    await busy_day(day)
    hours = (await browser.get("/api/today")).json()["hours"]
    shown = [{key: value for key, value in hour.items() if value} for hour in hours[:3]]
    assert shown == [
        {"hour": "09:00", "confirmed": 9},
        {"hour": "10:00", "voicemail": 3, "noanswer": 2, "busy": 2},
        {"hour": "11:00", "accepted": 7, "failed": 1},
    ]


async def test_the_page_holds_each_live_cell_with_the_text_that_live_pages_are_told(
    browser: httpx.AsyncClient, day: Day, clock: Clock
) -> None:
    await busy_day(day)
    page = (await browser.get("/")).text
    found = await day.store.read(today.read, CLINIC, ZONE, clock())
    assert f'data-shape="{html.escape(found.shape)}"' in page
    cells = today.cells(found)
    assert len(cells) > 200
    for key, value in cells.items():
        id, _, attribute = key.partition("@")
        element = re.search(rf'<\w+ id="{id}"[^>]*>([^<]*)', page)
        assert element, key
        assert (f' {attribute}="{value}"' in element[0]) if attribute else element[1] == value, key


async def test_a_broadcast_of_last_evening_is_still_todays_after_midnight(day: Day, clock: Clock) -> None:
    clock.now = datetime(2026, 3, 10, 3, 50, tzinfo=UTC)
    await day.broadcast("Late", Channel.SMS, 1)
    await day.settle(await day.start(Channel.SMS), State.DELIVERED, "delivered", "receipt-delivered")
    clock.move(minutes=20)
    found = await day.store.read(today.read, CLINIC, ZONE, clock())
    assert [line.heading.name for line in found.lines] == ["Late"]
    clock.move(hours=12)
    assert (await day.store.read(today.read, CLINIC, ZONE, clock())).lines == ()


async def test_an_old_broadcast_that_is_under_way_is_todays(day: Day, clock: Clock) -> None:
    await day.broadcast("Slow", Channel.SMS, 2)
    await day.settle(await day.start(Channel.SMS, 1), State.DELIVERED, "delivered", "receipt-delivered")
    clock.move(days=3)
    assert len((await day.store.read(today.read, CLINIC, ZONE, clock())).lines) == 1


async def test_history_shows_a_message_in_words_with_its_address_masked(
    browser: httpx.AsyncClient, day: Day
) -> None:
    made = await busy_day(day)
    page = (await browser.get("/history", params={"state": "waiting", "channel": "voice"})).text
    assert page.count('<tr id="m') == 8
    assert "The line was busy; next try 12:30:00" in page
    assert "+1 202 •••" in page
    assert "+1202555" not in page
    assert f'href="/messages/{made["busy"][0]}"' in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"broadcast": "2"}, 7),
        ({"channel": "fax"}, 2),
        ({"state": "refused"}, 2),
        ({"state": "person"}, 1),
        ({"state": "delivered", "channel": "voice", "broadcast": "1"}, 12),
        ({"broadcast": "", "channel": "", "state": ""}, 33),
        ({"broadcast": "99"}, 0),
    ],
)
async def test_filters_stand_in_the_address(
    browser: httpx.AsyncClient, day: Day, query: dict[str, str], count: int
) -> None:
    await busy_day(day)
    found = (await browser.get("/api/messages", params=query)).json()["messages"]
    assert len(found) == count
    page = (await browser.get("/history", params=query)).text
    assert page.count('<tr id="m') == count
    assert ("No message fits this filter" in page) == (count == 0)


@pytest.mark.parametrize(
    "query", ["broadcast=x", "broadcast=²", "channel=pigeon", "state=gone", "before=-1", "after=1e9"]
)
async def test_a_wrong_filter_is_told_not_guessed(browser: httpx.AsyncClient, query: str) -> None:
    page, data = await browser.get(f"/history?{query}"), await browser.get(f"/api/messages?{query}")
    assert (page.status_code, data.status_code) == (400, 400)
    assert "The address names" in page.text
    assert "The address names" in data.json()["detail"]


async def test_pages_of_fifty_lead_down_and_up_again(browser: httpx.AsyncClient, day: Day) -> None:
    _, messages = await day.broadcast("Large", Channel.SMS, 120)
    seen: list[list[int]] = []
    query: dict[str, int] | None = {}
    while query is not None:
        told = (await browser.get("/api/messages", params=query)).json()
        seen.append([row["id"] for row in told["messages"]])
        newer, query = told["newer"], told["older"]
    assert [len(ids) for ids in seen] == [50, 50, 20]
    assert [id for ids in seen for id in ids] == sorted(messages, reverse=True)
    up = (await browser.get("/api/messages", params=newer)).json()
    assert [row["id"] for row in up["messages"]] == seen[1]
    top = (await browser.get("/api/messages", params=up["newer"])).json()
    assert [row["id"] for row in top["messages"]] == seen[0]
    assert top["newer"] is None


async def test_a_message_shows_its_attempts_evidence_receipts_and_replies(
    browser: httpx.AsyncClient, day: Day, clock: Clock
) -> None:
    _, (number,) = await day.broadcast("Lab", Channel.SMS, 1, who="Rosa Costa")
    await day.start(Channel.SMS)
    await day.store.run(segments.remember, CLINIC, Channel.SMS, [Named("3fa9", number, 1)], clock())
    evidence = {"segments": 1, "remote_ids": ["3fa9"]}
    await day.settle([number], State.ACCEPTED, "accepted", "submitted", evidence=evidence)
    reply = Reply(Channel.SMS, ReplyKind.CONFIRM, "+12025551001", clock(), "C")
    await day.store.run(receipts.add_reply, CLINIC, reply, reply.address, 1, number)
    page = (await browser.get(f"/messages/{number}")).text
    for words in ("Rosa Costa", "The phone company took it", "3fa9", "No receipt yet", "Confirm", "12.0"):
        assert words in page
    assert "+12025551001" not in page


@pytest.mark.parametrize("path", ["/messages/999", "/messages/x", "/messages/" + "9" * 40, "/nothing"])
async def test_what_is_not_there_is_a_page_of_its_own(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


async def test_names_are_text_never_markup(browser: httpx.AsyncClient, day: Day) -> None:
    number, _ = await day.broadcast("<b>Bold</b>", Channel.SMS, 1, who="<img src=x> O'Hara")
    for path in ("/", "/history", f"/history?broadcast={number}", "/messages/1"):
        page = (await browser.get(path)).text
        assert "<b>Bold" not in page
        assert "<img" not in page


async def test_both_engines_tell_the_same_day(day: Day, clock: Clock, fresh_postgres_url: str) -> None:
    """The same story written into both stores reads the same, hours and counters and rows."""
    began = clock.now
    await busy_day(day)
    async with Store(fresh_postgres_url, clock) as other:
        await migrate.upgrade(other)
        clock.now = began
        await busy_day(Day(other, clock))
        told = []
        for store in (day.store, other):
            found = await store.read(today.read, CLINIC, ZONE, clock())
            page = await store.read(rows.read_page, CLINIC, WAITING, ZONE, clock(), after=3)
            told.append((today.cells(found), found.shape, page.rows, page.older, page.newer))
    assert told[0] == told[1]


async def test_what_is_settled_costs_a_live_page_nothing(day: Day, clock: Clock) -> None:
    """SQLite finds broadcasts under way through the indexes on open rows, never by reading every message."""
    since, until = today.day(clock(), ZONE)

    def plan(conn: Connection) -> str:
        said: list[str] = []

        def explain(*args: Any) -> None:
            cursor, statement, values = args[1:4]
            steps = cursor.connection.execute("EXPLAIN QUERY PLAN " + statement, values)
            said.extend(step[3] for step in steps)

        event.listen(conn, "before_cursor_execute", explain)
        overview.of_day(conn, CLINIC, since, until)
        return "\n".join(said)

    steps = await day.store.read(plan)
    assert steps.count("ix_message_due") == len(Channel)
    assert "ix_message_leased" in steps
    assert "message USING PRIMARY KEY" not in steps


async def test_a_stop_is_shown_with_its_reason_above_everything(
    browser: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    await store.run(stops.order, CLINIC, Channel.SMS, "wrong <list>", "Ito", False, clock())
    page = (await browser.get("/")).text
    assert "Text: stopped" in page
    assert "by Ito: wrong &lt;list&gt;" in page
    (told,) = (await browser.get("/api/today")).json()["stopped"]
    assert (told["channel"], told["reason"], told["by"]) == ("sms", "wrong <list>", "Ito")
    await store.run(stops.lift, CLINIC, None, "Ito", clock())
    assert "Text: stopped" not in (await browser.get("/")).text


async def test_calls_in_progress_show_stage_and_person_but_no_number(
    store: Store, settings: Settings, door: Door, day: Day, clock: Clock, administrator: int
) -> None:
    await busy_day(day)
    entries = await store.read(history.entries, CLINIC, history.Filter(channel="voice"))
    some = [entry for entry in entries if entry.started_at is not None][:2]

    async def up() -> list[LiveCall]:
        mine = [LiveCall(f"rw-1-{entry.id}-1", CLINIC, entry.id, "ringing", "main") for entry in some]
        return [*mine, LiveCall("rw-2-1-1", 2, some[0].id, "ringing", "main")]

    transport = httpx.ASGITransport(create_app(store, settings, door, up))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as client:
        assert (await client.get("/api/calls")).status_code == 401
        await come_in(client, door, administrator)
        rows = (await client.get("/api/calls")).json()["calls"]
        board, part = (await client.get("/")).text, (await client.get("/today/calls")).text
    assert [(row["message"], row["stage"], row["trunk"]) for row in rows] == [
        (entry.id, "ringing", "main") for entry in some
    ]
    assert [row["name"] for row in rows] == [entry.name for entry in some]
    for shown in (str(rows), board, part):
        assert not any(entry.address in shown for entry in some)
    for page in (board, part):
        assert page.count("Ringing") == len(some)
        assert "hidden" not in page.partition('id="calls"')[2].partition(">")[0]
