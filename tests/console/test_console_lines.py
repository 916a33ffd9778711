"""The pages of lines and of the doctor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import httpx
import pytest

from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.console.running import Heard, Running
from gateway.domain import Finding, Line, LineKind, LineLook, LineState
from gateway.settings import Settings
from store import audit, switches
from store.audit import Wanted
from store.engine import Store
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC, Clock

WELL = Finding("bind main", True, "lets us in as a transceiver")
ILL = Finding("relay house", False, "nobody answers", "see host and port")


@dataclass
class Gateway:
    """A gateway whose lines are as a test says, and whose doctor waits to be let go."""

    lines: list[Line]
    go: asyncio.Event = field(default_factory=asyncio.Event)
    runs: int = 0

    async def look(self) -> Sequence[Line]:
        return self.lines

    async def examine(self, heard: Heard) -> Sequence[Finding]:
        self.runs += 1
        heard(1, 4)
        await self.go.wait()
        return [WELL, ILL]

    async def test(self, kind: LineKind, name: str) -> Sequence[Finding]:
        return [WELL if kind is LineKind.BIND else ILL]


@pytest.fixture
def gateway(clock: Clock) -> Gateway:
    up = LineLook("smsc.example.org:2775", LineState.UP, "", 3, 10, 20.0, 1234, 2, "bind-down", clock())
    down = LineLook("mail.example.org:587", LineState.DOWN, "connection refused", 0, 4)
    return Gateway([Line(LineKind.BIND, "main", up), Line(LineKind.RELAY, "house", down)])


@pytest.fixture
async def desk(
    store: Store, settings: Settings, door: Door, administrator: int, gateway: Gateway
) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator at the console of that gateway."""
    running = Running(gateway.look, gateway.examine, gateway.test)
    transport = httpx.ASGITransport(create_app(store, settings, door, running=running))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as client:
        yield await come_in(client, door, administrator)


async def test_lines_are_shown_with_state_rate_and_errors(desk: httpx.AsyncClient) -> None:
    page = (await desk.get("/lines")).text
    assert 'class="chip good" id="bind-main-state">Up<' in page
    assert 'id="bind-main-busy">3 / 10<' in page
    assert 'id="bind-main-sent">1,234<' in page
    assert 'class="chip bad" id="relay-house-state">Down<' in page
    assert 'id="relay-house-trouble">connection refused<' in page


async def test_a_line_is_switched_off_with_a_reason_and_on_again(
    desk: httpx.AsyncClient, store: Store
) -> None:
    assert (await desk.post("/lines/bind/main/off", data={"reason": "invoices"})).status_code == 303
    (off,) = await store.read(switches.switched_off, CLINIC)
    assert (off.kind, off.name, off.reason, off.by) == (
        LineKind.BIND,
        "main",
        "invoices",
        "Ada Administrator",
    )
    page = (await desk.get("/lines")).text
    assert 'id="bind-main-state">Switched off<' in page
    assert "invoices (Ada Administrator" in page
    assert (await desk.post("/lines/bind/main/on")).status_code == 303
    assert await store.read(switches.switched_off, CLINIC) == []
    lines = await store.read(audit.lines, CLINIC, Wanted(about="line:bind/main"), 10)
    assert [line.action for line in lines] == ["line-switched-on", "line-switched-off"]


async def test_nothing_is_switched_without_a_reason_or_where_there_is_no_line(
    desk: httpx.AsyncClient, store: Store
) -> None:
    answer = await desk.post("/lines/bind/main/off", data={"reason": "  "})
    assert (answer.status_code, "Say why" in answer.text) == (400, True)
    assert (await desk.post("/lines/bind/none/off", data={"reason": "x"})).status_code == 404
    assert (await desk.post("/lines/nothing/main/off", data={"reason": "x"})).status_code == 400
    assert await store.read(switches.switched_off, CLINIC) == []


async def test_a_test_tells_what_to_do(desk: httpx.AsyncClient) -> None:
    assert "lets us in as a transceiver" in (await desk.post("/lines/bind/main/test")).text
    page = (await desk.post("/lines/relay/house/test")).text
    assert "nobody answers" in page
    assert "see host and port" in page


async def test_an_open_page_learns_what_changed(desk: httpx.AsyncClient, gateway: Gateway) -> None:
    before = (await desk.get("/lines/now")).json()
    gateway.lines[1] = Line(LineKind.RELAY, "house", LineLook("mail.example.org:587", LineState.UP, "", 1, 4))
    after = (await desk.get("/lines/now")).json()
    assert (before["cells"]["relay-house-state"], after["cells"]["relay-house-state"]) == ("Down", "Up")
    assert after["tones"]["relay-house-state"] == "good"
    assert before["shape"] == after["shape"]
    await desk.post("/lines/relay/house/off", data={"reason": "x"})
    assert (await desk.get("/lines/now")).json()["shape"] != after["shape"]


async def test_where_no_line_is_set_up_the_doctor_is_offered(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/lines")).text
    assert "No line is set up" in page
    assert 'id="to-doctor" href="/doctor"' in page


async def test_the_doctor_looks_in_the_background_and_its_findings_are_kept(
    desk: httpx.AsyncClient, gateway: Gateway
) -> None:
    assert "has not looked yet" in (await desk.get("/doctor")).text
    assert (await desk.post("/doctor")).status_code == 303
    await asyncio.sleep(0)
    assert (await desk.get("/doctor/now")).json() == {"running": True, "done": 1, "of": 4}
    assert 'id="progress" max="4" value="1"' in (await desk.get("/doctor")).text
    await desk.post("/doctor")
    assert gateway.runs == 1, "one run at a time"
    gateway.go.set()
    async with asyncio.timeout(10):
        while (await desk.get("/doctor/now")).json()["running"]:  # noqa: ASYNC110
            await asyncio.sleep(0)
    page = (await desk.get("/doctor")).text
    assert page.index("nobody answers") < page.index("lets us in as a transceiver")
    assert "see host and port" in page
    assert "asked by Ada Administrator" in page
