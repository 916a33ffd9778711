"""Whatever a browser or a program may send: it is refused with a page, and nobody is harmed by it."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

import httpx
import pytest

from gateway import web
from tests.channels.waiting import until

BIG, HUGE = "9" * 20, "9" * 5000
BROKEN = {"content-type": "multipart/form-data; boundary=x; charset=utf-7"}
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def _part(name: str, value: str) -> str:
    return f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


# Half of a pair of letters, in UTF-7.
HALF = (_part("login", "+2AA-") + _part("password", "+2AA-") + _part("name", "+2AA-") + "--x--\r\n").encode()


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", f"/users/{BIG}", {}),
        ("GET", f"/users/{HUGE}", {}),
        ("POST", f"/users/{BIG}/leave", {}),
        ("GET", f"/messages/{HUGE}", {}),
        ("GET", f"/clients/{BIG}", {}),
        ("GET", f"/api/conversations/{BIG}", {}),
        ("GET", "/audit?until=9999-12-31", {}),
        ("GET", "/audit?since=0001-01-01", {}),
        ("GET", "/history?until=9999-12-31", {}),
        ("GET", "/inbox?before=9999-12-31T23:59:59-14:00", {}),
        ("GET", "/staff-messages?before=0001-01-01T00:00:00%2B14:00", {}),
        ("GET", "/audit?about=%00&action=%00", {}),
        ("POST", "/users/new", {"content": HALF, "headers": BROKEN}),
        ("POST", "/sign-in", {"content": HALF, "headers": BROKEN}),
        ("POST", "/leave", {"content": b"csrf=" + b"a" * 200_000, "headers": FORM | {"x-csrf-token": ""}}),
        ("POST", "/leave", {"content": b"no form", "headers": {"content-type": "multipart/form-data"}}),
        ("POST", "/users/new", {"data": {"login": "a\0b", "name": "x\0y", "enabled": "1"}}),
        ("GET", "/static/%00", {}),
        ("GET", "/nothing", {"headers": {"accept-language": "x;q=nan,,,"}}),
        (
            "PUT",
            "/api/settings/x",
            {"content": b"[" * 60_000, "headers": {"content-type": "application/json"}},
        ),
    ],
)
async def test_odd_requests_are_refused_and_never_a_fault(
    browser: httpx.AsyncClient, method: str, path: str, more: dict[str, Any]
) -> None:
    answer = await browser.request(method, path, **more)
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "other", ['x={"a": 1}; ', "a[0]=b; ", "na@me=1; ", "foo; ", "a=b c; ", "expires=x; "]
)
async def test_an_odd_cookie_of_another_site_of_this_machine_signs_nobody_out(
    browser: httpx.AsyncClient, other: str
) -> None:
    mine = next(one for one in browser.cookies.jar if not one.name.endswith("-known"))
    browser.cookies.clear()
    answer = await browser.get("/me", headers={"cookie": f"{other}{mine.name}={mine.value}"})
    assert answer.status_code == 200


async def test_headers_without_an_end_are_cut_off() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    listener = web.listen("127.0.0.1", 0)
    server = web.server_of(app)
    serving = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")

    async def goes_on() -> None:
        for number in range(2_000):
            writer.write(b"x-%d: " % number + b"a" * 100_000 + b"\r\n")
            await writer.drain()

    with pytest.raises(ConnectionError):
        await goes_on()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    writer.close()
    server.should_exit = True
    await serving
