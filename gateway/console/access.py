"""Who may use which route: one table, checked before anything is done, and complete or nothing starts."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from enum import Enum

from fastapi import APIRouter
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import HTTPConnection, Request

from gateway.accounts.rules import Rule
from gateway.console.cookies import session_cookie


class Anybody(Enum):
    """Routes that no rule names: OPEN to strangers, PENDING to who still has to show a code, IN to users."""

    OPEN = "open"
    PENDING = "pending"
    IN = "in"


OPEN, PENDING, IN = Anybody.OPEN, Anybody.PENDING, Anybody.IN
Need = Rule | Anybody

ROUTES: Mapping[str, Need] = {
    # The way in and out.
    "GET /health": OPEN,
    "GET /enter": OPEN,
    "POST /enter": OPEN,
    "GET /sign-in": OPEN,
    "POST /sign-in": OPEN,
    "GET /sign-in/provider": OPEN,
    "GET /sign-in/provider/back": OPEN,
    "GET /sign-in/code": PENDING,
    "POST /sign-in/code": PENDING,
    "GET /sign-in/second": PENDING,
    "POST /sign-in/second": PENDING,
    "POST /leave": PENDING,
    "WEBSOCKET /live": IN,
    # One's own account.
    "GET /me": IN,
    "POST /me/language": IN,
    "POST /me/password": IN,
    "GET /me/second": IN,
    "POST /me/second": IN,
    "POST /me/second/remove": IN,
    "POST /me/recovery": IN,
    "POST /me/leave-everywhere": IN,
    "GET /me/waiting": IN,
    # Messages.
    "GET /": Rule.MESSAGING_VIEW,
    "GET /today/calls": Rule.MESSAGING_VIEW,
    "GET /history": Rule.MESSAGING_VIEW,
    "POST /history/client": Rule.MESSAGING_VIEW,
    "POST /history/export": Rule.MESSAGING_VIEW,
    "GET /exports/{token}": Rule.MESSAGING_VIEW,
    "GET /exports/{token}/state": Rule.MESSAGING_VIEW,
    "GET /exports/{token}/file": Rule.MESSAGING_VIEW,
    "GET /messages/{text}": Rule.MESSAGING_VIEW,
    "POST /messages/{text}": Rule.MESSAGING_VIEW,
    "GET /messages/{text}/again": Rule.MESSAGING_CREATE,
    "POST /messages/{text}/again": Rule.MESSAGING_CREATE,
    # For programs too, by the scopes of their tokens.
    "GET /api": IN,
    "GET /api/openapi.json": IN,
    "POST /api/clients": Rule.CLIENT_EDIT,
    "POST /api/appointments": Rule.CLIENT_EDIT,
    "POST /api/consents": Rule.CONSENT_EDIT,
    "GET /api/broadcasts": Rule.MESSAGING_VIEW,
    "POST /api/broadcasts": Rule.MESSAGING_CREATE,
    "GET /api/broadcasts/{number}": Rule.MESSAGING_VIEW,
    "POST /api/broadcasts/{number}/cancel": Rule.MESSAGING_CREATE,
    "POST /api/stops": Rule.MESSAGING_CREATE,
    "POST /api/stops/resume": Rule.MESSAGING_CREATE,
    "GET /api/today": Rule.MESSAGING_VIEW,
    "GET /api/calls": Rule.MESSAGING_VIEW,
    "GET /api/messages": Rule.MESSAGING_VIEW,
    "GET /api/messages/{number}/proof.pdf": Rule.MESSAGING_VIEW,
    "GET /api/why/{client:path}": Rule.MESSAGING_VIEW,
    "GET /api/events": Rule.MESSAGING_VIEW,
    "GET /api/conversations": Rule.MESSAGING_VIEW,
    "GET /api/conversations/{number}": Rule.MESSAGING_VIEW,
    "POST /api/conversations/{number}/texts": Rule.MESSAGING_CREATE,
    "POST /api/conversations/{number}/read": Rule.MESSAGING_CREATE,
    "POST /api/texts/length": Rule.MESSAGING_CREATE,
    "GET /api/faxes": Rule.MESSAGING_VIEW,
    "GET /api/faxes/{number}.pdf": Rule.MESSAGING_VIEW,
    "POST /api/faxes/{number}/read": Rule.MESSAGING_CREATE,
    "POST /stop": Rule.MESSAGING_CREATE,
    "POST /resume": Rule.MESSAGING_CREATE,
    # Who may only look is led to what is planned.
    "GET /messaging": Rule.MESSAGING_VIEW,
    "POST /messaging": Rule.MESSAGING_CREATE,
    "POST /messaging/confirm": Rule.MESSAGING_CREATE,
    "POST /messaging/send": Rule.MESSAGING_CREATE,
    "GET /messaging/letter/{name}": Rule.MESSAGING_CREATE,
    "GET /messaging/sound/{name}": Rule.MESSAGING_CREATE,
    "GET /messaging/fax/{name}/{number:int}": Rule.MESSAGING_CREATE,
    "GET /broadcasts": Rule.MESSAGING_VIEW,
    "GET /broadcasts/{number:int}": Rule.MESSAGING_VIEW,
    "POST /broadcasts/{number:int}/cancel": Rule.MESSAGING_CREATE,
    "GET /rules": Rule.MESSAGING_VIEW,
    "GET /rules/new": Rule.MESSAGING_CREATE,
    "POST /rules/new": Rule.MESSAGING_CREATE,
    "GET /rules/{number:int}": Rule.MESSAGING_VIEW,
    "POST /rules/{number:int}/on": Rule.MESSAGING_CREATE,
    "POST /rules/{number:int}/off": Rule.MESSAGING_CREATE,
    "POST /rules/{number:int}/delete": Rule.MESSAGING_CREATE,
    # Inbox.
    "GET /inbox": Rule.MESSAGING_VIEW,
    "GET /inbox/conversations/{number:int}": Rule.MESSAGING_VIEW,
    "POST /inbox/conversations/{number:int}/answer": Rule.MESSAGING_CREATE,
    "GET /inbox/faxes/{number:int}": Rule.MESSAGING_VIEW,
    "GET /inbox/faxes/{number:int}/pages.pdf": Rule.MESSAGING_VIEW,
    "GET /inbox/faxes/{number:int}/pages/{page:int}.png": Rule.MESSAGING_VIEW,
    "GET /inbox/calls/{number:int}": Rule.MESSAGING_VIEW,
    "POST /inbox/{place}/{number:int}/assign": Rule.MESSAGING_CREATE,
    "POST /inbox/{place}/{number:int}/close": Rule.MESSAGING_CREATE,
    # Staff messages.
    "GET /staff-messages": Rule.STAFF_MESSAGES,
    "GET /staff-messages/new": Rule.STAFF_MESSAGES,
    "POST /staff-messages/new": Rule.STAFF_MESSAGES,
    "POST /staff-messages/notices": Rule.STAFF_MESSAGES,
    "GET /staff-messages/{number:int}": Rule.STAFF_MESSAGES,
    "POST /staff-messages/{number:int}": Rule.STAFF_MESSAGES,
    # Clients.
    "GET /clients": Rule.MESSAGING_VIEW,
    "POST /clients": Rule.MESSAGING_VIEW,
    "GET /clients/{number:int}": Rule.MESSAGING_VIEW,
    "POST /clients/{number:int}/reveal": Rule.MESSAGING_VIEW,
    "GET /clients/{number:int}/edit": Rule.CLIENT_EDIT,
    "POST /clients/{number:int}/edit": Rule.CLIENT_EDIT,
    "GET /clients/{number:int}/contact": Rule.CLIENT_EDIT,
    "POST /clients/{number:int}/contact": Rule.CLIENT_EDIT,
    "GET /clients/{number:int}/consent": Rule.MESSAGING_VIEW,
    "POST /clients/{number:int}/consent": Rule.CONSENT_EDIT,
    "GET /clients/{number:int}/documents": Rule.MESSAGING_VIEW,
    "POST /clients/{number:int}/documents": Rule.CONSENT_EDIT,
    "GET /clients/{number:int}/documents/{document:int}": Rule.MESSAGING_VIEW,
    "GET /clients/{number:int}/documents/{document:int}/file": Rule.MESSAGING_VIEW,
    "GET /clients/{number:int}/documents/{document:int}/pages/{page:int}.png": Rule.MESSAGING_VIEW,
    "GET /clients/{number:int}/appointments": Rule.MESSAGING_VIEW,
    "GET /clients/{number:int}/messages": Rule.MESSAGING_VIEW,
    "GET /clients/{number:int}/conversation": Rule.MESSAGING_VIEW,
    "POST /clients/{number:int}/conversation": Rule.MESSAGING_CREATE,
    "GET /clients/{number:int}/why": Rule.MESSAGING_VIEW,
    "GET /import": Rule.CLIENT_EDIT,
    "GET /import/new/{kind}": Rule.CLIENT_EDIT,
    "POST /import/new/{kind}": Rule.CLIENT_EDIT,
    "GET /import/{token}": Rule.CLIENT_EDIT,
    "GET /import/{token}/state": Rule.CLIENT_EDIT,
    "GET /import/{token}/errors.csv": Rule.CLIENT_EDIT,
    "POST /import/{token}/columns": Rule.CLIENT_EDIT,
    "POST /import/{token}/go": Rule.CLIENT_EDIT,
    "POST /import/{token}/drop": Rule.CLIENT_EDIT,
    # Prompts.
    "GET /prompts": Rule.PROMPT_RECORD,
    "POST /prompts/new": Rule.PROMPT_RECORD,
    "GET /prompts/{number:int}": Rule.PROMPT_RECORD,
    "POST /prompts/{number:int}": Rule.PROMPT_RECORD,
    "POST /prompts/{number:int}/upload": Rule.PROMPT_RECORD,
    "POST /prompts/{number:int}/ask": Rule.PROMPT_RECORD,
    "POST /prompts/{number:int}/call": Rule.PROMPT_RECORD,
    "POST /prompts/versions/{number:int}/activate": Rule.PROMPT_RECORD,
    "POST /prompts/versions/{number:int}/discard": Rule.PROMPT_RECORD,
    "POST /prompts/versions/{number:int}/name": Rule.PROMPT_RECORD,
    "POST /prompts/versions/{number:int}/call": Rule.PROMPT_RECORD,
    "GET /prompts/versions/{number:int}/sound.wav": Rule.PROMPT_RECORD,
    "GET /prompts/versions/{number:int}/outline.svg": Rule.PROMPT_RECORD,
    # Voices.
    "GET /voices": Rule.PROMPT_RECORD,
    "POST /voices": Rule.PROMPT_RECORD,
    "GET /voices/sound/{name}": Rule.PROMPT_RECORD,
    # Administration.
    "GET /lines": Rule.LINES,
    "GET /lines/now": Rule.LINES,
    "POST /lines/{kind}/{name}/off": Rule.LINES,
    "POST /lines/{kind}/{name}/on": Rule.LINES,
    "POST /lines/{kind}/{name}/test": Rule.LINES,
    "GET /doctor": Rule.LINES,
    "GET /doctor/now": Rule.LINES,
    "POST /doctor": Rule.LINES,
    "GET /settings": Rule.SETTINGS,
    "GET /settings/changes": Rule.SETTINGS,
    "GET /settings/{name}": Rule.SETTINGS,
    "POST /settings/{name}": Rule.SETTINGS,
    "POST /settings/{name}/reset": Rule.SETTINGS,
    "GET /api/settings": Rule.SETTINGS,
    "GET /api/settings/history": Rule.SETTINGS,
    "PUT /api/settings/{name}": Rule.SETTINGS,
    "GET /users": Rule.USERS,
    "GET /users/new": Rule.USERS,
    "POST /users/new": Rule.USERS,
    "GET /users/{number:int}": Rule.USERS,
    "POST /users/{number:int}": Rule.USERS,
    "POST /users/{number:int}/link": Rule.USERS,
    "POST /users/{number:int}/second": Rule.USERS,
    "POST /users/{number:int}/leave": Rule.USERS,
    "GET /tokens": Rule.USERS,
    "POST /tokens": Rule.USERS,
    "POST /tokens/{number:int}/revoke": Rule.USERS,
    "GET /profiles": Rule.USERS,
    "GET /profiles/new": Rule.USERS,
    "POST /profiles/new": Rule.USERS,
    "GET /profiles/{number:int}": Rule.USERS,
    "POST /profiles/{number:int}": Rule.USERS,
    "POST /profiles/{number:int}/remove": Rule.USERS,
    "GET /audit": Rule.AUDIT,
    "POST /audit/verify": Rule.AUDIT,
}

# The longest request, in bytes; and of routes that take files, by the beginning of their path.
LONGEST_BODY = 64 * 1024
LONG_BODIES: Mapping[str, int] = {
    "/messaging": 512 * 1024,
    "/import/new/": 20_100_000,
    "/prompts/": 64 * 1024 * 1024,
    "/clients/": 20_100_000,
}
_SAFE = ("GET", "HEAD")
_NOT_READ = "Something in the form was not understood."
# No number of ours has more.
_MOST_DIGITS = 15


class UnlistedRouteError(AssertionError):
    """A route without a rule, or a rule without a route."""


def check(routers: Iterable[APIRouter]) -> None:
    """Raise UnlistedRouteError unless every route is in the table, and every line of it is a route."""
    there = {name for router in routers for name in routes(router)}
    if wrong := there ^ set(ROUTES):
        raise UnlistedRouteError(f"routes and rules do not agree: {', '.join(sorted(wrong))}")


def routes(router: APIRouter) -> Iterable[str]:
    """Every route as the table names it."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield from (f"{method} {route.path}" for method in route.methods or ())
        elif isinstance(route, APIWebSocketRoute):
            yield f"WEBSOCKET {route.path}"


async def allowed(connection: HTTPConnection) -> None:
    """Before every route: its rule is one of the user's, and what changes something has the form's token.

    Programs show a token of their own with each request, which no other site can make a browser send.
    """
    method = connection.scope.get("method", "WEBSOCKET")
    method = "GET" if method == "HEAD" else method
    need = ROUTES[f"{method} {connection.scope['route'].path}"]
    if any(text.isdigit() and len(text) > _MOST_DIGITS for text in map(str, connection.path_params.values())):
        raise HTTPException(404)
    session = connection.state.session
    if isinstance(need, Rule) and (session is None or need not in session.account.rules):
        raise HTTPException(403, f"Your profile lacks the rule {need.value}.")
    if isinstance(connection, Request) and method not in _SAFE:
        form = await _form(connection)
        if not connection.state.program and need is not OPEN:
            _check_token(connection, str(form.get("csrf", "")))


async def _form(request: Request) -> Mapping[str, object]:
    """What a form sent; 400 where it cannot be read, or holds what no database keeps."""
    if "form" not in request.headers.get("content-type", ""):
        return {}
    try:
        form = await request.form()
    except (LookupError, UnicodeError, MultiPartException) as error:
        raise HTTPException(400, _NOT_READ) from error
    for name, value in form.multi_items():
        if not _is_text(name) or (isinstance(value, str) and not _is_text(value)):
            raise HTTPException(400, _NOT_READ)
    return form


def _is_text(said: str) -> bool:
    """Whether databases keep it: no NUL, no half of a pair."""
    return "\0" not in said and not any("\ud800" <= sign <= "\udfff" for sign in said)


def _check_token(request: Request, in_form: str) -> None:
    secret = session_cookie(request.scope)
    sent = request.headers.get("x-csrf-token", "") or in_form
    if not secret or not hmac.compare_digest(sent.encode(), csrf_token(secret).encode()):
        raise HTTPException(403, "This form is too old: open the page again.")


def csrf_token(secret: str) -> str:
    """What a form of this session carries: another site cannot know it."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()
