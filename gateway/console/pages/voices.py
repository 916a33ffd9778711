"""Voices: the synthetic ones that are installed, a sentence to try them with, and how names are said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.console.shared import Console, shared
from gateway.domain import Speech
from gateway.rendering import NamesError, sayings_of
from gateway.wording.names import Sayings, say_text
from voices import wav
from voices.errors import VoiceError
from voices.installed import Voice, installed_voices, way_to_get

router = APIRouter(prefix="/voices")

# A sentence to try: longer ones would keep the voices from calls.
LONGEST = 300
# Languages whose voice is missed where there is none.
_WANTED = ("en", "es")


@router.get("")
async def show_voices(request: Request) -> Response:
    """What is installed, and the list of names."""
    return await _page(request)


@router.post("")
async def try_sentence(
    request: Request, text: Annotated[str, Form()] = "", language: Annotated[str, Form()] = ""
) -> Response:
    """A sentence as a call would say it."""
    console, text = shared(request), " ".join(text.split())
    typed = {"text": text[:LONGEST], "language": language}
    if not 0 < len(text) <= LONGEST:
        return await _page(request, wrong="Write a sentence of at most 300 characters.", typed=typed)
    try:
        sayings = await asyncio.to_thread(sayings_of, console.settings)
        spoken = Speech(say_text(text, language, sayings), language)
        files = await console.library.render((spoken,))
    except (VoiceError, NamesError) as error:
        return await _page(request, wrong=str(error), typed=typed)
    told = "|".join(map(str, files)).encode()
    name = await asyncio.to_thread(console.previews.keep, told, "wav", partial(_join, files))
    return await _page(request, sound=name, typed=typed)


def _join(files: Sequence[Path], to: Path) -> None:
    wav.join(files, to)


@router.get("/sound/{name}")
async def sound(request: Request, name: str) -> Response:
    """A sentence that was tried."""
    file = await asyncio.to_thread(shared(request).previews.find, name)
    if file is None or file.suffix != ".wav":
        raise HTTPException(404)
    return FileResponse(file, media_type="audio/wav")


async def _page(request: Request, wrong: str = "", **more: Any) -> Response:
    console = shared(request)
    models = _models(console)
    found: Sequence[Voice] = await asyncio.to_thread(installed_voices, models)
    languages = list(dict.fromkeys(one.language for one in found))
    wanted = dict.fromkeys((console.settings.clinic.language, *_WANTED))
    names: Sayings = {}
    try:
        names = await asyncio.to_thread(sayings_of, console.settings)
    except NamesError as error:
        wrong = wrong or str(error)
    values = {
        "voices": [(one, one == _first(found, one.language)) for one in found],
        "tongues": languages,
        "missing": [(one, way_to_get(one, models)) for one in wanted if one not in languages],
        "sayings": {language: sorted(table.items()) for language, table in names.items()},
        "names_file": console.settings.voice.names,
        "longest": LONGEST,
        "typed": {"text": "", "language": console.settings.clinic.language},
        "sound": "",
        "wrong": wrong,
    }
    return console.page(request, "voices.html", values | more, 400 if wrong and "typed" in more else 200)


def _models(console: Console) -> Path | None:
    models = console.settings.voice.models
    return models.expanduser() if models else None


def _first(voices: Sequence[Voice], language: str) -> Voice:
    return next(one for one in voices if one.language == language)
