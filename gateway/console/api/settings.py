"""The table of settings as data, and changes to them, behind the console's session."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from gateway import changing
from gateway.console.api.asked import asks
from gateway.console.shared import me, shared
from gateway.settings import SettingsError
from store import settings as kept

router = APIRouter(prefix="/api")


class Wanted(BaseModel):
    """A new value, or none to give the setting back to the file, and why."""

    value: Any = None
    note: str = Field("", max_length=500)


@router.get("/settings", openapi_extra=asks(word="A word that settings have"))
async def settings_as_data(request: Request) -> dict[str, Any]:
    """All settings, or with `word=` those with it in name or explanation; secrets are not told."""
    console = shared(request)
    word = request.query_params.get("word", "")
    found = await changing.table(console.store, console.settings, word)
    return {"settings": [asdict(row) for row in found]}


@router.get("/settings/history", openapi_extra=asks(name="The name of a setting"))
async def history_as_data(request: Request) -> dict[str, Any]:
    """Who changed what, when and why, the newest first; with `name=` of one setting."""
    console = shared(request)
    found = await console.read(kept.history, request.query_params.get("name") or None)
    return {"changes": [changing.as_data(one) for one in found]}


@router.put("/settings/{name}")
async def change(request: Request, name: str, wanted: Wanted) -> dict[str, Any]:
    """Change a setting; every running gateway goes by it within seconds."""
    console, by = shared(request), me(request).name
    try:
        if wanted.value is None:
            also = console.witness(request, "setting-reset", f"setting:{name}"[:80])
            await changing.reset(console.store, console.settings, name, by, wanted.note, also)
        else:
            typed = json.dumps(wanted.value)
            also = console.witness(request, "setting-changed", f"setting:{name}"[:80])
            await changing.set_one(console.store, console.settings, name, typed, by, wanted.note, also)
    except SettingsError as error:
        raise HTTPException(400, str(error)) from error
    found = await changing.table(console.store, console.settings)
    return next(asdict(row) for row in found if row.name == name)
