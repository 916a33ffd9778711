"""History through its filters, as an address carries them, and one client's messages."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway.domain import Channel, State
from store import audit
from tests.console.console_day import CLINIC, Clock, Day, busy_day


def _shown(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="m(\d+)">', page)]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"type": "client-notice"}, 33),
        ({"type": "client-birthdays"}, 0),
        ({"cause": "busy"}, 2),
        ({"answer": "yes"}, 9),
        ({"since": "2026-03-10"}, 33),
        ({"until": "2026-03-09"}, 0),
        ({"since": "2026-03-10", "until": "2026-03-10", "state": "failed"}, 1),
    ],
)
async def test_filters_narrow_what_is_shown(
    browser: httpx.AsyncClient, day: Day, query: dict[str, str], count: int
) -> None:
    await busy_day(day)
    answer = await browser.get("/history", params=query)
    assert answer.status_code == 200
    assert len(_shown(answer.text)) == count
    data = (await browser.get("/api/messages", params=query)).json()
    assert len(data["messages"]) == count


@pytest.mark.parametrize(
    "query", [{"since": "yesterday"}, {"type": "letters"}, {"answer": "perhaps"}, {"client": "Rosa"}]
)
async def test_a_filter_that_does_not_exist_is_told(
    browser: httpx.AsyncClient, query: dict[str, str]
) -> None:
    assert (await browser.get("/history", params=query)).status_code == 400


async def test_a_client_is_found_by_name_and_only_their_number_stands_in_the_address(
    browser: httpx.AsyncClient, day: Day
) -> None:
    _, messages = await day.broadcast("Calls", Channel.VOICE, 2, who="Rosa Costa")
    await day.broadcast("Texts", Channel.SMS, 1, who="Samir Hansen")
    answer = await browser.post("/history/client?channel=sms", data={"who": "hansen"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/history?channel=sms&client=3"
    page = (await browser.get(answer.headers["location"])).text
    assert _shown(page) == [3]
    assert 'href="/clients/3"' in page
    several = (await browser.post("/history/client", data={"who": "rosa"})).text
    assert "Several fit" in several
    assert several.count('href="/history?client=') == len(messages)
    nobody = (await browser.post("/history/client", data={"who": "Nemo"})).text
    assert "Nobody is called so" in nobody
    lines = await day.store.read(audit.lines, CLINIC, audit.Wanted(action="clients-searched"), 9)
    assert [line.detail for line in lines] == ['{"found": 0}', '{"found": 2}', '{"found": 1}']


async def test_the_history_is_told_in_the_users_language(
    browser: httpx.AsyncClient, day: Day, clock: Clock
) -> None:
    await busy_day(day)
    await browser.post("/me/language", data={"language": "es"})
    page = (await browser.get("/history", params={"channel": "voice", "state": "waiting"})).text
    assert "La línea comunicaba" in page or "ocupada" in page
    assert "; próximo intento 12:30:00" in page
    assert "The line was busy" not in page
    refused = (await browser.get("/history", params={"state": State.REFUSED.value})).text
    assert "No consent on record" not in refused
