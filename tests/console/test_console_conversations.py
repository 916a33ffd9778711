"""Conversations and the length of texts over the console's API."""

from __future__ import annotations

import httpx
import pytest

from gateway.domain import Channel, RecipientKind, Reply, ReplyKind
from gateway.replies import Replies
from gateway.settings import Settings
from store import register
from store.engine import Store
from store.people import Person
from tests.console.console_day import Clock

PHONE = "+12025550107"


def _joined(parts: object) -> Reply:
    raise AssertionError("no parts here")


@pytest.fixture
async def asked(store: Store, settings: Settings) -> int:
    """A client who asked something: the conversation's number."""
    now = store.clock()
    rosa = Person(
        RecipientKind.CLIENT, "r", "Rosa", "Costa", "en", details={Channel.SMS: PHONE}, consent=True
    )
    await store.run(register.save_person, 1, rosa, now)
    question = Reply(Channel.SMS, ReplyKind.OTHER, PHONE, now, "Is there parking?")
    await store.run(Replies(settings, _joined).record, question, now)
    return 1


async def test_a_question_is_seen_answered_and_then_waits_no_longer(
    browser: httpx.AsyncClient, asked: int
) -> None:
    listed = (await browser.get("/api/conversations?unread=1")).json()
    assert listed["unread"] == 1
    (row,) = listed["conversations"]
    assert (row["id"], row["names"], row["unread"]) == (asked, ["Rosa Costa"], 1)
    assert PHONE not in str(listed)
    answer = await browser.post(f"/api/conversations/{asked}/texts", json={"body": "Yes, behind the house."})
    assert answer.status_code == 200
    found = (await browser.get(f"/api/conversations/{asked}")).json()
    assert [(line["ours"], line["text"]) for line in found["lines"]] == [
        (False, "Is there parking?"),
        (True, "Yes, behind the house."),
    ]
    assert (await browser.get("/api/conversations?unread=1")).json() == {
        "unread": 0,
        "conversations": [],
        "next": None,
    }


async def test_conversations_come_in_pages(
    browser: httpx.AsyncClient, store: Store, settings: Settings, clock: Clock
) -> None:
    for number in range(52):
        clock.move(seconds=1)
        question = Reply(Channel.SMS, ReplyKind.OTHER, f"+1202555{2000 + number}", clock(), "Hello?")
        await store.run(Replies(settings, _joined).record, question, clock())
    first = (await browser.get("/api/conversations")).json()
    second = (await browser.get(f"/api/conversations?before={first['next']}")).json()
    found = [one["id"] for one in (*first["conversations"], *second["conversations"])]
    assert (found, second["next"]) == (list(range(52, 0, -1)), None)
    assert (await browser.get("/api/conversations?before=yesterday")).status_code == 400


async def test_a_question_can_be_marked_as_read(browser: httpx.AsyncClient, asked: int) -> None:
    assert (await browser.post(f"/api/conversations/{asked}/read")).json() == {"unread": 0}


@pytest.mark.parametrize("body", ["", "  ", "bell \x07"])
async def test_a_text_that_cannot_be_sent_is_refused_with_the_reason(
    browser: httpx.AsyncClient, asked: int, body: str
) -> None:
    answer = await browser.post(f"/api/conversations/{asked}/texts", json={"body": body})
    assert answer.status_code == 400
    assert "text" in answer.json()["detail"]


async def test_a_number_that_was_never_given_is_no_conversation(
    browser: httpx.AsyncClient,
) -> None:
    for answer in (
        await browser.get("/api/conversations/99"),
        await browser.post("/api/conversations/99/texts", json={"body": "Hello"}),
    ):
        assert answer.status_code == 404


async def test_a_text_is_counted_as_networks_do(browser: httpx.AsyncClient) -> None:
    body = "Dr. Ito’s office: " + "x" * 80
    found = (await browser.post("/api/texts/length", json={"body": body})).json()
    assert found == {
        "characters": 98,
        "alphabet": "UCS-2",
        "segments": 2,
        "foreign": "’",
        "plain_segments": 1,
        "bind": "",
        "concatenation": "udh",
    }
    assert (await browser.post("/api/texts/length", json={"body": "x\x00"})).status_code == 400


async def test_a_stranger_reads_and_writes_nothing(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/api/conversations")).status_code == 401
    assert (await stranger.post("/api/conversations/1/texts", json={"body": "Hello"})).status_code == 401
