"""Programs at the API: tokens with scopes, keys that make it safe to ask again, problems, the document."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway.accounts.rules import Rule
from gateway.accounts.signing_in import digest
from gateway.console.access import IN, ROUTES
from gateway.domain import Channel
from store import audit, broadcasts, conversations, ledger, stops, tokens
from store.audit import Wanted
from store.engine import Store
from tests.console.console_day import CLINIC, Clock, Day
from tests.console.test_console_access import address_of

API = [(*name.split(" "), need) for name, need in ROUTES.items() if "/api" in name]
STREAM = "/api/events"
CLIENT = {"id": "p1", "given_name": "Rosa", "family_name": "Costa", "mobile": "+12025550101"}
PROBLEM = "application/problem+json"
Program = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
def program(stranger: httpx.AsyncClient, store: Store, clock: Clock, administrator: int) -> Program:
    """Makes a program that shows a token with these scopes, and a new key with each request."""
    numbers = itertools.count(1)

    async def made(scopes: Collection[str], **lasts: float) -> httpx.AsyncClient:
        number, now = next(numbers), clock()
        secret, ends = f"rw_secret{number}", now + timedelta(**(lasts or {"days": 30}))
        args = f"Program {number}", digest(secret), list(scopes), "Ada", now, ends
        await store.run(tokens.add, CLINIC, *args)
        stranger.headers["Authorization"] = f"Bearer {secret}"

        async def with_key(request: httpx.Request) -> None:
            request.headers.setdefault("Idempotency-Key", f"key-{next(numbers)}")

        stranger.event_hooks = {"request": [with_key]}
        return stranger

    return made


@pytest.mark.parametrize("scope", list(Rule))
async def test_every_route_of_the_api_asks_for_its_scope(program: Program, scope: Rule) -> None:
    client = await program([scope])
    for method, path, need in API:
        if path == STREAM and need is scope:
            continue  # it has no end
        answer = await client.request(method, address_of(path, 999))
        refused = answer.status_code == 403
        assert refused == (need is not IN and need is not scope), f"{method} {path}: {answer.text}"
        assert answer.status_code < 500, f"{method} {path}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == PROBLEM
            problem = answer.json()
            assert problem["status"] == answer.status_code
            assert {"type", "title", "detail"} <= problem.keys()


async def test_a_token_opens_the_api_alone_and_needs_no_cookie(program: Program) -> None:
    client = await program(list(Rule))
    assert (await client.get("/api/broadcasts")).status_code == 200
    assert (await client.get("/users")).status_code == 401
    assert (await client.post("/me/language", data={"language": "es"})).status_code == 401


async def test_a_token_that_is_wrong_over_or_revoked_opens_nothing(
    program: Program, store: Store, clock: Clock
) -> None:
    client = await program([Rule.MESSAGING_VIEW], hours=1)
    assert (await client.get("/api/broadcasts")).status_code == 200
    clock.move(hours=1)
    answer = await client.get("/api/broadcasts")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    client = await program([Rule.MESSAGING_VIEW])
    assert (await client.get("/api/broadcasts")).status_code == 200
    await store.run(tokens.revoke, CLINIC, 2, clock())
    assert (await client.get("/api/broadcasts")).status_code == 401
    client.headers["Authorization"] = "Bearer rw_invented"
    assert (await client.get("/api/broadcasts")).status_code == 401


async def test_a_wrong_token_is_not_helped_by_a_session(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/broadcasts", headers={"Authorization": "Bearer rw_invented"})
    assert answer.status_code == 401


async def test_a_token_is_made_shown_once_and_revoked_on_a_page(
    browser: httpx.AsyncClient, store: Store
) -> None:
    form = {"name": "Charts", "days": "90", "scopes": [Rule.MESSAGING_VIEW.value, Rule.CLIENT_EDIT.value]}
    page = (await browser.post("/tokens", data=form)).text
    found = re.search(r'id="secret">([^<]+)<', page)
    assert found is not None
    assert found[1] not in (await browser.get("/tokens")).text
    (token,) = await store.read(tokens.listing, CLINIC)
    assert (token.name, token.scopes) == ("Charts", {Rule.MESSAGING_VIEW, Rule.CLIENT_EDIT})
    headers = {"Authorization": f"Bearer {found[1]}"}
    assert (await browser.get("/api/broadcasts", headers=headers)).status_code == 200
    assert (await browser.post(f"/tokens/{token.id}/revoke")).status_code == 303
    assert (await browser.get("/api/broadcasts", headers=headers)).status_code == 401
    lines = await store.read(audit.lines, CLINIC, Wanted(about=f"token:{token.id}"), 10)
    assert [line.action for line in lines] == ["token-revoked", "token-made"]
    assert (await browser.post("/tokens", data=form | {"days": "99999"})).status_code == 400


# --- requests that are sent again ---


async def test_a_creating_request_that_is_sent_again_does_nothing_and_is_answered_as_before(
    program: Program, store: Store
) -> None:
    client = await program([Rule.MESSAGING_CREATE])
    order, key = {"reason": "wrong list"}, {"Idempotency-Key": "abc"}
    first = await client.post("/api/stops", json=order, headers=key)
    again = await client.post("/api/stops", json=order, headers=key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await store.read(stops.current, CLINIC)) == 1
    other = await client.post("/api/stops", json={"reason": "another"}, headers=key)
    assert (other.status_code, other.headers["content-type"]) == (422, PROBLEM)
    assert len(await store.read(stops.current, CLINIC)) == 1


async def test_a_key_is_kept_for_a_day_and_is_of_one_program(
    program: Program, store: Store, clock: Clock
) -> None:
    order, key = {"reason": "wrong list"}, {"Idempotency-Key": "abc"}
    client = await program([Rule.MESSAGING_CREATE])
    await client.post("/api/stops", json=order, headers=key)
    client = await program([Rule.MESSAGING_CREATE])
    await client.post("/api/stops", json=order, headers=key)
    assert len(await store.read(stops.current, CLINIC)) == 2
    clock.move(days=1, seconds=1)
    await client.post("/api/stops", json=order, headers=key)
    assert len(await store.read(stops.current, CLINIC)) == 3


async def test_a_request_that_was_refused_leaves_its_key_free(program: Program) -> None:
    client, key = await program([Rule.MESSAGING_CREATE]), {"Idempotency-Key": "abc"}
    assert (await client.post("/api/stops", json={"reason": " "}, headers=key)).status_code == 400
    assert (await client.post("/api/stops", json={"reason": ""}, headers=key)).status_code == 422
    assert (await client.post("/api/stops", json={"reason": "yes"}, headers=key)).status_code == 201


async def test_a_program_has_to_send_a_key_with_what_it_creates(program: Program, store: Store) -> None:
    client = await program(list(Rule))
    answer = await client.post("/api/stops", json={"reason": "x"}, headers={"Idempotency-Key": ""})
    assert (answer.status_code, "Idempotency-Key" in answer.json()["detail"]) == (400, True)
    assert await store.read(stops.current, CLINIC) == []


# --- what programs do ---


async def test_clients_appointments_and_consent_come_from_programs(program: Program, store: Store) -> None:
    client = await program([Rule.CLIENT_EDIT, Rule.CONSENT_EDIT])
    made = await client.post("/api/clients", json=CLIENT | {"messaging_consent": True})
    again = await client.post("/api/clients", json=CLIENT | {"family_name": "Costas"})
    assert made.status_code == 201
    assert made.json() == again.json()
    visit = {"id": "v1", "client": "p1", "starts_at": "2026-03-12T09:30", "service": "Check-up"}
    assert (await client.post("/api/appointments", json=visit)).status_code == 201
    stray = await client.post("/api/appointments", json=visit | {"client": "nobody"})
    assert (stray.status_code, "not known" in stray.json()["detail"]) == (400, True)
    said = {"client": "p1", "given": False, "channel": "sms"}
    assert (await client.post("/api/consents", json=said)).status_code == 201
    lines = await store.read(ledger.history, CLINIC, made.json()["id"])
    assert [(line.given, line.channel) for line in lines][-1] == (False, Channel.SMS)
    kept = await store.read(audit.lines, CLINIC, Wanted(account=-1), 20)
    assert {line.actor for line in kept} == {"Program 1"}
    assert [line.action for line in kept] == [
        "consent-written",
        "appointment-saved",
        "client-saved",
        "client-saved",
    ]
    assert all("Costa" not in line.detail and "p1" not in line.about for line in kept)


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("clients", CLIENT | {"mobile": "12"}, "mobile"),
        ("clients", CLIENT | {"nickname": "R"}, "nickname"),
        ("clients", {"id": "p1"}, "given_name"),
        ("appointments", {"id": "v", "client": "p", "starts_at": "soon"}, "starts_at"),
        ("consents", {"client": "nobody", "given": True}, "no client"),
        ("broadcasts", {"name": "x", "type": "nonsense", "channel": "sms"}, "type"),
    ],
)
async def test_what_is_wrong_is_told_by_its_name(
    program: Program, path: str, body: dict[str, Any], words: str
) -> None:
    client = await program(list(Rule))
    answer = await client.post(f"/api/{path}", json=body)
    assert answer.status_code in (400, 422)
    assert words in answer.json()["detail"]


async def test_a_broadcast_is_ordered_planned_listed_and_cancelled(program: Program, store: Store) -> None:
    client = await program([Rule.CLIENT_EDIT, Rule.MESSAGING_CREATE, Rule.MESSAGING_VIEW])
    wishes = {"messaging_consent": True, "preferred_contact_method": "text"}
    await client.post("/api/clients", json=CLIENT | wishes)
    visit = {"id": "v1", "client": "p1", "starts_at": "2026-03-12T09:30"}
    await client.post("/api/appointments", json=visit)
    order = {
        "name": "Visits",
        "type": "client-upcoming-appointments",
        "channel": "sms",
        "only_preference": True,
        "texts": {"sms": {"body": "Your visit at <Practice> is on <ServiceDate>."}},
        "first_day": "2026-03-12",
        "send_at": "2026-03-11T15:00:00Z",
    }
    made = await client.post("/api/broadcasts", json=order)
    assert made.status_code == 201, made.text
    assert made.json()["audience"] == 1
    number = made.json()["id"]
    for _ in range(2000):
        found = (await client.get(f"/api/broadcasts/{number}")).json()
        if found["planned"]:
            break
    assert found["messages"] == {"scheduled": 1}
    listed = (await client.get("/api/broadcasts")).json()
    assert ([one["id"] for one in listed["broadcasts"]], listed["next"]) == ([number], None)
    assert (await client.post(f"/api/broadcasts/{number}/cancel")).json() == {"cancelled": 1}
    kept = await store.read(broadcasts.find, CLINIC, number)
    assert kept is not None
    assert kept.state == "cancelled"


async def test_broadcasts_come_in_pages(program: Program, day: Day) -> None:
    for number in range(52):
        await day.broadcast(f"B{number}", Channel.SMS, 0)
    client = await program([Rule.MESSAGING_VIEW])
    first = (await client.get("/api/broadcasts")).json()
    second = (await client.get("/api/broadcasts", params={"before": first["next"]})).json()
    found = [one["id"] for one in (*first["broadcasts"], *second["broadcasts"])]
    assert found == list(range(52, 0, -1))
    assert second["next"] is None


async def test_sending_is_stopped_and_resumed(program: Program, store: Store) -> None:
    client = await program([Rule.MESSAGING_CREATE])
    await client.post("/api/stops", json={"reason": "wrong list", "channel": "voice", "hang_up": True})
    (found,) = await store.read(stops.current, CLINIC)
    assert (found.channel, found.by, found.hang_up) == (Channel.VOICE, "Program 1", True)
    assert (await client.post("/api/stops/resume", json={})).json() == {"lifted": 1}
    assert await store.read(stops.current, CLINIC) == []


async def test_a_number_beyond_all_numbers_is_nothing_that_is_kept(program: Program) -> None:
    client = await program(list(Rule))
    assert (await client.get(f"/api/broadcasts/{10**40}")).status_code == 404
    assert (await client.get("/api/broadcasts", params={"before": 10**40})).status_code == 422


# --- the document ---


async def test_the_document_has_every_route_with_its_scope(program: Program) -> None:
    found = (await (await program([])).get("/api/openapi.json")).json()
    assert found["openapi"].startswith("3.1")
    told = {
        f"{method.upper()} {path}": one["security"][0]["token"]
        for path, methods in found["paths"].items()
        for method, one in methods.items()
    }
    wanted = {
        f"{method} {re.sub(r':[a-z]+}', '}', path)}": [need.value]
        for method, path, need in API
        if isinstance(need, Rule)
    }
    assert told == wanted
    keyed = [
        path
        for path, methods in found["paths"].items()
        if any(one["name"] == "Idempotency-Key" for one in methods.get("post", {}).get("parameters", ()))
    ]
    assert sorted(keyed) == [
        "/api/appointments",
        "/api/broadcasts",
        "/api/clients",
        "/api/consents",
        "/api/conversations/{number}/texts",
        "/api/stops",
    ]


async def test_the_document_is_a_page_too(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/api")).text
    assert "POST /api/broadcasts" in page
    assert "first_day" in page
    assert "Messaging Create" in page


async def test_a_text_in_a_conversation_is_written_once(program: Program, store: Store, clock: Clock) -> None:
    assert await store.read(conversations.find, CLINIC, 1) is None
    client = await program([Rule.MESSAGING_CREATE])
    assert (await client.post("/api/conversations/1/texts", json={"body": "Hello"})).status_code == 404


async def test_after_a_fault_nobody_knows_what_was_done_and_the_key_stays_taken(
    program: Program, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, key = await program([Rule.MESSAGING_CREATE]), {"Idempotency-Key": "abc"}
    order = stops.order

    def done_and_broken(*args: Any) -> int:
        order(*args)
        raise ValueError("after it was done")

    monkeypatch.setattr(stops, "order", done_and_broken)
    assert (await client.post("/api/stops", json={"reason": "x"}, headers=key)).status_code == 500
    monkeypatch.setattr(stops, "order", order)
    again = await client.post("/api/stops", json={"reason": "x"}, headers=key)
    assert (again.status_code, "look first" in again.json()["detail"]) == (409, True)
