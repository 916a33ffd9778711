"""What stands before every page, as plain ASGI: faults contained, headers set, strangers kept out.

Closed by default: a path that is not listed as open needs a session, a WebSocket always does.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from gateway.console.door import Session, Sessions
from store.engine import StoreAwayError

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
# Answers a request with the page for (status, words).
Refuse = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]

_OPEN = ("/enter", "/health")
_OPEN_BELOW = "/static/"
_SAFE = ("GET", "HEAD")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LONGEST_BODY = 64 * 1024
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types ringwell"
)
_HEADERS = {
    b"content-security-policy": _POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    # Not "no-referrer": browsers would then send "Origin: null" with our own forms.
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=()",
}


class Faults:
    """Outermost: an exception becomes a page, and one line in the log without any data of patients."""

    def __init__(self, app: App, refuse: Refuse) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        begun = False

        async def noted(event: Event) -> None:
            nonlocal begun
            begun = True
            await send(event)

        try:
            await self._app(scope, receive, noted)
        except StoreAwayError as error:
            log.warning("console: %s", error)
            await self._answer(begun, scope, receive, send, 503, "Try again in a moment.")
        except Exception as error:
            # The message of an exception may quote a row: its kind and place are told, never its words.
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("console: %s at %s:%s", type(error).__name__, place.name, place.lineno)
            await self._answer(
                begun, scope, receive, send, 500, "Something went wrong here; the log says where."
            )

    async def _answer(
        self, begun: bool, scope: Scope, receive: Receive, send: Send, status: int, text: str
    ) -> None:
        if scope["type"] == "http" and not begun:
            await self._refuse(scope, receive, send, status, text)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1011})


class Headers:
    """Sets the security headers; pages are never kept by a cache."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        static = scope.get("path", "").startswith(_OPEN_BELOW)

        async def headed(event: Event) -> None:
            if event["type"] == "http.response.start":
                ours = dict(_HEADERS)
                keep = static and event["status"] in (200, 304)
                # Addresses of static files carry a digest of their content.
                ours[b"cache-control"] = b"public, max-age=31536000, immutable" if keep else b"no-store"
                theirs = [pair for pair in event.get("headers", []) if pair[0].lower() not in ours]
                event = {**event, "headers": [*theirs, *ours.items()]}
            await send(event)

        await self._app(scope, receive, headed)


class Gate:
    """Lets in who has a session; refuses foreign hosts, foreign origins and long bodies."""

    def __init__(self, app: App, refuse: Refuse, sessions: Sessions, host: str) -> None:
        self._app = app
        self._refuse = refuse
        self._sessions = sessions
        self._local = host in _LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._local and _host_name(scope) not in _LOOPBACK:
            # A page of another site whose name was pointed at this machine (DNS rebinding).
            return await self._refuse(scope, receive, send, 421, "This name does not lead to the console.")
        if scope["method"] not in _SAFE and not _same_origin(scope):
            return await self._refuse(scope, receive, send, 403, "This request came from another site.")
        session = self._admit(scope)
        if session is None and not _is_open(scope["path"]):
            return await self._refuse(scope, receive, send, 401, "You are signed out.")
        return await self._app(scope, _limited(receive), send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        local = not self._local or _host_name(scope) in _LOOPBACK
        if local and _header(scope, b"origin") and _same_origin(scope) and self._admit(scope):
            await self._app(scope, receive, send)
        else:
            # Accepted first: a browser shows the close code of an open connection only.
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 1008, "reason": "sign in again"})

    def _admit(self, scope: Scope) -> Session | None:
        session = self._sessions.find(cookie(scope))
        scope.setdefault("state", {})["session"] = session
        by_hand = _header(scope, b"x-refresh") == "" and scope["type"] == "http"
        if session is not None and by_hand and not _is_open(scope["path"]):
            self._sessions.touch(session)
        return session


def cookie_name(scope: Scope) -> str:
    """Cookies know no ports: two consoles on one machine must not overwrite each other's."""
    return f"ringwell-{(scope.get('server') or ('', 0))[1]}"


def cookie(scope: Scope) -> str:
    """The session's secret that the browser sent, or nothing."""
    try:
        found = SimpleCookie(_header(scope, b"cookie")).get(cookie_name(scope))
    except CookieError:
        return ""
    return found.value if found else ""


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _host_name(scope: Scope) -> str:
    try:
        return urlsplit("//" + _header(scope, b"host")).hostname or ""
    except ValueError:
        return ""


def _same_origin(scope: Scope) -> bool:
    """No Origin at all is a program, not a browser: it has no cookie of ours to abuse."""
    origin = _header(scope, b"origin")
    return not origin or origin.partition("://")[2].lower() == _header(scope, b"host").lower()


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith(_OPEN_BELOW)


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def counted() -> Event:
        nonlocal seen
        event = await receive()
        seen += len(event.get("body", b""))
        if seen > _LONGEST_BODY:
            return {"type": "http.disconnect"}
        return event

    return counted
