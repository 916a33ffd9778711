"""Repeating rules: added, seen in a month, switched off and on, deleted."""

from __future__ import annotations

import re

import httpx
import pytest

from gateway.planner import Planner
from gateway.policy import Rules
from gateway.settings import Settings
from store import audit, rules
from store.audit import Wanted
from store.engine import Store
from tests.console.console_day import CLINIC, Clock
from tests.console.test_console_messaging import clients_with_visits

WEEKLY = {
    "name": "Every Monday",
    "type": "client-notice",
    "channel": "sms",
    "only_preference": "1",
    "repeat": "weekly",
    "weekday": "mon",
    "clock": "09:30",
    "first": "0",
    "span": "1",
}
BEFORE = {
    "name": "Reminders",
    "type": "upcoming-appointments",
    "channel": "sms",
    "only_preference": "1",
    "repeat": "before",
    "count0": "2",
    "unit0": "d",
    "clock0": "10:00",
    "count1": "3",
    "unit1": "h",
    "count2": "7",
    "unit2": "d",
    "clock2": "",
}


def days_of(page: str, name: str) -> list[int]:
    """The days of the month on which the calendar shows something."""
    cells = re.findall(r'<span class="number">.*?</span>(\d+).*?</td>', page, re.S)
    whole = re.findall(r'<span class="number">.*?</td>', page, re.S)
    return [int(day) for day, cell in zip(cells, whole, strict=True) if name in cell]


async def test_a_rule_before_appointments_is_kept_with_its_longest_time_first(
    browser: httpx.AsyncClient, store: Store
) -> None:
    answer = await browser.post("/rules/new", data=BEFORE)
    assert answer.headers["location"] == "/rules?done=added"
    (rule,) = await store.read(rules.listing, CLINIC)
    assert rule.schedule == {"offsets": ["7d", "2d@10:00", "3h"], "business_days": False}
    assert (rule.by, rule.only_preference) == ("Ada Administrator", True)
    page = (await browser.get(answer.headers["location"])).text
    assert "7 days, 2 days at 10:00, 3 hours before" in page
    assert "planned by themselves" in page
    noted = [(line.action, line.about) for line in await store.read(audit.lines, CLINIC, Wanted(), 5)]
    assert ("rule-added", f"rule:{rule.id}") in noted


async def test_a_weekly_rule_stands_on_its_days_from_today_on(browser: httpx.AsyncClient) -> None:
    await browser.post("/rules/new", data=WEEKLY)
    page = (await browser.get("/rules")).text
    assert "March 2026" in page
    assert days_of(page, "Every Monday") == [16, 23, 30]
    later = (await browser.get("/rules?month=2026-04")).text
    assert days_of(later, "Every Monday") == [6, 13, 20, 27]
    assert days_of((await browser.get("/rules?month=2026-02")).text, "Every Monday") == []
    assert "March 2026" in (await browser.get("/rules?month=9999-12")).text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": " "}, "Give the rule a name."),
        ({"repeat": "before"}, "Say how long before"),
        ({"repeat": "before", "count0": "2"}, "about nothing that they could go before"),
        ({"repeat": "monthly", "month_day": "32"}, "a day of the month"),
        ({"repeat": "once", "on_date": ""}, "wants its date"),
        ({"clock": "late"}, "Choose a time"),
        ({"span": "x"}, "Days are numbers"),
        ({"type": "client-list"}, "Choose a list."),
        ({"template": "None such"}, "there is no template"),
    ],
)
async def test_what_is_typed_wrong_is_told(
    browser: httpx.AsyncClient, store: Store, changes: dict[str, str], told: str
) -> None:
    answer = await browser.post("/rules/new", data=WEEKLY | changes)
    assert (answer.status_code, told in answer.text) == (400, True)
    assert await store.read(rules.listing, CLINIC) == []


async def test_two_rules_cannot_have_one_name(browser: httpx.AsyncClient, store: Store) -> None:
    await browser.post("/rules/new", data=WEEKLY)
    answer = await browser.post("/rules/new", data=WEEKLY)
    assert "There is a rule of this name already" in answer.text
    assert len(await store.read(rules.listing, CLINIC)) == 1


async def test_another_type_is_opened_with_what_was_typed(browser: httpx.AsyncClient, store: Store) -> None:
    answer = await browser.post("/rules/new", data=WEEKLY | {"do": "refresh", "type": "client-list"})
    assert answer.status_code == 200
    assert 'value="Every Monday"' in answer.text
    assert 'id="list"' in answer.text
    assert await store.read(rules.listing, CLINIC) == []


async def test_a_rule_is_switched_off_with_what_it_planned_on_again_and_deleted(
    browser: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    await clients_with_visits(store, clock, 2)
    await browser.post("/rules/new", data=BEFORE | {"count0": "1", "count1": "", "count2": ""})
    (rule,) = await store.read(rules.listing, CLINIC)
    zone = "America/New_York"
    planner = Planner(store, CLINIC, zone, lambda: Rules.of(Settings(clinic={"zone": zone})))
    await planner.look()
    numbers = await store.read(rules.planned, CLINIC, rule.id)
    assert numbers
    page = (await browser.get("/rules")).text
    assert f'href="/broadcasts/{numbers[0]}"' in page
    assert (await browser.get(f"/rules/{rule.id}")).status_code == 200
    await browser.post(f"/rules/{rule.id}/off")
    assert await store.read(rules.planned, CLINIC, rule.id) == numbers
    await browser.post(f"/rules/{rule.id}/on")
    found = await store.read(rules.of_number, CLINIC, rule.id)
    assert found is not None
    assert found.enabled
    await browser.post(f"/rules/{rule.id}/off", data={"cancel": "1"})
    assert await store.read(rules.planned, CLINIC, rule.id) == []
    page = (await browser.get(f"/rules/{rule.id}")).text
    assert "on-now" in page
    answer = await browser.post(f"/rules/{rule.id}/delete")
    assert "The rule is deleted." in (await browser.get(answer.headers["location"])).text
    assert (await browser.get(f"/rules/{rule.id}")).status_code == 404
    assert (await browser.post(f"/rules/{rule.id}/on")).status_code == 404
