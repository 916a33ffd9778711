"""Profiles: sets of rules that users have in common."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway.accounts.rules import MEANINGS, NAMES, SHIPPED, Rule
from gateway.console.shared import shared
from store import accounts
from store.accounts import InUseError, LastError, Profile, TakenError

router = APIRouter(prefix="/profiles")


@router.get("")
async def show_profiles(request: Request) -> Response:
    """All profiles."""
    console = shared(request)
    await console.store.run(accounts.ship, console.clinic, SHIPPED)
    found = await console.read(accounts.profiles)
    return console.page(request, "profiles.html", {"profiles": found, "names": NAMES, "rules": tuple(Rule)})


@router.get("/new")
async def show_new(request: Request) -> Response:
    """The form of a new profile."""
    return _form(request, None, "", ())


@router.post("/new")
async def add(
    request: Request, name: Annotated[str, Form()] = "", rules: Annotated[list[str] | None, Form()] = None
) -> Response:
    """A new profile."""
    console, name, wanted = shared(request), name.strip()[:64], _known(rules)
    if not name:
        return _form(request, None, name, wanted, "A name is needed.")
    try:
        number = await console.change(
            request, "profile-added", "profile:", accounts.add_profile, name, wanted
        )
    except TakenError as error:
        return _form(request, None, name, wanted, str(error))
    return RedirectResponse(f"/profiles/{number}?done=added", 303)


@router.get("/{number:int}")
async def show_profile(request: Request, number: int) -> Response:
    """One profile: unassigned and assigned rules."""
    found = await _found(request, number)
    return _form(request, found, found.name, found.rules)


@router.post("/{number:int}")
async def change(
    request: Request,
    number: int,
    name: Annotated[str, Form()] = "",
    rules: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Other rules, which hold at once for everybody who has the profile."""
    console, found, name, wanted = (
        shared(request),
        await _found(request, number),
        name.strip()[:64],
        _known(rules),
    )
    if not name:
        return _form(request, found, name, wanted, "A name is needed.")
    try:
        about, needed = f"profile:{number}", Rule.USERS.value
        await console.change(
            request, "profile-changed", about, accounts.change_profile, number, name, wanted, needed
        )
    except (TakenError, LastError) as error:
        return _form(request, found, name, wanted, str(error))
    return RedirectResponse(f"/profiles/{number}?done=saved", 303)


@router.post("/{number:int}/remove")
async def remove(request: Request, number: int) -> Response:
    """Forget a profile that nobody has."""
    console, found = shared(request), await _found(request, number)
    try:
        await console.change(request, "profile-removed", f"profile:{number}", accounts.remove_profile, number)
    except InUseError as error:
        return _form(request, found, found.name, found.rules, str(error))
    return RedirectResponse("/profiles", 303)


async def _found(request: Request, number: int) -> Profile:
    for found in await shared(request).read(accounts.profiles):
        if found.id == number:
            return found
    raise HTTPException(404)


def _known(rules: Collection[str] | None) -> list[str]:
    return [rule.value for rule in Rule if rule.value in (rules or ())]


def _form(
    request: Request, found: Profile | None, name: str, rules: Collection[str], wrong: str = ""
) -> Response:
    assigned = [rule for rule in Rule if rule.value in rules]
    values = {
        "profile": found,
        "name": name,
        "assigned": assigned,
        "unassigned": [rule for rule in Rule if rule not in assigned],
        "names": NAMES,
        "meanings": MEANINGS,
        "wrong": wrong,
        "done": request.query_params.get("done", ""),
    }
    return shared(request).page(request, "profile.html", values, 400 if wrong else 200)
