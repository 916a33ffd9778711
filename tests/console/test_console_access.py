"""Who may use which route: every route, for every profile, at one's own clinic and at another."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter

from gateway.accounts.making import make_first
from gateway.accounts.rules import SHIPPED, Rule
from gateway.console.access import IN, OPEN, PENDING, ROUTES, UnlistedRouteError, check
from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.domain import Channel
from gateway.settings import Settings
from store import accounts, audit
from store.accounts import Details
from store.audit import Wanted
from store.engine import Store
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC, Clock, Day

OTHER = 2
REFUSED = 403


def address_of(path: str, number: int = 1) -> str:
    """A route's path with a number in its places."""
    return re.sub(r"\{[a-z]+(:[a-z]+)?\}", str(number), path)


async def _user(store: Store, clinic: int, shipped: str, clock: Clock) -> int:
    await store.run(accounts.ship, clinic, SHIPPED)
    profile = next(one.id for one in await store.read(accounts.profiles, clinic) if one.shipped == shipped)
    return await store.run(accounts.add, clinic, Details(shipped, shipped, profile), clock())


@pytest.fixture
async def routes() -> list[tuple[str, str, Rule]]:
    """Method, path and rule of every route that has one, but those that end the session."""
    return [
        (*name.split(" "), need)  # type: ignore[misc]
        for name, need in ROUTES.items()
        if isinstance(need, Rule) and name != "GET /api/events"
    ]


@pytest.mark.parametrize(("key", "rules"), [(key, rules) for key, _, rules in SHIPPED])
async def test_every_route_asks_for_its_rule_of_every_profile(
    stranger: httpx.AsyncClient,
    door: Door,
    store: Store,
    clock: Clock,
    routes: list[tuple[str, str, Rule]],
    key: str,
    rules: tuple[Rule, ...],
    administrator: int,
) -> None:
    client = await come_in(stranger, door, await _user(store, CLINIC, key, clock))
    for method, path, need in routes:
        answer = await client.request(method, address_of(path, 999))
        assert (answer.status_code == REFUSED) == (need not in rules), (
            f"{method} {path}: {answer.status_code}"
        )
        assert answer.status_code < 500, f"{method} {path}"


async def test_a_rule_that_is_taken_away_holds_at_once(
    stranger: httpx.AsyncClient, door: Door, store: Store, clock: Clock, administrator: int
) -> None:
    client = await come_in(stranger, door, await _user(store, CLINIC, "front-desk", clock))
    assert (await client.get("/history")).status_code == 200
    profile = next(one for one in await store.read(accounts.profiles, CLINIC) if one.shipped == "front-desk")
    args = profile.id, profile.name, [Rule.STAFF_MESSAGES], Rule.USERS
    await store.run(accounts.change_profile, CLINIC, *args)
    assert (await client.get("/history")).status_code == REFUSED


@pytest.fixture
async def elsewhere(
    store: Store, settings: Settings, door: Door, clock: Clock
) -> AsyncIterator[httpx.AsyncClient]:
    """The administrator of another clinic of the same database, at their own console."""
    await store.run(make_first, OTHER, "olga", "Olga", "en", clock())
    theirs = settings.model_copy(update={"clinic": settings.clinic.model_copy(update={"id": OTHER})})
    transport = httpx.ASGITransport(create_app(store, theirs, door))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as client:
        yield await come_in(client, door, 1)


async def test_nobody_sees_the_data_of_another_clinic(
    elsewhere: httpx.AsyncClient, day: Day, browser: httpx.AsyncClient
) -> None:
    _, (message,) = await day.broadcast("Only ours", Channel.SMS, 1)
    assert "Only ours" in (await browser.get("/history")).text
    for name in ROUTES:
        method, path = name.split(" ")
        if method != "GET" or path == "/api/events":
            continue
        for number in (message, CLINIC):
            answer = await elsewhere.get(address_of(path, number))
            assert "Only ours" not in answer.text, path
            assert "Carla" not in answer.text, path
    assert (await elsewhere.get(f"/messages/{message}")).status_code == 404


async def test_a_session_of_one_clinic_opens_no_other(
    elsewhere: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    stranger.cookies.update(elsewhere.cookies)
    assert (await stranger.get("/me")).status_code == 401


def test_a_route_without_a_rule_keeps_the_console_from_starting() -> None:
    router = APIRouter()
    router.get("/forgotten")(lambda: None)
    with pytest.raises(UnlistedRouteError, match="GET /forgotten"):
        check([router])


def test_routes_that_no_rule_names_are_few_and_known() -> None:
    open_ones = {name for name, need in ROUTES.items() if need is OPEN}
    assert open_ones == {
        "GET /health",
        "GET /enter",
        "POST /enter",
        "GET /sign-in",
        "POST /sign-in",
        "GET /sign-in/provider",
        "GET /sign-in/provider/back",
    }
    assert all(
        name.split(" ")[1].startswith(("/me", "/sign-in", "/live", "/leave"))
        or name in ("GET /api", "GET /api/openapi.json")
        for name, need in ROUTES.items()
        if need in (IN, PENDING)
    )


async def test_what_changes_something_wants_the_token_of_the_form(
    browser: httpx.AsyncClient, store: Store
) -> None:
    del browser.headers["X-CSRF-Token"]
    answer = await browser.post("/me/language", data={"language": "es"})
    assert (answer.status_code, "too old" in answer.text) == (403, True)
    page = (await browser.get("/me")).text
    token = page.split('name="csrf" value="')[1].split('"')[0]
    assert (await browser.post("/me/language", data={"language": "es", "csrf": token})).status_code == 303
    (user,) = await store.read(accounts.accounts, CLINIC)
    assert user.language == "es"


async def test_a_page_that_says_it_fetches_itself_hides_no_first_look(
    browser: httpx.AsyncClient, store: Store, day: Day
) -> None:
    _, (message,) = await day.broadcast("Visits", Channel.SMS, 1)
    for _ in range(2):
        await browser.get(f"/messages/{message}", headers={"X-Refresh": "1"})
    lines = await store.read(audit.lines, CLINIC, Wanted(action="message-viewed"), 10)
    assert [line.about for line in lines] == [f"message:{message}"]


async def test_each_look_at_a_patient_is_in_the_audit_log(
    browser: httpx.AsyncClient, store: Store, day: Day
) -> None:
    _, (message,) = await day.broadcast("Visits", Channel.SMS, 1)
    await browser.get("/history")
    await browser.get(f"/messages/{message}")
    await browser.get(f"/messages/{message}", headers={"X-Refresh": "1"})
    lines = await store.read(audit.lines, CLINIC, Wanted(), 10)
    noted = [(line.action, line.about) for line in lines if line.action.endswith("viewed")]
    assert noted == [("message-viewed", f"message:{message}"), ("history-viewed", "")]
    assert all("Costa" not in line.detail and "Brandt" not in line.detail for line in lines)
