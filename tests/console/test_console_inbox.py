"""The inbox: replies, faxes and missed calls are read, taken, answered and closed."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from PIL import Image

from gateway.console.door import Door
from gateway.domain import Channel, Direct, DirectKind, RecipientKind, Reply, ReplyKind, State
from gateway.replies import Replies
from gateway.settings import Settings
from store import audit, conversations, faxes, register
from store.audit import Wanted
from store.engine import Store
from store.faxes import Fax
from store.people import Person
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC, Clock, Day
from tests.console.test_console_staff_messages import user

PHONE = "+12025550107"
CALLER = "+12125552081"


def _joined(parts: object) -> Reply:
    raise AssertionError("no parts here")


@pytest.fixture
async def asked(store: Store, settings: Settings) -> None:
    """A client who asked something in a text: conversation 1."""
    now = store.clock()
    rosa = Person(
        RecipientKind.CLIENT, "r", "Rosa", "Costa", "en", details={Channel.SMS: PHONE}, consent=True
    )
    await store.run(register.save_person, CLINIC, rosa, now)
    question = Reply(Channel.SMS, ReplyKind.OTHER, PHONE, now, "Is there <parking>?")
    await store.run(Replies(settings, _joined).record, question, now)


@pytest.fixture
async def received(store: Store, settings: Settings, clock: Clock) -> None:
    """A fax of two pages: number 1."""
    settings.received_faxes.mkdir(parents=True)
    pages = [Image.new("1", (1728, 2200), 1) for _ in range(2)]
    pages[0].save(settings.received_faxes / "a.pdf", save_all=True, append_images=pages[1:])
    fax = Fax("1.1", "desk", "+12025550108", CALLER, "LAB", 2, False, "a.pdf", clock())
    notice = Direct(DirectKind.NOTICE, "", None, clock() + timedelta(days=1))
    await store.run(faxes.keep, CLINIC, fax, (), notice, clock())


@pytest.fixture
async def missed(day: Day) -> int:
    """A call whose recipient asked for the desk, in vain: its message's number."""
    _, (call,) = await day.broadcast("Visits", Channel.VOICE, 1, who="Samir Hansen")
    await day.start(Channel.VOICE)
    await day.settle([call], State.DELIVERED, "delivered", "desk-missed")
    return call


async def _actions(store: Store) -> list[tuple[str, str]]:
    return [(line.action, line.about) for line in await store.read(audit.lines, CLINIC, Wanted(), 50)]


async def test_all_that_waits_is_one_list_with_counts(
    browser: httpx.AsyncClient, asked: None, received: None, missed: int
) -> None:
    page = (await browser.get("/inbox")).text
    for told in ("Rosa Costa", "+1 212 ••• 2081", "Samir Hansen", "One reply to read", "Fax, 2 pages"):
        assert told in page
    assert CALLER not in page
    assert (await browser.get("/me/waiting")).json()["inbox"] == 3
    only = (await browser.get("/inbox?kind=faxes")).text
    assert "2081" in only
    assert "Rosa" not in only


async def test_a_reply_is_taken_answered_and_waits_no_longer(
    browser: httpx.AsyncClient, asked: None, store: Store, administrator: int
) -> None:
    page = (await browser.get("/inbox/conversations/1")).text
    assert "Is there &lt;parking&gt;?" in page
    assert PHONE not in page
    taken = await browser.post("/inbox/conversations/1/assign", data={"user": str(administrator)})
    assert taken.headers["location"] == "/inbox/conversations/1?done=assigned"
    assert "Rosa Costa" in (await browser.get("/inbox?whose=mine")).text
    assert "Rosa Costa" not in (await browser.get("/inbox?whose=unassigned")).text
    sent = await browser.post("/inbox/conversations/1/answer", data={"body": "Yes,\r\nbehind the house."})
    assert sent.headers["location"] == "/inbox/conversations/1?done=answered"
    lines = await store.read(conversations.lines, CLINIC, PHONE)
    assert [(line.ours, line.text, line.by) for line in lines][1] == (
        True,
        "Yes,\nbehind the house.",
        "Ada Administrator",
    )
    assert "Nothing waits here" in (await browser.get("/inbox")).text
    assert "Rosa Costa" in (await browser.get("/inbox?show=everything")).text
    assert ("text-answered", "conversation:1") in await _actions(store)


async def test_a_text_that_cannot_be_sent_is_told_and_kept(browser: httpx.AsyncClient, asked: None) -> None:
    answer = await browser.post("/inbox/conversations/1/answer", data={"body": "bell \x07"})
    assert answer.status_code == 400
    assert "control character" in answer.text
    assert "bell \x07</textarea>" in answer.text


async def test_a_number_is_shown_when_asked_for_and_that_is_audited(
    browser: httpx.AsyncClient, asked: None, store: Store
) -> None:
    assert PHONE in (await browser.get("/inbox/conversations/1?number=shown")).text
    assert ("number-shown", "conversation:1") in await _actions(store)


async def test_a_fax_is_read_page_by_page_and_closed(
    browser: httpx.AsyncClient, received: None, settings: Settings, store: Store
) -> None:
    page = (await browser.get("/inbox/faxes/1")).text
    assert "Pages may be missing" in page
    drawn = await browser.get("/inbox/faxes/1/pages/2.png")
    assert (drawn.status_code, drawn.content[:4]) == (200, b"\x89PNG")
    assert (await browser.get("/inbox/faxes/1/pages/3.png")).status_code == 404
    whole = await browser.get("/inbox/faxes/1/pages.pdf")
    assert whole.content.startswith(b"%PDF")
    assert whole.headers["content-disposition"].startswith("inline")
    assert (await browser.post("/inbox/faxes/1/close")).status_code == 303
    fax = await store.read(faxes.find, CLINIC, 1)
    assert fax is not None
    assert fax.read_by == "Ada Administrator"
    (settings.received_faxes / "a.pdf").write_bytes(b"%PDF-1.4 no pages")
    assert (await browser.get("/inbox/faxes/1/pages/1.png")).status_code == 404


async def test_a_missed_call_is_closed_once_somebody_called_back(
    browser: httpx.AsyncClient, missed: int, store: Store
) -> None:
    page = (await browser.get(f"/inbox/calls/{missed}")).text
    assert "Samir Hansen" in page
    closed = await browser.post(f"/inbox/calls/{missed}/close")
    assert closed.headers["location"] == f"/inbox/calls/{missed}?done=closed"
    assert "Nothing waits here" in (await browser.get("/inbox")).text
    assert ("inbox-closed", f"call:{missed}") in await _actions(store)


async def test_only_who_may_answer_can_take_care(
    browser: httpx.AsyncClient, asked: None, store: Store, clock: Clock
) -> None:
    auditor = await user(store, clock, "Axel", "auditor")
    assert "Axel" not in (await browser.get("/inbox/conversations/1")).text
    answer = await browser.post("/inbox/conversations/1/assign", data={"user": str(auditor)})
    assert answer.status_code == 400


async def test_who_may_only_look_gets_no_form(
    stranger: httpx.AsyncClient, door: Door, asked: None, store: Store, clock: Clock, administrator: int
) -> None:
    looking = await come_in(stranger, door, await user(store, clock, "Axel", "auditor"))
    page = (await looking.get("/inbox/conversations/1")).text
    assert "parking" in page
    assert 'id="send"' not in page
    assert 'id="close"' not in page


async def test_what_never_came_is_not_there(browser: httpx.AsyncClient) -> None:
    for path in ("/inbox/conversations/9", "/inbox/faxes/9", "/inbox/calls/9", "/inbox/faxes/9/pages.pdf"):
        assert (await browser.get(path)).status_code == 404, path
    for path in ("/inbox/faxes/9/close", "/inbox/letters/1/close"):
        assert (await browser.post(path)).status_code == 404, path
    assert (await browser.get("/inbox?before=x")).status_code == 400


async def test_an_answer_that_is_sent_twice_by_a_second_click_is_one_text(
    browser: httpx.AsyncClient, asked: None, store: Store
) -> None:
    page = (await browser.get("/inbox/conversations/1")).text
    form = {"once": page.partition('name="once" value="')[2].partition('"')[0], "body": "Yes."}
    assert form["once"]
    for _ in range(2):
        sent = await browser.post("/inbox/conversations/1/answer", data=form)
        assert sent.headers["location"] == "/inbox/conversations/1?done=answered"
    ours = [line.text for line in await store.read(conversations.lines, CLINIC, PHONE) if line.ours]
    assert ours == ["Yes."]
    # Whoever goes back and writes something else means that, too.
    await browser.post("/inbox/conversations/1/answer", data=form | {"body": "Behind the house."})
    ours = [line.text for line in await store.read(conversations.lines, CLINIC, PHONE) if line.ours]
    assert sorted(ours) == ["Behind the house.", "Yes."]
