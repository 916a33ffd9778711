"""Who comes in, how often, and for how long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gateway.console.door import IDLE, LONGEST, TOKEN_LIFE, Door
from tests.console.console_day import Clock


def test_a_token_works_once(door: Door) -> None:
    token = door.issue()
    assert door.redeem(token)
    assert not door.redeem(token)


def test_a_token_is_too_old_after_half_an_hour(door: Door, clock: Clock) -> None:
    token = door.issue()
    clock.now += TOKEN_LIFE
    assert not door.redeem(token)


def test_a_token_issued_by_another_process_is_good_here(door: Door, tmp_path: Path, clock: Clock) -> None:
    assert door.redeem(Door(tmp_path / "console", clock).issue())


def test_the_folder_never_holds_a_token_in_clear(door: Door, tmp_path: Path) -> None:
    token = door.issue()
    files = list((tmp_path / "console").glob("*.token"))
    assert len(files) == 1
    assert token not in files[0].name + files[0].read_text()
    assert files[0].stat().st_mode & 0o077 == 0


def test_old_tokens_are_swept_when_a_new_one_is_issued(door: Door, tmp_path: Path, clock: Clock) -> None:
    door.issue()
    clock.now += TOKEN_LIFE
    door.issue()
    assert len(list((tmp_path / "console").glob("*.token"))) == 1


@pytest.mark.parametrize(
    "token", ["", "x", "../../etc/passwd", "a" * 43, "a" * 5000, "é" * 43, "a" * 42 + "/"]
)
def test_what_is_not_a_token_opens_nothing(door: Door, token: str) -> None:
    door.issue()
    assert not door.redeem(token)


def test_a_session_ends_after_fifteen_idle_minutes(door: Door, clock: Clock) -> None:
    secret = door.sessions.begin()
    clock.now += IDLE - timedelta(seconds=1)
    session = door.sessions.find(secret)
    assert session is not None
    door.sessions.touch(session)
    clock.now += IDLE - timedelta(seconds=1)
    assert door.sessions.find(secret)
    clock.now += timedelta(seconds=1)
    assert door.sessions.find(secret) is None


def test_a_session_ends_after_twelve_hours_however_busy(door: Door, clock: Clock) -> None:
    secret = door.sessions.begin()
    session = door.sessions.find(secret)
    for _ in range(int(LONGEST / timedelta(minutes=10)) + 1):
        assert session is not None
        door.sessions.touch(session)
        clock.now += timedelta(minutes=10)
    assert door.sessions.find(secret) is None


async def test_looking_at_the_link_does_not_use_the_token_up(stranger: httpx.AsyncClient, door: Door) -> None:
    token = door.issue()
    for _ in range(2):
        page = await stranger.get("/enter", params={"token": token})
        assert page.status_code == 200
        assert f'value="{token}"' in page.text
        assert "set-cookie" not in page.headers
    assert (await stranger.post("/enter", data={"token": token})).status_code == 303
    again = await stranger.post("/enter", data={"token": token})
    assert again.status_code == 401
    assert "used before" in again.text


async def test_the_cookie_is_for_this_console_alone(stranger: httpx.AsyncClient, door: Door) -> None:
    answer = await stranger.post("/enter", data={"token": door.issue()})
    said = answer.headers["set-cookie"]
    assert said.startswith("ringwell-8480=")
    assert "HttpOnly" in said
    assert "SameSite=strict" in said


async def test_signing_out_ends_the_session_on_the_server(browser: httpx.AsyncClient) -> None:
    cookies = dict(browser.cookies)
    assert (await browser.get("/")).status_code == 200
    assert (await browser.post("/leave")).status_code == 303
    browser.cookies.update(cookies)
    assert (await browser.get("/")).status_code == 401


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
