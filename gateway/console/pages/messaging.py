"""Messaging: who gets what, when; written, looked at, saved as a template, and sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from gateway import wording
from gateway.accounts.rules import Rule
from gateway.broadcast import numbered
from gateway.console import audience, composing, rows
from gateway.console.composing import Typed
from gateway.console.language import LANGUAGES
from gateway.console.sampling import Sample, Samples
from gateway.console.security import SEALED
from gateway.console.shared import Console, language_of, me, say, shared
from gateway.documents.errors import DocumentError
from gateway.documents.pages import page_png
from gateway.domain import Broadcast, Channel, MessageType, RingwellError
from gateway.domain.message_types import TYPES, Audience
from gateway.in_force import in_force
from gateway.ordering import BroadcastError, Named, completed
from gateway.policy import Rules
from gateway.settings import Settings
from store import broadcasts, lists, prompts, templates
from store.lists import CustomList
from store.templates import OtherTypeError, Saved, SavedMeanwhileError

router = APIRouter(prefix="/messaging")


class FormError(RingwellError):
    """Something on the form is to be corrected; the message says what."""


@router.get("")
async def show(request: Request) -> Response:
    """The form as it opens; who may only look is led to what is planned."""
    console = shared(request)
    if Rule.MESSAGING_CREATE not in me(request).rules:
        return RedirectResponse("/broadcasts", 303)
    settings = await in_force(console.store, console.settings)
    form = composing.fresh(settings, console.store.clock(), request.query_params)
    return await _answer(request, settings, await _opened(console, settings, form))


@router.post("")
async def show_again(request: Request) -> Response:
    """The form as it was sent: refreshed, with another type or template opened, or its template saved."""
    console = shared(request)
    settings = await in_force(console.store, console.settings)
    sent = await _form(request)
    form = await _opened(console, settings, composing.typed(sent))
    told = ""
    over = rows.whole(sent.get("over", "")) or 0
    try:
        if over or sent.get("do") == "save":
            form, told = await _saved(request, settings, form, over)
        elif sent.get("do") == "language":
            form = _with_language(settings, form, request.query_params.get("language", ""))
    except RingwellError as error:
        meanwhile = error.newest if isinstance(error, SavedMeanwhileError) else None
        return await _answer(request, settings, form, wrong=str(error), meanwhile=meanwhile)
    return await _answer(request, settings, form, told=told, listen=sent.get("listen", ""))


@router.post("/confirm")
async def confirm(request: Request) -> Response:
    """Who gets it and who does not, in numbers, before anything is ordered."""
    console = shared(request)
    settings = await in_force(console.store, console.settings)
    form = await _opened(console, settings, composing.typed(await _form(request)))
    try:
        order = await _order(console, settings, form)
    except RingwellError as error:
        return await _answer(request, settings, form, wrong=str(error))
    found = await audience.look(console.store, console.clinic, order, Rules.of(settings))
    await console.note(request, "audience-viewed", f"type:{form.type}")
    values = _common(request, settings, form) | {
        "form": form,
        "order": order,
        "look": found,
        "at_once": order.send_at <= console.store.clock(),
    }
    return console.page(request, "messaging_confirm.html", values)


@router.post("/send")
async def send(request: Request) -> Response:
    """Order it, and plan it behind the page; the same form sent twice is one broadcast."""
    console = shared(request)
    settings = await in_force(console.store, console.settings)
    form = await _opened(console, settings, composing.typed(await _form(request)))
    try:
        order = await _order(console, settings, form)
    except RingwellError as error:
        return await _answer(request, settings, form, wrong=str(error))
    now = console.store.clock()

    number, is_new = await console.change_once(
        request, "broadcast-ordered", "broadcast:", broadcasts.order, order, now
    )
    if is_new:
        size = await console.read(broadcasts.audience_size, order)
        console.plans.start(numbered(order, number), Rules.of(settings), size)
    return RedirectResponse(f"/broadcasts/{number}?done=ordered", 303)


@router.get("/letter/{name}")
async def letter(request: Request, name: str) -> Response:
    """An email as it will look, for a frame that allows it nothing."""
    file = await asyncio.to_thread(shared(request).previews.find, name)
    if file is None or file.suffix != ".html":
        raise HTTPException(404)
    policy = {"Content-Security-Policy": SEALED.decode()}
    return FileResponse(file, media_type="text/html", headers=policy)


@router.get("/sound/{name}")
async def sound(request: Request, name: str) -> Response:
    """A call as it will sound."""
    file = await asyncio.to_thread(shared(request).previews.find, name)
    if file is None or file.suffix != ".wav":
        raise HTTPException(404)
    return FileResponse(file, media_type="audio/wav")


@router.get("/fax/{name}/{number:int}")
async def fax_page(request: Request, name: str, number: int) -> Response:
    """A page of a fax as it will be sent."""
    file = Samples.fax_file(name)
    if file is None or not 1 <= number <= 500:
        raise HTTPException(404)
    try:
        picture = await asyncio.to_thread(page_png, file, number)
    except DocumentError as error:
        raise HTTPException(404) from error
    return Response(picture, media_type="image/png")


async def _form(request: Request) -> Mapping[str, str]:
    sent = await request.form(max_fields=200)
    return {key: value for key, value in sent.items() if isinstance(value, str)}


async def _opened(console: Console, settings: Settings, form: Typed) -> Typed:
    """The form with its texts: what was typed, or those of the type or template that was just chosen."""
    name = form.shown_template if form.template == form.shown_template else form.template
    version = form.version if name == form.shown_template and form.version else None
    saved = await console.read(templates.find, name, version) if name else None
    if saved is not None and saved.type is not form.type:
        saved = None
    base = composing.base_texts(settings, form.type, saved, form.bundle)
    if not form.texts:
        return composing.shown(form, base, saved)
    if form.template != form.shown_template:
        return composing.shown(form, base, saved)
    if form.shown_type != form.type.value or form.shown_bundle != form.bundle:
        was = MessageType(form.shown_type) if form.shown_type in list(MessageType) else form.type
        before = composing.base_texts(settings, was, None, form.shown_bundle)
        if composing.over(before, form.texts) == before:
            return composing.shown(form, base, saved)
        # Somebody's own words go with them to the other type: checking tells what does not fit.
        return replace(
            form, texts=composing.over(base, form.texts), shown_type=form.type, shown_bundle=form.bundle
        )
    return replace(form, texts=composing.over(base, form.texts), shown_type=form.type)


async def _order(console: Console, settings: Settings, form: Typed) -> Broadcast:
    """The broadcast of the form, looked at; RingwellError says what to correct."""
    order = composing.wanted(settings, form, console.store.clock())
    if form.audience is Audience.LIST and not form.list_name:
        raise BroadcastError(composing.NO_LIST)
    named = Named(list=form.list_name if form.audience is Audience.LIST else None)
    return await completed(console.store, settings, order, named)


async def _saved(request: Request, settings: Settings, form: Typed, over: int) -> tuple[Typed, str]:
    """Save Templates: the next version, unless somebody else has saved one meanwhile.

    `over`: the version of somebody else that may be followed all the same: it was shown.
    """
    console = shared(request)
    name = form.template_name.strip()
    if not name or not name.isprintable():
        raise FormError(composing.NO_NAME)
    wording.check_templates(form.texts, form.type, await _columns(console, form))
    wording.check_front_desk(form.texts, settings.voice.front_desk)
    opened = over or (form.version if name == form.template else 0)
    work = name, form.type, form.texts, me(request).name, console.store.clock()
    try:
        version = await console.change(
            request, "template-saved", f"template:{name}", templates.save, *work, opened=opened
        )
    except OtherTypeError as error:
        raise FormError(
            "A template of that name is for another message type: choose another name."
        ) from error
    return replace(form, template=name, shown_template=name, version=version), "saved"


async def _columns(console: Console, form: Typed) -> tuple[str, ...]:
    chosen = await console.read(lists.find, form.list_name) if form.list_name else None
    return chosen.columns if chosen and form.audience is Audience.LIST else ()


def _with_language(settings: Settings, form: Typed, language: str) -> Typed:
    if language not in LANGUAGES or language == settings.clinic.language:
        return form
    return replace(form, texts=composing.in_language(form.texts, form.type, language, form.bundle))


async def _look(request: Request, settings: Settings, form: Typed) -> tuple[audience.Look | None, str]:
    """Who gets it, or what is to be corrected first; not asked while somebody types a text."""
    console = shared(request)
    if request.headers.get("x-part") == "preview":
        return None, ""
    try:
        order = await _order(console, settings, form)
    except RingwellError as error:
        return None, str(error)
    await console.note(request, "audience-viewed", f"type:{form.type}")
    # The page comes at once with the first people; who reads it has the rest counted meanwhile.
    seconds = audience.SECONDS if request.method == "POST" else 0.0
    return await audience.look(console.store, console.clinic, order, Rules.of(settings), seconds), ""


async def _answer(
    request: Request,
    settings: Settings,
    form: Typed,
    *,
    wrong: str = "",
    told: str = "",
    listen: str = "",
    meanwhile: Saved | None = None,
) -> Response:
    console = shared(request)
    found, trouble = await _look(request, settings, form)
    columns = await _columns(console, form)
    sample, of_sample = await _sample(console, settings, form, columns, listen)
    values = _common(request, settings, form) | {
        "form": form,
        "lists": [one for one in await console.read(lists.listing) if _fits(one, form)],
        "templates": [one for one in await console.read(templates.listing) if one.type is form.type],
        "prompts": sorted({name for name, _ in await console.read(prompts.active)}),
        "columns": columns,
        "look": found,
        "wrong": wrong,
        "trouble": trouble,
        "told": told,
        "meanwhile": meanwhile,
        "sample": sample,
        "of_sample": of_sample,
        "has": {table.partition(".")[2] for table in form.texts},
    }
    return console.page(request, "messaging.html", values, 400 if wrong else 200)


async def _sample(
    console: Console, settings: Settings, form: Typed, columns: tuple[str, ...], listen: str
) -> tuple[Sample | None, str]:
    """The message as an invented recipient gets it, or why it cannot be shown."""
    samples = Samples(settings, console.library, console.previews)
    try:
        wording.check_templates(form.texts, form.type, columns)
        whole = listen in (Channel.VOICE, Channel.FAX) and listen == form.channel
        return await samples.of(form.texts, form.type, form.channel, columns, whole), ""
    except RingwellError as error:
        return None, str(error)


def _fits(one: CustomList, form: Typed) -> bool:
    return one.kind is TYPES[form.type].kind


def _common(request: Request, settings: Settings, form: Typed) -> dict[str, Any]:
    console, language = shared(request), language_of(request)
    now = console.store.clock()

    def minute(at: datetime) -> str:
        return rows.minute(at, console.zone, now)

    return {
        "composing": composing,
        "channels": list(Channel),
        "types": composing.TYPE_LABELS,
        "placeholders": TYPES[form.type].placeholders,
        "minute": minute,
        "reason": lambda code: audience.reason_told(code, language),
        "stopped": lambda stop: say(request, composing.METHODS[stop.channel]) if stop.channel else "",
        "zone": settings.clinic.zone,
        "settings": settings,
    }
