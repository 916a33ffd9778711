"""Repeating rules: when broadcasts plan by themselves, seen in a month; added, switched, deleted."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Any

from babel.dates import format_date
from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway import schedule
from gateway.console import composing, repeating
from gateway.console.repeating import Month, Typed
from gateway.console.shared import Console, language_of, me, say, shared
from gateway.domain import Broadcast, Channel, MessageType, RingwellError
from gateway.domain.message_types import TYPES, Audience
from gateway.in_force import in_force
from gateway.ordering import (
    BroadcastError,
    Days,
    Named,
    check_schedule,
    completed,
    moment_of,
    ordered,
    rule_of,
)
from gateway.policy import Rules
from gateway.settings import Settings
from store import lists, rules, templates
from store.rules import Rule

router = APIRouter(prefix="/rules")


@router.get("")
async def show_rules(request: Request) -> Response:
    """All rules, and a month with what they plan."""
    console = shared(request)
    settings = await in_force(console.store, console.settings)
    found = await console.read(rules.listing)
    shown = await _month(request, settings, found)
    values = {
        "rules": found,
        "told": lambda rule: repeating.told(schedule.read(rule.schedule), lambda text: say(request, text)),
        "month": shown,
        "title": format_date(shown.first, "LLLL y", locale=language_of(request)).capitalize(),
        "weekdays": repeating.WEEKDAYS.values(),
        "types": composing.TYPE_LABELS,
        "methods": composing.METHODS,
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "rules.html", values)


@router.get("/new")
async def show_new(request: Request) -> Response:
    """The form of a new rule."""
    form = Typed()
    kind = request.query_params.get("type", "")
    return await _form(request, repeating.typed({"type": kind, "only_preference": "1"}) if kind else form)


@router.post("/new")
async def add(request: Request) -> Response:
    """A new rule; the gateway plans its broadcasts ahead of their time."""
    console = shared(request)
    settings = await in_force(console.store, console.settings)
    sent = await request.form(max_fields=100)
    form = repeating.typed({key: value for key, value in sent.items() if isinstance(value, str)})
    if sent.get("do") == "refresh":
        return await _form(request, form)
    try:
        rule = await _rule(request, console, settings, form)
        await console.change(request, "rule-added", "rule:", _added, rule, console.store.clock())
    except RingwellError as error:
        return await _form(request, form, str(error))
    return RedirectResponse("/rules?done=added", 303)


@router.get("/{number:int}")
async def show_rule(request: Request, number: int) -> Response:
    """One rule: what it has planned, and how to switch it off or delete it."""
    console = shared(request)
    rule = await _found(console, number)
    since = (console.store.clock() - timedelta(days=31)).date()
    values = {
        "rule": rule,
        "told": repeating.told(schedule.read(rule.schedule), lambda text: say(request, text)),
        "occurrences": (await console.read(rules.occurrences, number, since))[-50:],
        "types": composing.TYPE_LABELS,
        "methods": composing.METHODS,
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "rule.html", values)


@router.post("/{number:int}/on")
async def switch_on(request: Request, number: int) -> Response:
    """Let it plan again."""
    console, _ = shared(request), await _found(shared(request), number)
    await console.change(request, "rule-switched-on", f"rule:{number}", rules.switch, number, True)
    return RedirectResponse(f"/rules/{number}?done=on", 303)


@router.post("/{number:int}/off")
async def switch_off(request: Request, number: int, cancel: Annotated[str, Form()] = "") -> Response:
    """Keep it from planning; what it has planned goes, unless that is cancelled too."""
    console, _ = shared(request), await _found(shared(request), number)
    args = number, bool(cancel), console.store.clock()
    await console.change(request, "rule-switched-off", f"rule:{number}", _off, *args)
    return RedirectResponse(f"/rules/{number}?done=off", 303)


@router.post("/{number:int}/delete")
async def delete(request: Request, number: int, cancel: Annotated[str, Form()] = "") -> Response:
    """Remove it; what it has planned goes, unless that is cancelled too."""
    console, _ = shared(request), await _found(shared(request), number)
    args = number, bool(cancel), console.store.clock()
    await console.change(request, "rule-deleted", f"rule:{number}", _deleted, *args)
    return RedirectResponse("/rules?done=deleted", 303)


def _added(conn: Connection, clinic: int, rule: Rule, now: datetime) -> int:
    number = rules.add(conn, clinic, rule, now)
    if number is None:
        raise BroadcastError(repeating.TAKEN)
    return number


def _off(conn: Connection, clinic: int, number: int, cancel: bool, now: datetime) -> None:
    rules.switch(conn, clinic, number, False)
    if cancel:
        rules.cancel_planned(conn, clinic, number, now)


def _deleted(conn: Connection, clinic: int, number: int, cancel: bool, now: datetime) -> None:
    _off(conn, clinic, number, cancel, now)
    rules.delete(conn, clinic, number, now)


async def _found(console: Console, number: int) -> Rule:
    rule = await console.read(rules.of_number, number)
    if rule is None:
        raise HTTPException(404)
    return rule


async def _rule(request: Request, console: Console, settings: Settings, form: Typed) -> Rule:
    """The rule of a form, looked at; RingwellError says what to correct."""
    if not form.name or not form.name.isprintable():
        raise BroadcastError(repeating.NO_NAME)
    kept = repeating.schedule_of(form)
    check_schedule(kept, form.type)
    of_list = TYPES[form.type].audience is Audience.LIST
    if of_list and not form.list_name:
        raise BroadcastError(composing.NO_LIST)
    order = await _order(console, settings, form, form.list_name if of_list else None)
    return rule_of(order, kept, form.list_name if of_list else None, me(request).name)


async def _order(console: Console, settings: Settings, form: Typed, list_name: str | None) -> Broadcast:
    now = console.store.clock()
    bundle = form.bundle and form.type is MessageType.UPCOMING_APPOINTMENTS
    order = ordered(
        settings,
        form.name,
        form.type,
        form.channel,
        form.only_preference,
        composing.base_texts(settings, form.type, None, bundle),
        Days(now.astimezone(console.zone).date()),
        now,
        bundle=bundle,
    )
    return await completed(console.store, settings, order, Named(form.template or None, list_name))


async def _form(request: Request, form: Typed, wrong: str = "") -> Response:
    console = shared(request)
    values: dict[str, Any] = {
        "form": form,
        "wrong": wrong,
        "types": composing.TYPE_LABELS,
        "methods": composing.METHODS,
        "channels": list(Channel),
        "repeating": repeating,
        "has_days": TYPES[form.type].audience not in (Audience.LIST, Audience.EVERYBODY),
        "of_list": TYPES[form.type].audience is Audience.LIST,
        "lists": [one for one in await console.read(lists.listing) if one.kind is TYPES[form.type].kind],
        "templates": [one for one in await console.read(templates.listing) if one.type is form.type],
        "zone": console.settings.clinic.zone,
    }
    return console.page(request, "rule_new.html", values, 400 if wrong else 200)


async def _month(request: Request, settings: Settings, found: list[Rule]) -> Month:
    console = shared(request)
    now = console.store.clock().astimezone(console.zone)
    first = repeating.month_of(request.query_params.get("month", ""), now.date())
    begins = moment_of(datetime.combine(first, time()), console.zone)
    made = await console.read(rules.made_between, begins, begins + timedelta(days=32))
    by_day = [(one.send_at.astimezone(console.zone).date(), one) for one in made]
    return repeating.month(
        first,
        now,
        settings.clinic.zone,
        Rules.of(settings),
        found,
        [(on, one) for on, one in by_day if (on.year, on.month) == (first.year, first.month)],
        lambda text: say(request, text),
    )
