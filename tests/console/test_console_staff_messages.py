"""Staff messages: a user asks, the recipient completes the task and says so, and the user is told."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import select

from gateway.accounts.rules import SHIPPED
from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.domain import Channel
from gateway.settings import Settings
from store import accounts, audit
from store.accounts import Details
from store.audit import Wanted
from store.engine import Store
from store.schema import direct, message
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC, Clock, Day

ASKED = {"subject": "Chart of a client", "body": "Page 2 lacks a <signature>.", "client": ""}


async def user(store: Store, clock: Clock, name: str, profile: str, email: str = "") -> int:
    """A user with a profile that came with Ringwell."""
    await store.run(accounts.ship, CLINIC, SHIPPED)
    found = next(one.id for one in await store.read(accounts.profiles, CLINIC) if one.shipped == profile)
    return await store.run(accounts.add, CLINIC, Details(name.lower(), name, found, email), clock())


@pytest.fixture
async def nora(store: Store, clock: Clock, administrator: int) -> int:
    """Who is in charge of charts."""
    return await user(store, clock, "Nora", "front-desk", "nora@clinic.example")


@pytest.fixture
async def hers(store: Store, settings: Settings, door: Door, nora: int) -> AsyncIterator[httpx.AsyncClient]:
    """Nora's browser."""
    transport = httpx.ASGITransport(create_app(store, settings, door))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as client:
        yield await come_in(client, door, nora)


async def _ask(browser: httpx.AsyncClient, to: int, **changes: str) -> httpx.Response:
    return await browser.post("/staff-messages/new", data={"to": [str(to)], **ASKED, **changes})


async def _notices(store: Store) -> list[tuple[str, str, str]]:
    query = select(message.c.channel, message.c.address, direct.c.body).join(
        direct, direct.c.message == message.c.id
    )
    return [tuple(row) for row in await store.read(lambda conn: conn.execute(query).all())]


async def test_a_task_is_asked_for_done_and_told_of(
    browser: httpx.AsyncClient, hers: httpx.AsyncClient, nora: int
) -> None:
    sent = await _ask(browser, nora)
    assert sent.headers["location"] == "/staff-messages/1?done=sent"
    assert (await hers.get("/me/waiting")).json()["staff"] == 1
    assert "Chart of a client" in (await hers.get("/staff-messages")).text
    page = (await hers.get("/staff-messages/1")).text
    assert "Page 2 lacks a &lt;signature&gt;." in page
    assert (await hers.get("/me/waiting")).json()["staff"] == 0

    done = await hers.post("/staff-messages/1", data={"body": "It is complete now.", "how": "done"})
    assert done.headers["location"] == "/staff-messages/1?done=done"
    assert (await browser.get("/me/waiting")).json()["staff"] == 1
    told = (await browser.get("/staff-messages/1")).text
    assert "It is complete now." in told
    assert re.search(r"marked as done by Nora", told)
    assert "Chart of a client" in (await browser.get("/staff-messages?show=done")).text
    assert "Chart of a client" not in (await browser.get("/staff-messages")).text


async def test_a_message_about_a_client_names_them_and_the_look_is_audited(
    browser: httpx.AsyncClient, hers: httpx.AsyncClient, nora: int, day: Day, store: Store
) -> None:
    number, _ = await day.person(Channel.SMS, "Rosa Costa")
    assert 'value="c1"' in (await browser.get(f"/staff-messages/new?client={number}")).text
    await _ask(browser, nora, client="c1")
    page = (await hers.get("/staff-messages/1")).text
    assert "Rosa Costa" in page
    assert "Rosa" not in page.split("</title>")[0]
    lines = await store.read(audit.lines, CLINIC, Wanted(), 20)
    assert ("Nora", "staff-message-viewed", f"client:{number}") in [
        (line.actor, line.action, line.about) for line in lines
    ]


async def test_a_client_is_meant_by_name_and_chosen_where_several_are(
    browser: httpx.AsyncClient, hers: httpx.AsyncClient, nora: int, day: Day
) -> None:
    await day.person(Channel.SMS, "Rosa Costa")
    for _ in range(2):
        await day.person(Channel.SMS, "Ana Silva")
    assert (await _ask(browser, nora, client="rosa cos")).status_code == 303
    assert "Rosa Costa" in (await hers.get("/staff-messages/1")).text
    several = await _ask(browser, nora, client="silva")
    assert (several.status_code, several.text.count("Ana Silva")) == (400, 2)
    assert (await _ask(browser, nora, client="silva", chosen="c3")).status_code == 303
    assert "Ana Silva" in (await hers.get("/staff-messages/2")).text


async def test_sending_and_receiving_need_the_rule(
    browser: httpx.AsyncClient, store: Store, clock: Clock, stranger: httpx.AsyncClient, door: Door, nora: int
) -> None:
    auditor = await user(store, clock, "Axel", "auditor")
    form = (await browser.get("/staff-messages/new")).text
    assert f'id="to-{nora}"' in form
    assert f'id="to-{auditor}"' not in form
    assert (await _ask(browser, auditor)).status_code == 400
    client = await come_in(stranger, door, auditor)
    assert (await client.get("/staff-messages")).status_code == 403
    assert "staff" not in (await client.get("/me/waiting")).json()
    assert "nav-staff" not in (await client.get("/audit")).text


async def test_nobody_else_reads_or_answers(
    browser: httpx.AsyncClient, hers: httpx.AsyncClient, store: Store, clock: Clock, administrator: int
) -> None:
    other = await user(store, clock, "Otto", "clinician")
    await _ask(browser, other)
    assert (await hers.get("/staff-messages/1")).status_code == 404
    assert (await hers.post("/staff-messages/1", data={"body": "x", "how": "done"})).status_code == 404


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"subject": " "}, "Write a subject and a message."),
        ({"body": "x" * 4001}, "too long"),
        ({"subject": "x" * 201}, "too long"),
        ({"client": "nobody"}, "No client is called so"),
        ({"nobody": "1"}, "Choose who gets the message."),
    ],
)
async def test_what_cannot_be_sent_is_told_and_kept(
    browser: httpx.AsyncClient, nora: int, changes: dict[str, str], told: str
) -> None:
    answer = await _ask(browser, 0 if "nobody" in changes else nora, **changes)
    assert answer.status_code == 400
    assert told in answer.text
    if "body" not in changes:
        assert "Page 2 lacks a &lt;signature&gt;." in answer.text


async def test_an_answer_without_words_is_none(browser: httpx.AsyncClient, nora: int) -> None:
    await _ask(browser, nora)
    answer = await browser.post("/staff-messages/1", data={"body": " ", "how": "answer"})
    assert (answer.status_code, "Write an answer." in answer.text) == (400, True)


async def test_a_notice_says_nothing_of_the_message_and_comes_once_until_it_is_read(
    browser: httpx.AsyncClient, hers: httpx.AsyncClient, nora: int, store: Store
) -> None:
    await hers.post("/staff-messages/notices", data={"email": "1", "phone": "(202) 555-0147"})
    await _ask(browser, nora)
    await _ask(browser, nora, subject="Another")
    mail, text = sorted(await _notices(store))
    assert mail[:2] == ("email", "nora@clinic.example")
    assert mail[2].startswith("You have a message in Ringwell\n\n")
    assert text == ("sms", "+12025550147", "You have a message in Ringwell.")
    assert "Chart" not in mail[2] + text[2]
    for number in (1, 2):
        await hers.get(f"/staff-messages/{number}")
    await hers.post("/staff-messages/notices", data={})
    await _ask(browser, nora)
    assert len(await _notices(store)) == 2


async def test_a_telephone_that_is_none_is_told(hers: httpx.AsyncClient) -> None:
    for phone in ("call me", "nora@clinic.example"):
        answer = await hers.post("/staff-messages/notices", data={"phone": phone})
        assert (answer.status_code, "This is not a telephone number." in answer.text) == (400, True)


async def test_a_position_that_is_none_is_told(hers: httpx.AsyncClient) -> None:
    for before in ("x", "2026-03-10T10:00:00"):
        assert (await hers.get(f"/staff-messages?before={before}")).status_code == 400
