"""One message: its words, why and why not, its address on request; and sending it again, with care."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway.domain import Channel, Source, State
from store import audit, broadcasts, history, people
from store.history import Filter
from tests.console.console_day import CLINIC, Day, busy_day

AUDITED = {"message-viewed", "address-shown", "message-sent-again"}


async def _audited(day: Day, number: int) -> list[str]:
    lines = await day.store.read(audit.lines, CLINIC, audit.Wanted(about=f"message:{number}"), 20)
    return [line.action for line in lines][::-1]


async def _unreached(day: Day, state: State = State.FAILED) -> int:
    """A text to somebody that ended without reaching them, with words that can be said again."""
    number, (message,) = await day.broadcast("Notice", Channel.SMS, 1)
    order = await day.store.read(broadcasts.find, CLINIC, number)
    assert order is not None
    texts = {"sms": {"body": "Hello <ClientName>, this is <Practice>."}}
    await day.store.run(_set_texts, number, texts)
    await day.start(Channel.SMS)
    await day.settle([message], state, state.value, "receipt-undeliverable")
    return message


def _set_texts(conn, number, texts):  # type: ignore[no-untyped-def]
    from sqlalchemy import update

    from store.schema import broadcast

    conn.execute(update(broadcast).where(broadcast.c.id == number).values(templates=texts))


async def test_a_message_tells_its_words_and_why(browser: httpx.AsyncClient, day: Day) -> None:
    message = await _unreached(day)
    page = (await browser.get(f"/messages/{message}")).text
    assert "Hello Carla Brandt, this is Riverside Family Practice." in page
    assert "the words of that day are not kept" in page
    assert "Why and why not" in page
    assert 'href="/clients/1"' in page
    await browser.post("/me/language", data={"language": "es"})
    spanish = (await browser.get(f"/messages/{message}")).text
    assert "Por qué y por qué no" in spanish
    assert "Attempts" not in spanish


async def test_the_address_is_masked_until_asked_for_and_that_is_written_down(
    browser: httpx.AsyncClient, day: Day
) -> None:
    message = await _unreached(day)
    assert "+12025551001" not in (await browser.get(f"/messages/{message}")).text
    assert "+12025551001" in (await browser.post(f"/messages/{message}")).text
    assert await _audited(day, message) == ["message-viewed", "address-shown"]


async def test_a_message_that_failed_goes_again_as_a_broadcast_of_one(
    browser: httpx.AsyncClient, day: Day
) -> None:
    message = await _unreached(day)
    assert f'href="/messages/{message}/again"' in (await browser.get(f"/messages/{message}")).text
    asked = (await browser.get(f"/messages/{message}/again")).text
    assert "May go" in asked
    answer = await browser.post(f"/messages/{message}/again", data={"earlier": "0"})
    assert answer.status_code == 303
    (new,) = await day.store.read(history.entries, CLINIC, Filter(broadcast=2))
    assert (new.recipient, new.channel, new.state) == (1, "sms", State.SCHEDULED)
    assert "goes again" in (await browser.get(answer.headers["location"])).text
    assert (await _audited(day, message))[-1] == "message-sent-again"
    # Whoever confirmed it at the same time is told, and nothing leaves twice.
    late = await browser.post(f"/messages/{message}/again", data={"earlier": "0"})
    assert late.status_code == 409
    assert "Somebody has sent it again meanwhile" in late.text
    assert await day.store.read(broadcasts.find, CLINIC, 3) is None


async def test_one_that_may_have_arrived_goes_only_when_that_is_ticked(
    browser: httpx.AsyncClient, day: Day
) -> None:
    message = await _unreached(day, State.UNKNOWN)
    assert (
        "Nobody knows whether this message arrived" in (await browser.get(f"/messages/{message}/again")).text
    )
    refused = await browser.post(f"/messages/{message}/again", data={"earlier": "0"})
    assert refused.status_code == 409
    assert await day.store.read(broadcasts.find, CLINIC, 2) is None
    answer = await browser.post(f"/messages/{message}/again", data={"earlier": "0", "sure": "1"})
    assert answer.status_code == 303


async def test_what_the_policy_refuses_is_not_sent_again(browser: httpx.AsyncClient, day: Day) -> None:
    message = await _unreached(day)
    await day.store.run(people.add_consent, CLINIC, [1], False, Source.TEXT, day.clock())
    asked = (await browser.get(f"/messages/{message}/again")).text
    assert "Consent was withdrawn" in asked
    assert not re.search('id="send-again"', asked)
    answer = await browser.post(f"/messages/{message}/again", data={"earlier": "0"})
    assert answer.status_code == 409
    assert await day.store.read(broadcasts.find, CLINIC, 2) is None


@pytest.mark.parametrize("kind", ["confirmed", "sending", "waiting"])
async def test_what_arrived_or_is_on_its_way_cannot_be_sent_again(
    browser: httpx.AsyncClient, day: Day, kind: str
) -> None:
    message = (await busy_day(day))[kind][0]
    assert "Send again" not in (await browser.get(f"/messages/{message}")).text
    assert (await browser.get(f"/messages/{message}/again")).status_code == 409
