"""Settings: all of them in one table with default, value, explanation and history; changed with a note."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway import changing
from gateway.console import rows
from gateway.console.shared import me, say, shared
from gateway.settings import SettingsError
from gateway.settings.changing import value_of
from gateway.settings.table import CHANGED, DEFAULT, ENVIRONMENT, FILE, Row, searched, told, typed
from gateway.settings.topics import topic_of
from store import settings as kept
from store.settings import Change

router = APIRouter(prefix="/settings")
NEWEST = 100
ORIGINS = {
    DEFAULT: "Default",
    FILE: "Settings file",
    ENVIRONMENT: "Environment of the gateway",
    CHANGED: "Changed here",
}


@router.get("")
async def show_settings(request: Request) -> Response:
    """The table, filtered by a word."""
    console, word = shared(request), request.query_params.get("word", "").strip()[:80]
    found = await changing.table(console.store, console.settings)
    shown = {row.name for row in found if _has(request, row, word)}
    topics: dict[str, list[Row]] = {}
    for row in found:
        topics.setdefault(row.topic, []).append(row)
    values = {
        "topics": topics,
        "synonyms": {title: topic_of(group[0].name).words for title, group in topics.items()},
        "word": word,
        "shown": shown,
        "told": told,
        "origins": ORIGINS,
    }
    return console.page(request, "settings.html", values)


def _has(request: Request, row: Row, word: str) -> bool:
    """Whether the word is found in the row, in English or in the user's language."""
    searching = f"{searched(row)}\n{say(request, row.topic)}\n{say(request, row.explanation)}"
    return word.casefold() in searching.casefold()


@router.get("/changes")
async def show_changes(request: Request) -> Response:
    """Who changed what lately."""
    console = shared(request)
    found = await console.read(kept.history, None, NEWEST)
    return console.page(request, "settings_changes.html", {"changes": found, **_telling(request)})


@router.get("/{name}")
async def show_setting(request: Request, name: str) -> Response:
    """One setting with its history."""
    return await _form(request, await _found(request, name))


@router.post("/{name}")
async def change(
    request: Request, name: str, value: Annotated[str, Form()] = "", note: Annotated[str, Form()] = ""
) -> Response:
    """Another value, by which every gateway goes within seconds."""
    console, row = shared(request), await _found(request, name)
    also = console.witness(request, "setting-changed", f"setting:{name}"[:80])
    try:
        await changing.set_one(console.store, console.settings, name, value, me(request).name, note, also)
    except SettingsError as error:
        return await _form(request, row, str(error), value, note)
    return RedirectResponse(f"/settings/{name}?done=saved", 303)


@router.post("/{name}/reset")
async def reset(request: Request, name: str, note: Annotated[str, Form()] = "") -> Response:
    """The value of the settings file again, or the default."""
    console, row = shared(request), await _found(request, name)
    also = console.witness(request, "setting-reset", f"setting:{name}"[:80])
    try:
        await changing.reset(console.store, console.settings, name, me(request).name, note, also)
    except SettingsError as error:
        return await _form(request, row, str(error), note=note)
    return RedirectResponse(f"/settings/{name}?done=reset", 303)


async def _found(request: Request, name: str) -> Row:
    console = shared(request)
    for row in await changing.table(console.store, console.settings):
        if row.name == name:
            return row
    raise HTTPException(404)


async def _form(
    request: Request, row: Row, wrong: str = "", value: str | None = None, note: str = ""
) -> Response:
    console = shared(request)
    section, _, last = row.name.rpartition(".")
    values = {
        "row": row,
        "typed": typed(row.value) if value is None else value,
        "note": note,
        "wrong": wrong,
        "changed": row.origin == CHANGED,
        "is_choice": isinstance(row.value, bool),
        "origins": ORIGINS,
        "section": section,
        "last": last,
        "variable": f"RINGWELL_{row.name.upper().replace('.', '__')}",
        "changes": await console.read(kept.history, row.name, NEWEST),
        "done": request.query_params.get("done", ""),
        **_telling(request),
    }
    return console.page(request, "setting.html", values, 400 if wrong else 200)


def _telling(request: Request) -> dict[str, Callable[..., Any]]:
    """How changes are told: a moment, and a value of one, None being that of the settings file."""
    console = shared(request)
    now = console.store.clock()

    def value(change: Change, text: str | None) -> str:
        if text is not None:
            return told(json.loads(text))
        try:
            return told(value_of(console.settings, change.name))
        except (KeyError, AttributeError):
            # A setting of another version.
            return ""

    return {"moment": lambda at: rows.moment(at, console.zone, now), "value_of": value, "told": told}
