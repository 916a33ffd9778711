"""Clients: found by name, id or number; their details and contacts, shown masked and edited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway import consents
from gateway.accounts.rules import Rule
from gateway.console import one_client, rows
from gateway.console.one_client import ADDRESSES, CONTACT, DETAILS, LABELS, METHODS, Client
from gateway.console.shared import me, shared
from gateway.domain import RecipientKind
from gateway.imports import BadValueError, person_of
from store import clients, finding
from store.finding import Place

router = APIRouter(prefix="/clients")
PAGE = 50


@router.get("")
async def show_clients(request: Request) -> Response:
    """All of them by name."""
    return await _listing(request, "", "")


@router.post("")
async def search(request: Request) -> Response:
    """Those who are looked for, or a further page: by POST, so that no address or log has a name in it."""
    form = await request.form()
    return await _listing(request, str(form.get("page", "")), str(form.get("text", "")).strip()[:120])


async def _listing(request: Request, page: str, text: str) -> Response:
    console = shared(request)
    after = _place(page)
    numbers, further = await console.read(finding.look, text, PAGE, after)
    now = console.store.clock()
    found = await console.read(clients.rows, list(dict.fromkeys(numbers)), now)
    detail = {"found": len(found), "searched": bool(text)}
    await console.note(request, "clients-listed", detail=detail)
    values = {
        "rows": found,
        "text": text,
        "page": page,
        "further": f"{further.question} {further.recipient} {further.word}" if further else "",
        "moment": lambda at: rows.minute(at, console.zone, now),
        "consent": lambda row: consents.general(row.entries),
        "may_import": Rule.CLIENT_EDIT in me(request).rules,
    }
    return console.page(request, "clients.html", values)


def _place(page: str) -> Place | None:
    """Where a page begins; 400 when that is no place."""
    if not page:
        return None
    question, _, rest = page.partition(" ")
    recipient, _, word = rest.partition(" ")
    numbers = rows.whole(question), rows.whole(recipient)
    if numbers[0] is None or numbers[1] is None:
        raise HTTPException(400, "The address names a position that is not a number.")
    return Place(numbers[0], word, numbers[1])


@router.get("/{number:int}")
async def show_client(request: Request, number: int) -> Response:
    """Details and contacts, addresses masked."""
    other = await shared(request).read(clients.became, number)
    if other is not None:
        return RedirectResponse(f"/clients/{other}", 303)
    client = await one_client.viewed(request, number, "details")
    return _details(request, client, clear=False)


@router.post("/{number:int}/reveal")
async def reveal(request: Request, number: int) -> Response:
    """The same with addresses in full, for this view of the page."""
    client = await one_client.found(request, number)
    await shared(request).note(request, "client-addresses-shown", f"client:{number}")
    return _details(request, client, clear=True)


def _details(request: Request, client: Client, *, clear: bool) -> Response:
    told = one_client.values(client.person)
    names = [name for name in DETAILS if name not in ADDRESSES]
    values = {
        "client": client,
        "details": one_client.shown(told, names, clear=clear),
        "addresses": one_client.shown(told, ADDRESSES, clear=clear),
        "contact": one_client.shown(told, [*CONTACT[1:]], clear=clear),
        "method": METHODS.get(told["preferred_contact_method"], ""),
        "clear": clear,
        "may_edit": Rule.CLIENT_EDIT in me(request).rules,
        "done": request.query_params.get("done", ""),
    }
    return shared(request).page(request, "client.html", values)


@router.get("/{number:int}/edit")
async def show_edit(request: Request, number: int) -> Response:
    """The form of the details; it has the addresses in full."""
    return await _shown_form(request, number, "details")


@router.post("/{number:int}/edit")
async def edit(request: Request, number: int) -> Response:
    """Other details."""
    return await _save(request, number, "details", DETAILS)


@router.get("/{number:int}/contact")
async def show_contact(request: Request, number: int) -> Response:
    """The form of the messaging contact."""
    return await _shown_form(request, number, "contact")


@router.post("/{number:int}/contact")
async def edit_contact(request: Request, number: int) -> Response:
    """Who is told, and how."""
    return await _save(request, number, "contact", (*CONTACT, "use_client_detail_info"))


async def _shown_form(request: Request, number: int, part: str) -> Response:
    client = await one_client.found(request, number)
    await shared(request).note(request, "client-addresses-shown", f"client:{number}")
    return _form(request, client, part, one_client.values(client.person))


async def _save(request: Request, number: int, part: str, names: tuple[str, ...]) -> Response:
    console, client = shared(request), await one_client.found(request, number)
    form = await request.form()
    typed = {name: str(form.get(name, "")) for name in names}
    if "use_client_detail_info" in typed:
        typed["use_client_detail_info"] = "yes" if typed["use_client_detail_info"] else "no"
    told = one_client.values(client.person) | typed
    try:
        person = person_of(told, RecipientKind.CLIENT, console.settings.clinic)
    except BadValueError as wrong:
        return _form(request, client, part, told, wrong)
    about = f"client:{number}"
    await console.change(
        request, "client-changed", about, clients.edit, number, person, console.store.clock()
    )
    return RedirectResponse(f"/clients/{number}?done=saved", 303)


def _form(
    request: Request, client: Client, part: str, told: Mapping[str, str], wrong: BadValueError | None = None
) -> Response:
    values: dict[str, Any] = {
        "client": client,
        "part": part,
        "told": told,
        "labels": LABELS,
        "names": DETAILS if part == "details" else CONTACT[1:],
        "methods": METHODS,
        "wrong": wrong,
    }
    return shared(request).page(request, "client_form.html", values, 400 if wrong else 200)
