"""Login, password and second factor, one's own account, and how users and profiles are managed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pyotp
import pytest

from gateway.accounts.rules import Rule
from gateway.accounts.signing_in import digest
from gateway.console.app import create_app
from gateway.console.door import Door, Purpose
from gateway.settings import Settings
from gateway.settings.house import SecondFactor
from store import accounts, audit, sessions
from store.audit import Wanted
from store.engine import Store
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC, Clock

GOOD, BETTER = "four easy words here", "other easy words there"
ADA = {"name": "Ada Brown", "login": "ada", "password": GOOD, "again": GOOD}


@pytest.fixture
async def codes(stranger: httpx.AsyncClient, door: Door, clock: Clock) -> list[str]:
    """Ada is made with password and second factor, and signed out again; her secret and recovery codes."""
    await stranger.post("/enter", data={"token": door.issue(Purpose.FIRST), **ADA})
    page = (await stranger.get("/sign-in/second")).text
    secret = found(r'name="secret" value="([A-Z2-7]+)"', page)
    form = {"csrf": token_of(page), "secret": secret, "code": pyotp.TOTP(secret).at(clock.now.timestamp())}
    shown = await stranger.post("/sign-in/second", data=form)
    assert "Your recovery codes" in shown.text
    assert (await stranger.get("/")).status_code == 200
    await stranger.post("/leave", data={"csrf": token_of((await stranger.get("/me")).text)})
    stranger.cookies.clear()
    clock.move(minutes=1)
    return [secret, *re.findall(r"<li><code>([a-z0-9-]+)</code>", shown.text)]


def found(pattern: str, page: str) -> str:
    """What a page says at this place."""
    match = re.search(pattern, page)
    assert match, page
    return match.group(1)


def token_of(page: str) -> str:
    """The token of a page's forms."""
    return found(r'name="csrf" value="([0-9a-f]+)"', page)


async def _password(client: httpx.AsyncClient, password: str = GOOD, login: str = "Ada") -> httpx.Response:
    return await client.post("/sign-in", data={"login": login, "password": password})


async def _code(client: httpx.AsyncClient, code: str) -> httpx.Response:
    csrf = token_of((await client.get("/sign-in/code")).text)
    return await client.post("/sign-in/code", data={"csrf": csrf, "code": code})


def _now(secret: str, clock: Clock) -> str:
    return pyotp.TOTP(secret).at(clock.now.timestamp())


async def test_a_stranger_is_told_how_to_begin_while_there_is_no_user(stranger: httpx.AsyncClient) -> None:
    assert "ringwell console token" in (await stranger.get("/sign-in")).text


async def test_password_and_code_open_the_console(
    stranger: httpx.AsyncClient, codes: list[str], clock: Clock
) -> None:
    answer = await _password(stranger)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/code")
    # The password alone opens nothing.
    assert (await stranger.get("/")).status_code == 401
    assert (await stranger.get("/api/today")).status_code == 401
    assert (await stranger.get("/me")).status_code == 401
    assert (await _code(stranger, "000000")).status_code == 401
    assert (await _code(stranger, _now(codes[0], clock))).status_code == 303
    assert (await stranger.get("/")).status_code == 200


async def test_a_code_and_a_recovery_code_open_once(
    stranger: httpx.AsyncClient, codes: list[str], clock: Clock
) -> None:
    await _password(stranger)
    assert (await _code(stranger, _now(codes[0], clock))).status_code == 303
    stranger.cookies.clear()
    await _password(stranger)
    assert (await _code(stranger, _now(codes[0], clock))).status_code == 401
    assert (await _code(stranger, codes[1])).status_code == 303
    stranger.cookies.clear()
    await _password(stranger)
    assert (await _code(stranger, codes[1])).status_code == 401


async def test_a_password_alone_never_replaces_a_second_factor_that_was_set_meanwhile(
    stranger: httpx.AsyncClient, codes: list[str], store: Store, clock: Clock
) -> None:
    await store.run(accounts.set_second, CLINIC, 1, None)
    await _password(stranger)
    page = (await stranger.get("/sign-in/second")).text
    await store.run(accounts.set_second, CLINIC, 1, codes[0])
    mine = pyotp.random_base32()
    form = {"csrf": token_of(page), "secret": mine, "code": _now(mine, clock)}
    answer = await stranger.post("/sign-in/second", data=form)
    assert answer.status_code == 303
    assert (await stranger.get("/me")).status_code == 401
    kept = await store.read(accounts.secrets_of, CLINIC, 1)
    assert kept is not None
    assert kept.secret == codes[0]


async def test_a_wrong_login_and_a_wrong_password_say_the_same(
    stranger: httpx.AsyncClient, codes: list[str]
) -> None:
    wrong = [await _password(stranger, "wrong password 1"), await _password(stranger, GOOD, "nobody")]
    assert [one.status_code for one in wrong] == [401, 401]
    said = [re.sub(r'value="[^"]*"', "", one.text) for one in wrong]
    assert said[0] == said[1]


async def test_after_five_wrong_passwords_the_right_one_waits_too(
    stranger: httpx.AsyncClient, codes: list[str], clock: Clock
) -> None:
    for _ in range(5):
        assert (await _password(stranger, "wrong password 1")).status_code == 401
    answer = await _password(stranger)
    assert (answer.status_code, "Try again at" in answer.text) == (429, True)
    clock.move(minutes=16)
    assert (await _password(stranger)).status_code == 303


async def test_strangers_cannot_lock_out_a_browser_that_is_known(
    stranger: httpx.AsyncClient, codes: list[str], store: Store, settings: Settings, door: Door, clock: Clock
) -> None:
    await _password(stranger)
    await _code(stranger, codes[1])
    transport = httpx.ASGITransport(create_app(store, settings, door))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as attacker:
        for _ in range(6):
            last = await _password(attacker, "wrong password 1")
        assert last.status_code == 429
    assert (await _password(stranger)).status_code == 303


async def test_a_user_who_needs_no_second_factor_is_in_by_password(
    store: Store, settings: Settings, door: Door, codes: list[str]
) -> None:
    console = settings.console.model_copy(update={"second_factor": SecondFactor.NOBODY})
    open_ = create_app(store, settings.model_copy(update={"console": console}), door)
    await store.run(accounts.set_second, CLINIC, 1, None)
    base = "http://127.0.0.1:8480"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(open_), base_url=base) as client:
        answer = await _password(client)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.fixture
async def desk(browser: httpx.AsyncClient) -> str:
    """The address of a new user of the front desk, made on the screen."""
    page = (await browser.get("/users/new")).text
    profile = found(r'<option value="(\d+)">Front desk</option>', page)
    form = {"name": "Dee Sk", "login": "dee", "profile": profile, "language": "es", "enabled": "1"}
    answer = await browser.post("/users/new", data=form)
    assert answer.status_code == 303
    return answer.headers["location"].partition("?")[0]


@pytest.fixture
async def other(store: Store, settings: Settings, door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser."""
    transport = httpx.ASGITransport(create_app(store, settings, door))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as client:
        yield client


async def test_a_new_user_chooses_a_password_by_a_link_and_sees_what_the_profile_allows(
    browser: httpx.AsyncClient, desk: str, other: httpx.AsyncClient
) -> None:
    link = found(r'id="link">([^<]+)<', (await browser.post(f"{desk}/link")).text)
    assert "Choose your password" in (await other.get(link)).text
    form = {"token": link.partition("token=")[2], "password": GOOD, "again": GOOD}
    answer = await other.post("/enter", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = (await other.get("/")).text
    assert '<html lang="es">' in page
    assert 'href="/history"' in page
    assert 'href="/users"' not in page
    assert (await other.get("/users")).status_code == 403


async def test_a_user_who_is_switched_off_is_out_at_once(
    browser: httpx.AsyncClient, desk: str, other: httpx.AsyncClient, door: Door, store: Store
) -> None:
    number = int(desk.rpartition("/")[2])
    await come_in(other, door, number)
    assert (await other.get("/")).status_code == 200
    user = await store.read(accounts.find, CLINIC, number)
    assert user is not None
    form = {"name": user.name, "login": user.login, "profile": str(user.profile), "language": "en"}
    assert (await browser.post(desk, data=form)).status_code == 303
    assert (await other.get("/")).status_code == 401
    token = door.issue(Purpose.ENTER, number)
    assert (await other.post("/enter", data={"token": token})).status_code == 401


async def test_the_last_administrator_cannot_be_switched_off(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/users/1")).text
    profile = found(r'<option value="(\d+)" selected>Administrator</option>', page)
    form = {"name": "Ada", "login": "ada", "profile": profile, "language": "en"}
    answer = await browser.post("/users/1", data=form)
    assert (answer.status_code, "nobody would be left" in answer.text) == (400, True)


async def test_a_second_factor_that_was_lost_is_taken_away_by_an_administrator(
    browser: httpx.AsyncClient, desk: str, store: Store
) -> None:
    number = int(desk.rpartition("/")[2])
    await store.run(accounts.set_second, CLINIC, number, pyotp.random_base32())
    assert "Take the second factor away" in (await browser.get(desk)).text
    assert (await browser.post(f"{desk}/second")).status_code == 303
    user = await store.read(accounts.find, CLINIC, number)
    assert user is not None
    assert not user.has_second


async def test_a_profile_is_changed_by_moving_rules(
    browser: httpx.AsyncClient, desk: str, other: httpx.AsyncClient, door: Door
) -> None:
    page = (await browser.get("/profiles")).text
    number = found(r'id="p(\d+)" href="[^"]+">Front desk<', page)
    await come_in(other, door, int(desk.rpartition("/")[2]))
    assert (await other.get("/audit")).status_code == 403
    form = {"name": "Front desk", "rules": [Rule.MESSAGING_VIEW, Rule.AUDIT, "no-such-rule"]}
    assert (await browser.post(f"/profiles/{number}", data=form)).status_code == 303
    assert (await other.get("/audit")).status_code == 200
    shown = (await browser.get(f"/profiles/{number}")).text
    assigned = shown.partition('id="assigned"')[2].partition("</select>")[0]
    assert re.findall(r'value="([a-z-]+)"', assigned) == ["messaging-view", "audit"]


async def test_a_new_profile_is_made_and_removed(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/profiles/new", data={"name": "Night", "rules": [Rule.MESSAGING_VIEW]})
    address = answer.headers["location"].partition("?")[0]
    assert "Night" in (await browser.get("/profiles")).text
    twice = await browser.post("/profiles/new", data={"name": "Night"})
    assert (twice.status_code, "has this name" in twice.text) == (400, True)
    assert (await browser.post(f"{address}/remove")).status_code == 303
    assert "Night" not in (await browser.get("/profiles")).text
    assert (await browser.get(address)).status_code == 404


async def test_one_changes_ones_own_password_and_all_other_browsers_are_out(
    browser: httpx.AsyncClient, store: Store, other: httpx.AsyncClient, door: Door
) -> None:
    await come_in(other, door, 1)
    wrong = await browser.post("/me/password", data={"password": "", "wanted": GOOD, "again": GOOD})
    assert wrong.status_code == 400
    link = found(r'id="link">([^<]+)<', (await browser.post("/users/1/link")).text)
    form = {"token": link.partition("token=")[2], "password": GOOD, "again": GOOD}
    await store.run(accounts.set_second, CLINIC, 1, None)
    await other.post("/enter", data=form)
    assert (await browser.get("/me")).status_code == 401
    await come_in(other, door, 1)
    await come_in(browser, door, 1)
    form = {"password": GOOD, "wanted": BETTER, "again": BETTER}
    assert (await other.post("/me/password", data=form)).status_code == 303
    assert (await other.get("/me")).status_code == 200
    assert (await browser.get("/me")).status_code == 401
    assert (await _password(browser, BETTER)).status_code == 303


async def test_all_other_browsers_are_signed_out_by_one_button(
    browser: httpx.AsyncClient, other: httpx.AsyncClient, door: Door, store: Store
) -> None:
    await come_in(other, door, 1)
    assert (await browser.post("/me/leave-everywhere")).status_code == 303
    assert (await other.get("/me")).status_code == 401
    assert (await browser.get("/me")).status_code == 200
    assert len(await store.read(sessions.of_account, CLINIC, 1)) == 1


async def test_changes_are_in_the_audit_log_and_the_page_verifies_the_chain(
    browser: httpx.AsyncClient, desk: str, store: Store
) -> None:
    await browser.post(f"{desk}/link")
    lines = await store.read(audit.lines, CLINIC, Wanted(), 20)
    noted = [(line.actor, line.action, line.about) for line in lines[:2]]
    number = desk.rpartition("/")[2]
    assert noted == [
        ("Ada Administrator", "password-link-made", f"user:{number}"),
        ("Ada Administrator", "user-added", f"user:{number}"),
    ]
    page = (await browser.get("/audit", params={"about": f"user:{number}"})).text
    assert page.count("Password link made") == 2  # the line, and the filter's choice
    assert "The chain is whole" in (await browser.post("/audit/verify")).text
    wrong = await browser.get("/audit", params={"since": "tomorrow"})
    assert wrong.status_code == 400


async def test_the_code_that_set_the_second_factor_up_opens_nothing(
    stranger: httpx.AsyncClient, door: Door, clock: Clock
) -> None:
    await stranger.post("/enter", data={"token": door.issue(Purpose.FIRST), **ADA})
    page = (await stranger.get("/sign-in/second")).text
    secret = found(r'name="secret" value="([A-Z2-7]+)"', page)
    code = _now(secret, clock)
    await stranger.post("/sign-in/second", data={"csrf": token_of(page), "secret": secret, "code": code})
    stranger.cookies.clear()
    await _password(stranger)
    assert (await _code(stranger, code)).status_code == 401


async def test_codes_are_replaced_by_who_knows_the_password_and_guesses_are_counted(
    stranger: httpx.AsyncClient, codes: list[str], clock: Clock, store: Store
) -> None:
    await _password(stranger)
    await _code(stranger, codes[1])
    csrf = token_of((await stranger.get("/me")).text)
    before = await store.read(accounts.secrets_of, CLINIC, 1)
    mine = pyotp.random_base32()
    form = {"csrf": csrf, "secret": mine, "code": _now(mine, clock), "password": "wrong password 1"}
    assert (await stranger.post("/me/second", data=form)).status_code == 400
    assert await store.read(accounts.secrets_of, CLINIC, 1) == before
    wrong = [await stranger.post("/me/recovery", data=form) for _ in range(10)]
    assert {one.status_code for one in wrong} == {400}
    assert "Try again at" in wrong[-1].text
    clock.move(minutes=10)
    await stranger.get("/me")
    clock.move(minutes=6)
    assert "Your recovery codes" in (await stranger.post("/me/recovery", data=form | {"password": GOOD})).text


async def test_a_desk_that_is_shared_is_known_to_each_of_its_users(
    browser: httpx.AsyncClient, desk: str, door: Door, store: Store
) -> None:
    known = next(one.value for one in browser.cookies.jar if one.name.endswith("-known"))
    await come_in(browser, door, int(desk.rpartition("/")[2]))
    for user in (1, int(desk.rpartition("/")[2])):
        assert await store.read(sessions.is_known, CLINIC, digest(known or ""), user)


async def test_who_gets_another_profile_signs_in_again(
    browser: httpx.AsyncClient, desk: str, other: httpx.AsyncClient, door: Door, store: Store
) -> None:
    number = int(desk.rpartition("/")[2])
    await come_in(other, door, number)
    page = (await browser.get(desk)).text
    profile = found(r'<option value="(\d+)">Administrator</option>', page)
    form = {"name": "Dee Sk", "login": "dee", "profile": profile, "language": "en", "enabled": "1"}
    assert (await browser.post(desk, data=form)).status_code == 303
    assert (await other.get("/me")).status_code == 401
