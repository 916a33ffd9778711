"""Tokens of programs: made with scopes and an end, shown once, revoked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from gateway.accounts.rules import MEANINGS, NAMES, Rule
from gateway.accounts.signing_in import digest
from gateway.accounts.tokens import new_secret
from gateway.console import rows
from gateway.console.shared import me, shared
from store import tokens

router = APIRouter(prefix="/tokens")
# Days that a token may last.
LIVES = (30, 90, 365)


@router.get("")
async def show_tokens(request: Request) -> Response:
    """All tokens, and the form of a new one."""
    return await _page(request)


@router.post("")
async def add(
    request: Request,
    name: Annotated[str, Form()] = "",
    days: Annotated[str, Form()] = "",
    scopes: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """A new token, shown this once."""
    console, name = shared(request), name.strip()[:120]
    wanted = [rule.value for rule in Rule if rule.value in (scopes or ())]
    life = rows.whole(days)
    if not name or not wanted or life not in LIVES:
        wrong = "A name, at least one scope and an end are needed."
        return await _page(request, wrong=wrong, name=name, scopes=wanted)
    now, secret = console.store.clock(), new_secret()
    args = name, digest(secret), wanted, me(request).name, now, now + timedelta(days=life)
    await console.change(request, "token-made", "token:", tokens.add, *args)
    return await _page(request, secret=secret)


@router.post("/{number:int}/revoke")
async def revoke(request: Request, number: int) -> Response:
    """It opens nothing from now on."""
    console = shared(request)
    about, now = f"token:{number}", console.store.clock()
    await console.change(request, "token-revoked", about, tokens.revoke, number, now)
    return RedirectResponse("/tokens?done=revoked", 303)


async def _page(
    request: Request, wrong: str = "", name: str = "", scopes: Collection[str] = (), secret: str = ""
) -> Response:
    console = shared(request)
    now = console.store.clock()
    values: dict[str, Any] = {
        "tokens": await console.read(tokens.listing),
        "rules": tuple(Rule),
        "names": NAMES,
        "meanings": MEANINGS,
        "lives": LIVES,
        "wrong": wrong,
        "name": name,
        "scopes": scopes,
        "secret": secret,
        "now": now,
        "moment": lambda at: rows.moment(at, console.zone, now),
        "day": lambda at: f"{at.astimezone(console.zone):%Y-%m-%d}",
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "tokens.html", values, 400 if wrong else 200)
