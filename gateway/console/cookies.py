"""The two cookies: of the session, and of a browser that was here before."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.requests import Request, cookie_parser
from starlette.responses import Response

Scope = MutableMapping[str, Any]
_HALF_A_YEAR = 180 * 24 * 3600


def session_cookie(scope: Scope) -> str:
    """The session's secret that the browser sent, or nothing."""
    return _read(scope, _name(scope))


def device_cookie(scope: Scope) -> str:
    """The secret by which the browser is known, or nothing."""
    return _read(scope, _name(scope) + "-known")


def give_session(request: Request, answer: Response, secret: str) -> None:
    """A cookie that lives as long as the browser is open."""
    _set(request, answer, _name(request.scope), secret)


def give_device(request: Request, answer: Response, secret: str) -> None:
    """A cookie that stays."""
    _set(request, answer, _name(request.scope) + "-known", secret, max_age=_HALF_A_YEAR)


def pending_cookie(scope: Scope) -> str:
    """What a browser carries while it is at the identity provider."""
    return _read(scope, _name(scope) + "-pending")


def give_pending(request: Request, answer: Response, value: str) -> None:
    """For ten minutes. Lax: it must come along when another site sends the browser back."""
    secure, name = request.url.scheme == "https", _name(request.scope) + "-pending"
    answer.set_cookie(name, value, max_age=600, httponly=True, samesite="lax", secure=secure)


def take_pending(request: Request, answer: Response) -> None:
    """Back from the provider."""
    answer.delete_cookie(_name(request.scope) + "-pending", httponly=True, samesite="lax")


def take_session(request: Request, answer: Response) -> None:
    """Sign out."""
    answer.delete_cookie(_name(request.scope), httponly=True, samesite="strict")


def _set(request: Request, answer: Response, name: str, value: str, max_age: int | None = None) -> None:
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=max_age, httponly=True, samesite="strict", secure=secure)


def _name(scope: Scope) -> str:
    # Cookies know no ports: two consoles on one machine must not overwrite each other's.
    return f"ringwell-{(scope.get('server') or ('', 0))[1]}"


def _read(scope: Scope, name: str) -> str:
    said = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"cookie"), "")
    # Python's own parser gives all cookies up where another site of this machine has set an odd one.
    return cookie_parser(said).get(name, "")
