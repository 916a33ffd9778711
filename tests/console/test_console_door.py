"""One-time links: what each opens, how often, and for how long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gateway.console.door import TOKEN_LIFE, Door, Purpose
from store import accounts, audit
from store.audit import Wanted
from store.engine import Store
from tests.console.console_day import CLINIC, Clock

FIRST, ENTER, PASSWORD = Purpose.FIRST, Purpose.ENTER, Purpose.PASSWORD
GOOD = "four easy words here"
ADA = {"name": "Ada Brown", "login": "Ada@Clinic.example", "password": GOOD, "again": GOOD}


def test_a_token_works_once_for_what_it_was_made_for(door: Door) -> None:
    token = door.issue(PASSWORD, 7)
    found = door.redeem(token)
    assert found is not None
    assert (found.purpose, found.account) == (PASSWORD, 7)
    assert door.redeem(token) is None


def test_a_token_is_too_old_after_half_an_hour(door: Door, clock: Clock) -> None:
    token = door.issue(FIRST)
    clock.now += TOKEN_LIFE
    assert door.look(token) is None
    assert door.redeem(token) is None


def test_a_token_issued_by_another_process_is_good_here(door: Door, tmp_path: Path, clock: Clock) -> None:
    assert door.redeem(Door(tmp_path / "console", clock).issue(FIRST))


def test_the_folder_never_holds_a_token_in_clear(door: Door, tmp_path: Path) -> None:
    token = door.issue(FIRST)
    files = list((tmp_path / "console").glob("*.token"))
    assert len(files) == 1
    assert token not in files[0].name + files[0].read_text()
    assert files[0].stat().st_mode & 0o077 == 0


def test_old_tokens_are_swept_when_a_new_one_is_issued(door: Door, tmp_path: Path, clock: Clock) -> None:
    door.issue(FIRST)
    clock.now += TOKEN_LIFE
    door.issue(FIRST)
    assert len(list((tmp_path / "console").glob("*.token"))) == 1


@pytest.mark.parametrize(
    "token", ["", "x", "../../etc/passwd", "a" * 43, "a" * 5000, "é" * 43, "a" * 42 + "/"]
)
def test_what_is_not_a_token_opens_nothing(door: Door, token: str) -> None:
    door.issue(FIRST)
    assert door.redeem(token) is None


def test_a_token_whose_file_is_broken_opens_nothing(door: Door, tmp_path: Path) -> None:
    token = door.issue(FIRST)
    (file,) = (tmp_path / "console").glob("*.token")
    file.write_text("{}")
    assert door.redeem(token) is None


async def test_looking_at_the_link_does_not_use_it_up(
    stranger: httpx.AsyncClient, door: Door, administrator: int
) -> None:
    token = door.issue(ENTER, administrator)
    for _ in range(2):
        page = await stranger.get("/enter", params={"token": token})
        assert page.status_code == 200
        assert f'value="{token}"' in page.text
        assert "set-cookie" not in page.headers
    assert (await stranger.post("/enter", data={"token": token})).status_code == 303
    again = await stranger.post("/enter", data={"token": token})
    assert again.status_code == 401
    assert "used before" in again.text


async def test_the_first_start_makes_the_first_administrator_by_a_link(
    stranger: httpx.AsyncClient, door: Door, store: Store
) -> None:
    page = await stranger.get("/enter", params={"token": door.issue(FIRST)})
    assert "Make the first administrator" in page.text
    answer = await stranger.post("/enter", data={"token": door.issue(FIRST), **ADA})
    # Administrators need a second factor, so they are not in yet.
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/second")
    assert (await stranger.get("/")).status_code == 401
    (made,) = await store.read(accounts.accounts, CLINIC)
    assert (made.login, made.name, made.profile_name) == ("ada@clinic.example", "Ada Brown", "Administrator")
    assert made.has_password
    noted = [line.action for line in await store.read(audit.lines, CLINIC, Wanted(), 10)]
    assert noted == ["password-changed", "user-added"]


async def test_the_link_for_the_first_administrator_makes_no_second_one(
    stranger: httpx.AsyncClient, door: Door, store: Store, administrator: int
) -> None:
    answer = await stranger.post("/enter", data={"token": door.issue(FIRST), **ADA})
    assert answer.status_code == 409
    assert len(await store.read(accounts.accounts, CLINIC)) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"password": "short", "again": "short"}, "12 to 200"),
        ({"again": "another password"}, "differ"),
        ({"password": "ada ada ada ada", "again": "ada ada ada ada"}, "repeats itself"),
        ({"password": "my ringwell 2026", "again": "my ringwell 2026"}, "guessed first"),
        ({"name": " "}, "Name and login"),
    ],
)
async def test_a_wrong_form_says_why_and_leaves_the_link_good(
    stranger: httpx.AsyncClient, door: Door, typed: dict[str, str], said: str
) -> None:
    token = door.issue(FIRST)
    answer = await stranger.post("/enter", data={"token": token, **ADA, **typed})
    assert answer.status_code == 400
    assert said in answer.text
    assert (await stranger.post("/enter", data={"token": token, **ADA})).status_code == 303


async def test_the_cookie_is_for_this_console_alone(
    stranger: httpx.AsyncClient, door: Door, administrator: int
) -> None:
    answer = await stranger.post("/enter", data={"token": door.issue(ENTER, administrator)})
    said = answer.headers.get_list("set-cookie")
    assert said[0].startswith("ringwell-8480=")
    assert all("HttpOnly" in one and "SameSite=strict" in one for one in said)


async def test_signing_out_ends_the_session_on_the_server(browser: httpx.AsyncClient) -> None:
    cookies = dict(browser.cookies)
    assert (await browser.get("/")).status_code == 200
    assert (await browser.post("/leave")).status_code == 303
    browser.cookies.update(cookies)
    assert (await browser.get("/")).status_code == 401


async def test_a_session_ends_after_fifteen_idle_minutes(browser: httpx.AsyncClient, clock: Clock) -> None:
    clock.now += timedelta(minutes=15) - timedelta(seconds=1)
    assert (await browser.get("/")).status_code == 200
    clock.now += timedelta(minutes=15)
    assert (await browser.get("/")).status_code == 401


async def test_a_session_ends_after_twelve_hours_however_busy(
    browser: httpx.AsyncClient, clock: Clock
) -> None:
    for _ in range(12 * 6):
        last = await browser.get("/me")
        clock.move(minutes=10)
    assert last.status_code == 200
    assert (await browser.get("/me")).status_code == 401


async def test_pages_that_fetch_themselves_do_not_keep_a_session(
    browser: httpx.AsyncClient, clock: Clock
) -> None:
    for _ in range(4):
        clock.move(minutes=5)
        last = await browser.get("/", headers={"X-Refresh": "1"})
    assert last.status_code == 401


async def test_a_user_who_does_something_stays_signed_in(browser: httpx.AsyncClient, clock: Clock) -> None:
    for _ in range(4):
        clock.move(minutes=5)
        last = await browser.get("/")
    assert last.status_code == 200
