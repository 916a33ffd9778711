"""Why and why not over the console's API."""

from __future__ import annotations

import httpx

from gateway.domain import Channel, Source
from store import people
from store.engine import Store
from tests.console.console_day import CLINIC, Clock, Day


async def test_why_is_told_as_data_behind_the_session(
    browser: httpx.AsyncClient, day: Day, store: Store, clock: Clock
) -> None:
    person, address = await day.person(Channel.SMS, "Rosa Costa")
    await store.run(people.add_consent, CLINIC, [person], False, Source.TEXT, clock())
    answer = await browser.get("/api/why/c1")
    assert answer.status_code == 200
    found = answer.json()
    assert found["client"]["name"] == "Rosa Costa"
    by_channel = {one["channel"]: one for one in found["now"]}
    assert by_channel["sms"]["reason"] == "consent-withdrawn"
    assert by_channel["fax"]["reason"] == "no-address"
    assert found["messages"] == []
    assert address not in answer.text


async def test_nobody_is_told_without_a_session(stranger: httpx.AsyncClient, day: Day) -> None:
    await day.person(Channel.SMS)
    assert (await stranger.get("/api/why/c1")).status_code == 401


async def test_who_is_not_there_is_not_found_and_a_wrong_number_is_refused(
    browser: httpx.AsyncClient, day: Day
) -> None:
    await day.person(Channel.SMS)
    assert (await browser.get("/api/why/c9")).status_code == 404
    assert (await browser.get("/api/why/c1?message=7")).status_code == 404
    assert (await browser.get("/api/why/c1?message=x")).status_code == 400
