"""Received faxes and proofs of delivery over the console's API."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from gateway.domain import Channel, Direct, DirectKind, State
from gateway.settings import Settings
from store import faxes
from store.engine import Store
from store.faxes import Fax
from tests.console.console_day import CLINIC, Clock, Day

CALLER = "+12125552081"
PAGES = b"%PDF-1.4 pages"


@pytest.fixture
async def received(store: Store, settings: Settings, clock: Clock) -> int:
    """A fax of two pages in the desk's inbox: its number."""
    settings.received_faxes.mkdir(parents=True)
    (settings.received_faxes / "a.pdf").write_bytes(PAGES)
    fax = Fax("1.1", "desk", "+12025550108", CALLER, "LAB", 2, True, "a.pdf", clock())
    notice = Direct(DirectKind.NOTICE, "", None, clock() + timedelta(days=1))
    await store.run(faxes.keep, CLINIC, fax, (), notice, clock())
    return 1


async def test_a_fax_waits_is_opened_and_marked_as_read(browser: httpx.AsyncClient, received: int) -> None:
    listed = (await browser.get("/api/faxes?unread=1")).json()
    assert listed["unread"] == {"desk": 1}
    (row,) = listed["faxes"]
    assert (row["id"], row["inbox"], row["pages"], row["whole"]) == (received, "desk", 2, True)
    assert CALLER not in str(listed)
    opened = await browser.get(f"/api/faxes/{received}.pdf")
    assert (opened.content, opened.headers["content-type"]) == (PAGES, "application/pdf")
    assert (await browser.post(f"/api/faxes/{received}/read")).status_code == 200
    assert (await browser.get("/api/faxes?unread=1")).json() == {"unread": {}, "faxes": [], "next": None}
    assert (await browser.get("/api/faxes?inbox=other")).json()["faxes"] == []
    assert (await browser.get(f"/api/faxes?before={received}")).json()["faxes"] == []


async def test_what_is_not_there_is_told_apart_from_what_was_thrown_away(
    browser: httpx.AsyncClient, received: int, settings: Settings
) -> None:
    assert (await browser.get("/api/faxes/99.pdf")).status_code == 404
    assert (await browser.post("/api/faxes/99/read")).status_code == 404
    (settings.received_faxes / "a.pdf").unlink()
    assert (await browser.get(f"/api/faxes/{received}.pdf")).status_code == 410


async def test_strangers_get_no_fax(stranger: httpx.AsyncClient, received: int) -> None:
    for path in ("/api/faxes", f"/api/faxes/{received}.pdf", "/api/messages/1/proof.pdf", "/api/events"):
        assert (await stranger.get(path)).status_code in (303, 401), path


async def test_the_proof_of_a_delivered_fax_is_a_file_and_of_others_there_is_none(
    browser: httpx.AsyncClient, day: Day
) -> None:
    _, (sent, waiting) = await day.broadcast("Referral letters", Channel.FAX, 2)
    await day.start(Channel.FAX)
    said = {"pages": 2, "station": "LAB", "rate": 14400, "mode": "T38", "seconds": 41}
    await day.settle([sent], State.DELIVERED, "delivered", "delivered", evidence=said)
    proof = await browser.get(f"/api/messages/{sent}/proof.pdf")
    assert proof.headers["content-type"] == "application/pdf"
    assert f'filename="fax-{sent}-proof.pdf"' in proof.headers["content-disposition"]
    assert proof.content.startswith(b"%PDF-")
    assert (await browser.get(f"/api/messages/{waiting}/proof.pdf")).status_code == 404
