"""Users: who may come in, with which profile."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway.accounts.rules import SHIPPED, Rule
from gateway.console import rows
from gateway.console.door import TOKEN_LIFE, Purpose, entrance
from gateway.console.language import LANGUAGES, USUAL
from gateway.console.shared import Console, shared
from store import accounts, sessions
from store.accounts import Account, Details, LastError, TakenError

router = APIRouter(prefix="/users")


class Typed(BaseModel):
    """The form of a user, as it was sent."""

    login: str = ""
    name: str = ""
    email: str = ""
    language: str = USUAL
    profile: str = ""
    staff: str = ""
    enabled: str = ""

    def details(self) -> Details:
        """As it is written down."""
        profile, staff = rows.whole(self.profile) or 0, rows.whole(self.staff)
        language = self.language if self.language in LANGUAGES else USUAL
        email, name = self.email.strip()[:254], self.name.strip()[:200]
        return Details(self.login[:120], name, profile, email, language, staff, bool(self.enabled))


@router.get("")
async def show_users(request: Request) -> Response:
    """All users."""
    console = shared(request)
    found = await console.read(accounts.accounts)
    return console.page(request, "users.html", {"users": found})


@router.get("/new")
async def show_new(request: Request) -> Response:
    """The form of a new user."""
    return await _form(request, None, Details("", "", 0))


@router.post("/new")
async def add(request: Request, typed: Annotated[Typed, Form()]) -> Response:
    """A new user; the next page gives the link by which they choose a password."""
    console, details = shared(request), typed.details()
    if wrong := await _wrong(console, details):
        return await _form(request, None, details, wrong)
    try:
        number = await console.change(
            request, "user-added", "user:", accounts.add, details, console.store.clock()
        )
    except TakenError as error:
        return await _form(request, None, details, str(error))
    return RedirectResponse(f"/users/{number}?done=added", 303)


@router.get("/{number:int}")
async def show_user(request: Request, number: int) -> Response:
    """One user."""
    user = await _found(request, number)
    return await _form(request, user, _details(user))


@router.post("/{number:int}")
async def change(request: Request, number: int, typed: Annotated[Typed, Form()]) -> Response:
    """Other details, which hold at once."""
    console, user, details = shared(request), await _found(request, number), typed.details()
    if wrong := await _wrong(console, details):
        return await _form(request, user, details, wrong)
    try:
        about = f"user:{number}"
        await console.change(
            request, "user-changed", about, accounts.change, number, details, Rule.USERS.value
        )
    except (TakenError, LastError) as error:
        return await _form(request, user, details, str(error))
    return RedirectResponse(f"/users/{number}?done=saved", 303)


@router.post("/{number:int}/link")
async def link(request: Request, number: int) -> Response:
    """A link by which the user chooses a password, shown once."""
    console, user = shared(request), await _found(request, number)
    token = await asyncio.to_thread(console.door.issue, Purpose.PASSWORD, number)
    await console.note(request, "password-link-made", f"user:{number}")
    url = entrance(f"{request.url.scheme}://{request.headers.get('host', '')}", token)
    minutes = int(TOKEN_LIFE.total_seconds() // 60)
    return await _form(request, user, _details(user), link=url, minutes=minutes)


@router.post("/{number:int}/second")
async def take_second(request: Request, number: int) -> Response:
    """Take a second factor away that its user lost."""
    console, _ = shared(request), await _found(request, number)
    about = f"user:{number}"
    await console.change(request, "second-factor-removed", about, accounts.set_second, number, None)
    return RedirectResponse(f"/users/{number}?done=second", 303)


@router.post("/{number:int}/leave")
async def leave(request: Request, number: int) -> Response:
    """Sign a user out everywhere."""
    console, _ = shared(request), await _found(request, number)
    await console.change(request, "signed-out-everywhere", f"user:{number}", sessions.end_all, number)
    return RedirectResponse(f"/users/{number}?done=left", 303)


async def _found(request: Request, number: int) -> Account:
    user = await shared(request).read(accounts.find, number)
    if user is None:
        raise HTTPException(404)
    found: Account = user
    return found


def _details(user: Account) -> Details:
    return Details(
        user.login, user.name, user.profile, user.email, user.language, user.staff, enabled=user.enabled
    )


async def _wrong(console: Console, details: Details) -> str:
    if not accounts.plain(details.login) or not details.name:
        return "Name and login are needed."
    if details.profile not in {one.id for one in await console.read(accounts.profiles)}:
        return "Choose a profile."
    known = {number for number, _ in await console.read(accounts.staff)}
    return "" if details.staff is None or details.staff in known else "Choose a member of staff, or nobody."


async def _form(
    request: Request, user: Account | None, details: Details, wrong: str = "", **more: Any
) -> Response:
    console = shared(request)
    await console.store.run(accounts.ship, console.clinic, SHIPPED)
    values = {
        "account": user,
        "details": details,
        "wrong": wrong,
        "profiles": await console.read(accounts.profiles),
        "staff": await console.read(accounts.staff),
        "browsers": await console.read(sessions.of_account, user.id) if user else [],
        "link": "",
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "user.html", values | more, 400 if wrong else 200)
