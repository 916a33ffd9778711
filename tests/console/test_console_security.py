"""What stands before every page."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from gateway.console.access import OPEN, ROUTES
from gateway.console.app import create_app
from store.engine import Store
from tests.console.test_console_access import address_of


async def test_every_route_but_the_entrance_refuses_a_stranger(stranger: httpx.AsyncClient) -> None:
    for name, need in ROUTES.items():
        method, path = name.split(" ")
        if need is OPEN or method == "WEBSOCKET":
            continue
        answer = await stranger.request(method, address_of(path))
        assert answer.status_code == 401, path
        if path.startswith("/api/"):
            assert answer.json()["status"] == 401


async def test_an_unknown_path_tells_a_stranger_nothing(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/no/such/page")
    assert answer.status_code == 401
    assert "Sign in" in answer.text


async def test_health_says_only_ok(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/health")
    assert (answer.status_code, answer.text) == (200, "ok")


@pytest.mark.parametrize("path", ["/", "/history", "/enter", "/nothing", "/api/today", "/static/live.js"])
async def test_every_answer_carries_the_strict_policy(browser: httpx.AsyncClient, path: str) -> None:
    headers = (await browser.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert ("no-store" in headers["cache-control"]) != path.startswith("/static/")


def test_no_page_holds_inline_code_or_a_foreign_address() -> None:
    folder = Path(create_app.__code__.co_filename).parent
    for file in [*(folder / "templates").iterdir(), *(folder / "static").iterdir()]:
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"\sstyle=|\son[a-z]+=\"|<style|https?://|\|safe", text), file.name
        assert not re.search(r"<script(?![^>]*\ssrc=)|innerHTML|insertAdjacentHTML|\beval\b", text), file.name


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://["])
async def test_a_form_of_another_site_is_refused(browser: httpx.AsyncClient, origin: str) -> None:
    answer = await browser.post("/leave", headers={"Origin": origin})
    assert answer.status_code == 403
    assert (await browser.get("/")).status_code == 200


async def test_a_name_pointed_at_this_machine_leads_nowhere(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/enter", headers={"Host": "evil.example:8480"})
    assert answer.status_code == 421


async def test_a_long_body_is_not_read(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.post("/enter", content=b"token=" + b"a" * 200_000)
    assert answer.status_code in (400, 401, 413)


async def test_a_fault_is_a_page_and_tells_no_secret(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("Rosa Costa +12025551234")

    monkeypatch.setattr("gateway.console.today.read", broken)
    answer = await browser.get("/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text
    assert "ValueError" in caplog.text
    assert "Rosa" not in caplog.text + answer.text


async def test_a_lost_database_is_told_as_such(browser: httpx.AsyncClient, store: Store) -> None:
    await store.run(lambda conn: conn.exec_driver_sql("ALTER TABLE broadcast RENAME TO gone"))
    page, data = await browser.get("/"), await browser.get("/api/today")
    assert (page.status_code, data.status_code) == (503, 503)
    assert "database is away" in page.text
    assert data.json()["title"] == "Service Unavailable"
