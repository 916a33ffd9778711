"""What a client agreed to and signed: written down by staff, never changed, shown with its history."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway import consents
from gateway.accounts.rules import Rule
from gateway.consents import BY_HAND, Signed, Wish
from gateway.console import grounds, grounds_es, one_client, rows, words
from gateway.console.one_client import Client
from gateway.console.shared import language_of, me, say, shared
from gateway.documents import seen, signed
from gateway.documents.errors import DocumentError
from gateway.documents.kept_files import keep
from gateway.domain import Channel, Party, Purpose, Source
from gateway.in_force import in_force
from gateway.policy import Rules
from gateway.policy.words import WORDS, told
from store import clients, documents
from store import why as records
from store.ledger import Line

router = APIRouter(prefix="/clients/{number:int}")
MOST = 200
# How it was said, as a form asks.
SAID: Mapping[Source, str] = {
    Source.FORM: "On a form",
    Source.STAFF: "To a member of staff",
    Source.TEXT: "In a text",
    Source.EMAIL: "In an email",
    Source.KEY: "By a key in a call",
}
PURPOSES: Mapping[Purpose, str] = {
    Purpose.MESSAGING: "Messages about care",
    Purpose.MARKETING: "Marketing, with a signed document",
    Purpose.FAMILY: "One message for the family",
}
PARTIES: Mapping[Party, str] = {Party.CLIENT: "The client", Party.CONTACT: "The messaging contact"}
PICTURES = ("image/png", "image/jpeg")
PDF = "application/pdf"


@router.get("/consent")
async def show_consent(request: Request, number: int) -> Response:
    """What holds on each channel, and every word that led to it."""
    return await _consent(request, await one_client.viewed(request, number, "consent"))


@router.post("/consent")
async def write(request: Request, number: int) -> Response:
    """Write down what somebody said: the box alone, or finer."""
    console, client = shared(request), await one_client.found(request, number)
    form = {name: str(value) for name, value in (await request.form()).items()}
    scanned = await console.read(clients.documents, number, MOST)
    by, now = me(request).name, console.store.clock()
    try:
        wish = _wish(client, form)
        paper = _paper(form, scanned)
    except (ValueError, KeyError):
        return await _consent(request, client, "Something in the form was not understood.")
    if wish.purpose is Purpose.MARKETING and wish.given and paper is None:
        return await _consent(request, client, "Marketing needs a signed document: choose one.")
    action = "consent-given" if wish.given else "consent-withdrawn"
    args = client.person.external_id, wish, paper, by, now
    await console.change(request, action, f"client:{number}", consents.write, *args)
    return RedirectResponse(f"/clients/{number}/consent?done=written", 303)


def _wish(client: Client, form: Mapping[str, str]) -> Wish:
    """What a form says; ValueError or KeyError where it is no form of ours."""
    source = Source(form.get("source", Source.FORM.value))
    if source not in BY_HAND:
        raise ValueError(source)
    given = form.get("given", "") == "yes"
    if form.get("form") == "box":
        # Whoever takes it back wants nothing, neither do those who are told instead.
        return Wish(given, party=Party.CLIENT if given else None, source=source)
    channel = Channel(form["channel"]) if form.get("channel") else None
    address = dict(_addresses(client))[int(form["address"])] if form.get("address") else None
    party = Party(form.get("party", Party.CLIENT.value))
    return Wish(given, channel, address, Purpose(form.get("purpose", "messaging")), party, source)


def _paper(form: Mapping[str, str], scanned: list[clients.Signed]) -> Signed | None:
    if not form.get("document"):
        return None
    found = next((one for one in scanned if str(one.id) == form["document"]), None)
    if found is None:
        raise ValueError("document")
    return Signed(found.sha256, found.name, found.media_type, found.bytes)


def _addresses(client: Client) -> list[tuple[int, str]]:
    """The client's addresses by a number: forms carry no address that is masked on the screen."""
    theirs = {*client.person.details.values(), *client.person.messaging.values()}
    return list(enumerate(sorted(theirs), 1))


async def _consent(request: Request, client: Client, wrong: str = "") -> Response:
    console, language = shared(request), language_of(request)
    rules, now = Rules.of(await in_force(console.store, console.settings)), console.store.clock()
    view = await console.read(consents.view, client.person.external_id, rules, now)
    (row,) = await console.read(clients.rows, [client.id], now)

    def reason(code: str) -> str:
        return told(code, language) if code in WORDS["en"] else say(request, words.cause(code))

    values = {
        "client": client,
        "standing": consents.general(row.entries),
        "view": view,
        "reason": reason,
        "entries": [(line, _told(request, line)) for line in reversed(view.lines)][:MOST],
        "moment": lambda at: rows.minute(at, console.zone, now),
        "said": SAID,
        "purposes": PURPOSES,
        "parties": PARTIES,
        "addresses": [(place, words.mask(address)) for place, address in _addresses(client)],
        "documents": await console.read(clients.documents, client.id, MOST),
        "may_write": Rule.CONSENT_EDIT in me(request).rules,
        "wrong": wrong,
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "client_consent.html", values, 400 if wrong else 200)


def _told(request: Request, line: Line) -> str:
    """An entry of the ledger as a sentence."""
    zone = shared(request).zone
    shown = records.Line(
        line.id,
        line.given,
        line.source,
        line.at,
        line.channel,
        line.purpose,
        line.party,
        line.by,
        line.document,
        line.everyone,
    )
    return (
        grounds_es.line_told(shown, zone) if language_of(request) == "es" else grounds.line_told(shown, zone)
    )


# --- documents ---


@router.get("/documents")
async def show_documents(request: Request, number: int) -> Response:
    """What the client signed."""
    return await _documents(request, await one_client.viewed(request, number, "documents"))


@router.post("/documents")
async def upload(request: Request, number: int) -> Response:
    """A scan, looked at by a process with limits before it is kept."""
    console, client = shared(request), await one_client.found(request, number)
    async with request.form() as form:
        file = form.get("file")
        name = (file.filename or "").strip()[-120:] if isinstance(file, UploadFile) else ""
        octets = await file.read() if isinstance(file, UploadFile) else b""
    if not name or not octets:
        return await _documents(request, client, "Choose a file first.")
    settings = await in_force(console.store, console.settings)
    if len(octets) > settings.policy.consent.largest_document:
        return await _documents(request, client, "The file is too large: scan it at 200 dpi.")
    try:
        kind = await signed.media_type(octets)
    except DocumentError as error:
        return await _documents(request, client, str(error))
    kept, _ = await asyncio.to_thread(keep, console.settings.signed_documents, octets)
    args = number, kept.name, name, kind, len(octets), me(request).name, console.store.clock()
    await console.change(request, "document-stored", f"client:{number}", documents.add, *args)
    return RedirectResponse(f"/clients/{number}/documents?done=stored", 303)


async def _documents(request: Request, client: Client, wrong: str = "") -> Response:
    console, now = shared(request), shared(request).store.clock()
    values = {
        "client": client,
        "documents": await console.read(clients.documents, client.id, MOST),
        "moment": lambda at: rows.minute(at, console.zone, now),
        "may_write": Rule.CONSENT_EDIT in me(request).rules,
        "wrong": wrong,
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "client_documents.html", values, 400 if wrong else 200)


@router.get("/documents/{document:int}")
async def show_document(request: Request, number: int, document: int) -> Response:
    """One of them, page by page."""
    client, found = await _signed(request, number, document)
    await shared(request).note(request, "document-viewed", f"client:{number}", {"document": document})
    now = shared(request).store.clock()
    values: dict[str, Any] = {
        "client": client,
        "document": found,
        "is_picture": found.media_type in PICTURES,
        "is_pdf": found.media_type == PDF,
        "moment": lambda at: rows.minute(at, shared(request).zone, now),
    }
    return shared(request).page(request, "client_document.html", values)


@router.get("/documents/{document:int}/file")
async def document_file(request: Request, number: int, document: int) -> Response:
    """The file as it was stored."""
    _, found = await _signed(request, number, document)
    await shared(request).note(request, "document-viewed", f"client:{number}", {"document": document})
    octets = await _octets(request, found)
    kind = "inline" if found.media_type in (PDF, *PICTURES) else "attachment"
    ending = found.media_type.rpartition("/")[2]
    headers = {"content-disposition": f'{kind}; filename="document-{document}.{ending}"'}
    return Response(octets, media_type=found.media_type, headers=headers)


@router.get("/documents/{document:int}/pages/{page:int}.png")
async def document_page(request: Request, number: int, document: int, page: int) -> Response:
    """One page of a PDF as a picture."""
    _, found = await _signed(request, number, document)
    if found.media_type != PDF:
        raise HTTPException(404)
    try:
        return Response(await seen.page_as_png(await _octets(request, found), page), media_type="image/png")
    except DocumentError as error:
        raise HTTPException(404) from error


async def _signed(request: Request, number: int, document: int) -> tuple[Client, clients.Signed]:
    client = await one_client.found(request, number)
    known = (await shared(request).read(documents.find, [document])).get(document)
    if known is None or known.recipient != number:
        raise HTTPException(404)
    id, _, *rest = astuple(known)
    return client, clients.Signed(id, *rest)


async def _octets(request: Request, found: clients.Signed) -> bytes:
    """The file; 409 when it is no longer what was stored."""
    file: Path = shared(request).settings.signed_documents / found.sha256
    try:
        octets = await asyncio.to_thread(file.read_bytes)
    except OSError as error:
        raise HTTPException(404) from error
    if hashlib.sha256(octets).hexdigest() != found.sha256:
        raise HTTPException(409, "This file is no longer what was stored: restore it from a backup.")
    return octets
