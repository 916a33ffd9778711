"""What stands before every page, as plain ASGI: faults contained, headers set, strangers kept out.

Closed by default: a path that is not listed as open needs a session, a WebSocket always does.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from gateway.accounts.signing_in import IN, SignIn
from gateway.accounts.tokens import Tokens
from gateway.console.access import LONG_BODIES, LONGEST_BODY, OPEN, PENDING, ROUTES
from gateway.console.cookies import session_cookie
from gateway.domain import RingwellError
from store.engine import StoreAwayError
from store.sessions import Session

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
# Answers a request with the page for (status, words).
Refuse = Callable[[Scope, Receive, Send, int, str], Awaitable[None]]

_OPEN = {route.partition(" ")[2] for route, need in ROUTES.items() if need is OPEN}
_PENDING = {route.partition(" ")[2] for route, need in ROUTES.items() if need is PENDING}
_HEALTH = "/health"
# No address of ours is longer.
_LONGEST_PATH = 2000
_OPEN_BELOW = "/static/"
_OF_PROGRAMS = "/api"
_SAFE = ("GET", "HEAD")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "media-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types ringwell ringwell-part"
)
_CSP = b"content-security-policy"
_FRAMED = (_CSP, b"x-frame-options")
SEALED = b"sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
_HEADERS = {
    _CSP: _POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    # Not "no-referrer": browsers would then send "Origin: null" with our own forms.
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=()",
}


# Where users record.
_RECORDING = "/prompts/"
_WITH_MICROPHONE = b"camera=(), geolocation=(), microphone=(self), payment=()"


class TooLongError(RingwellError):
    """A request has more octets than its route takes."""


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
        except TooLongError:
            await self._answer(begun, scope, receive, send, 413, "This is more than can be taken at once.")
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
                sealed = any(
                    key.lower() == _CSP and value == SEALED for key, value in event.get("headers", [])
                )
                # A letter as it will look brings a policy that allows it its own styles and nothing else.
                ours = {key: value for key, value in _HEADERS.items() if not (sealed and key in _FRAMED)}
                keep = static and event["status"] in (200, 304)
                # Addresses of static files carry a digest of their content.
                ours[b"cache-control"] = b"public, max-age=31536000, immutable" if keep else b"no-store"
                if scope.get("path", "").startswith(_RECORDING):
                    ours[b"permissions-policy"] = _WITH_MICROPHONE
                if scope.get("scheme") == "https":
                    ours[b"strict-transport-security"] = b"max-age=31536000"
                theirs = [pair for pair in event.get("headers", []) if pair[0].lower() not in ours]
                event = {**event, "headers": [*theirs, *ours.items()]}
            await send(event)

        await self._app(scope, receive, headed)


class Gate:
    """Lets in who has a session; refuses foreign hosts, foreign origins and long bodies.

    Programs show a bearer token instead, below /api alone. `state.session` is then the session of who is in,
    or None; `state.pending` one that still has to show a code; `state.program`: it is a program's.
    """

    def __init__(
        self, app: App, refuse: Refuse, sign_in: SignIn, tokens: Tokens, names: Collection[str]
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._sign_in = sign_in
        self._tokens = tokens
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {}).update(session=None, pending=None, program=False)
        path = scope["path"]
        if len(path) > _LONGEST_PATH:
            return await self._refuse(scope, receive, send, 404, "Nothing is kept under this address.")
        if self._names and _host_name(scope) not in self._names:
            # A page of another site whose name was pointed at this machine (DNS rebinding).
            return await self._refuse(scope, receive, send, 421, "This name does not lead to the console.")
        if scope["method"] not in _SAFE and not _same_origin(scope):
            return await self._refuse(scope, receive, send, 403, "This request came from another site.")
        bearer = _bearer(scope) if path.startswith(_OF_PROGRAMS) else None
        if bearer is not None:
            scope["state"].update(session=await self._tokens.admit(bearer), program=True)
            if scope["state"]["session"] is None:
                return await self._refuse(scope, receive, send, 401, "This token opens nothing (any more).")
        elif not path.startswith(_OPEN_BELOW) and path != _HEALTH:
            await self._admit(scope)
        if not self._may_ask(scope["state"], path):
            return await self._refuse(scope, receive, send, 401, "You are signed out.")
        return await self._app(scope, _limited(receive, _longest(path)), send)

    def _may_ask(self, state: Mapping[str, Session | None], path: str) -> bool:
        if state["session"] is not None or path in _OPEN or path.startswith(_OPEN_BELOW):
            return True
        return state["pending"] is not None and path in _PENDING

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {}).update(session=None, pending=None, program=False)
        local = not self._names or _host_name(scope) in self._names
        trusted = local and _header(scope, b"origin") and _same_origin(scope)
        if trusted and await self._admit(scope):
            await self._app(scope, receive, send)
        else:
            # Accepted first: a browser shows the close code of an open connection only.
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 1008, "reason": "sign in again"})

    async def _admit(self, scope: Scope) -> Session | None:
        session = await self._sign_in.find(session_cookie(scope))
        if session is None:
            return None
        if session.stage != IN:
            scope["state"]["pending"] = session
            return None
        scope["state"]["session"] = session
        by_hand = _header(scope, b"x-refresh") == "" and scope["type"] == "http"
        if by_hand and scope["path"] not in _OPEN:
            await self._sign_in.touch(session)
        return session


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _bearer(scope: Scope) -> str | None:
    """The token that a program shows; None: it shows none."""
    scheme, _, token = _header(scope, b"authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _host_name(scope: Scope) -> str:
    try:
        return urlsplit("//" + _header(scope, b"host")).hostname or ""
    except ValueError:
        return ""


def _same_origin(scope: Scope) -> bool:
    """No Origin at all is a program, not a browser: it has no cookie of ours to abuse."""
    origin = _header(scope, b"origin")
    return not origin or origin.partition("://")[2].lower() == _header(scope, b"host").lower()


def _longest(path: str) -> int:
    return next((most for begin, most in LONG_BODIES.items() if path.startswith(begin)), LONGEST_BODY)


def _limited(receive: Receive, most: int) -> Receive:
    seen = 0

    async def counted() -> Event:
        nonlocal seen
        event = await receive()
        seen += len(event.get("body", b""))
        if seen > most:
            raise TooLongError("the request is too long")
        return event

    return counted
