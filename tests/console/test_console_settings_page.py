"""The page of settings: found by a word, changed and reset with a reason, and told with their history."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.settings import Settings
from store import audit
from store.audit import Wanted
from store.engine import Store
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC

A_DAY = "policy.caps.a_day"


def shown(page: str) -> list[str]:
    """The settings that are to be seen on the page."""
    return re.findall(r'<tr><td class="name"><a href="/settings/([^"]+)"', page)


async def test_settings_are_found_by_what_they_are_about(browser: httpx.AsyncClient) -> None:
    everything = (await browser.get("/settings")).text
    messaging = (await browser.get("/settings?word=messaging")).text
    assert {"clinic.name", "policy.sms.opens", "store.url"} <= set(shown(everything))
    assert "clinic.name" in shown(messaging)
    assert "store.url" not in shown(messaging)
    assert shown((await browser.get("/settings?word=HIPAA")).text)
    assert 'href="/settings/store.url"' in messaging, "what is typed next is found without another request"


async def test_a_word_that_no_setting_has_is_told(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/settings?word=zzzz")).text
    assert shown(page) == []
    assert '<section class="card empty" id="none"><h2>' in page


async def test_a_setting_is_changed_and_reset_with_a_reason(browser: httpx.AsyncClient, store: Store) -> None:
    answer = await browser.post(f"/settings/{A_DAY}", data={"value": "2", "note": "complaints"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/settings/{A_DAY}?done=saved")
    page = (await browser.get(f"/settings/{A_DAY}")).text
    assert '<dd id="value-now" class="v">2</dd>' in page
    row = page[page.index("complaints") - 300 :]
    assert "Ada Administrator" in row
    assert 'data-label="Before">3</td>' in row
    assert 'data-label="After">2</td>' in row
    assert (await browser.post(f"/settings/{A_DAY}/reset", data={"note": "calm"})).status_code == 303
    page = (await browser.get(f"/settings/{A_DAY}")).text
    assert '<dd id="value-now" class="v">3</dd>' in page
    assert "calm" in (await browser.get("/settings/changes")).text
    lines = await store.read(audit.lines, CLINIC, Wanted(about=f"setting:{A_DAY}"), 10)
    assert [line.action for line in lines] == ["setting-reset", "setting-changed"]


async def test_a_list_is_shown_as_it_is_typed(browser: httpx.AsyncClient) -> None:
    days = "policy.voice.days"
    page = (await browser.get(f"/settings/{days}")).text
    typed = re.search(r'id="value" value="([^"]*)"', page)
    assert typed is not None
    assert (await browser.post(f"/settings/{days}", data={"value": typed[1]})).status_code == 303
    assert (await browser.post(f"/settings/{days}", data={"value": "mon, tue"})).status_code == 303
    assert '<dd id="value-now" class="v">mon, tue</dd>' in (await browser.get(f"/settings/{days}")).text


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (A_DAY, "many", "many"),
        ("policy.sms.opens", "25:00", "is not a time of day"),
        ("clinic.name", "Other", "is set in the settings file"),
    ],
)
async def test_a_wrong_value_stays_typed_and_is_told_in_words(
    browser: httpx.AsyncClient, store: Store, name: str, value: str, words: str
) -> None:
    answer = await browser.post(f"/settings/{name}", data={"value": value, "note": "my reason"})
    assert answer.status_code == 400
    wrong = re.search(r'id="wrong">([^<]*)<', answer.text)
    assert wrong is not None
    assert words in wrong[1]
    if name != "clinic.name":
        assert f'value="{value}"' in answer.text
        assert 'value="my reason"' in answer.text
    assert not await store.read(audit.lines, CLINIC, Wanted(action="setting-changed"), 10)


async def test_a_setting_that_waits_for_a_start_says_where_it_stands(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/settings/clinic.name")).text
    assert "[clinic]\nname = …" in page
    assert "RINGWELL_CLINIC__NAME" in page
    assert (await browser.get("/settings/no.such")).status_code == 404


@pytest.fixture
async def with_secrets(
    store: Store, settings: Settings, door: Door, administrator: int
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the console of a gateway that has secrets."""
    bind = {"host": "smsc.example.org", "system_id": "us", "password": "hunter2", "source": "+12025550100"}
    data = settings.model_dump() | {"binds": {"main": bind}}
    transport = httpx.ASGITransport(create_app(store, Settings(**data), door))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as client:
        yield await come_in(client, door, administrator)


async def test_secrets_are_never_shown(with_secrets: httpx.AsyncClient) -> None:
    page = (await with_secrets.get("/settings?word=binds.main")).text
    assert "binds.main.password" in shown(page)
    one = (await with_secrets.get("/settings/binds.main.password")).text
    assert "(set)" in one
    assert "hunter2" not in page + one


async def test_the_table_speaks_spanish(browser: httpx.AsyncClient) -> None:
    await browser.post("/me/language", data={"language": "es"})
    page = (await browser.get("/settings?word=consentimiento")).text
    assert "<h1>Ajustes</h1>" in page
    assert any(name.startswith("policy.consent.") for name in shown(page))
