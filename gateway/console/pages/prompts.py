"""Prompts: the own-voice library: heard, recorded, uploaded, made active, rolled back, asked for."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request, UploadFile
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway.console import rows
from gateway.console.shared import Console, me, say, shared
from gateway.domain import RingwellError
from gateway.studio import telephone
from gateway.studio.shelf import Shelf, check_name
from gateway.wording.placeholders import TOKEN
from store import pins, prompts, templates
from store.prompts import PromptEntry, Task, Version
from voices import outline, wav
from voices.findings import Finding

router = APIRouter(prefix="/prompts")

# Languages that are offered beside those that something is recorded in.
USUAL = ("en", "es")
LONGEST_LABEL = 80
_INK = "#2f6fb7"
FOUND: dict[str, str] = {
    Finding.CLIPPED: "Distorted: record it again, less loud",
    Finding.TOO_QUIET: "Recorded very quietly: lifting it lifts its noise too",
    Finding.TOO_SHORT: "Very short",
    Finding.MOSTLY_SILENCE: "Most of it is silence",
    Finding.CUT_OFF: "It ended when the call did",
    Finding.SILENT: "Nothing is heard",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A prompt in the list: the versions that are played, drafts that wait, tasks, and templates."""

    entry: PromptEntry
    played: tuple[Version, ...]
    drafts: tuple[Version, ...]
    tasks: tuple[Task, ...]
    used: tuple[str, ...]


# --- the list ---


@router.get("")
async def show_prompts(request: Request) -> Response:
    """Every prompt with its state in each language."""
    return await _listing(request)


async def _listing(request: Request, wrong: str = "", **typed: str) -> Response:
    console = shared(request)
    every = await console.read(prompts.versions)
    tasks, used = await console.read(prompts.tasks_of), await _used(console)
    found = [
        Shown(
            entry,
            tuple(one for one in every if one.prompt == entry.id and one.active),
            tuple(one for one in every if one.prompt == entry.id and one.state == prompts.DRAFT),
            tuple(task for task in tasks if task.prompt.id == entry.id),
            tuple(used.get(entry.name, ())),
        )
        for entry in await console.read(prompts.catalogue)
    ]
    values = {
        "prompts": found,
        "wrong": wrong,
        "typed": {"name": "", "title": "", "wording": "", **typed},
        "studio": console.settings.studio.extension,
    }
    return console.page(request, "prompts.html", values, 400 if wrong else 200)


async def _used(console: Console) -> dict[str, list[str]]:
    """The saved templates that name each prompt."""
    found: dict[str, list[str]] = {}
    for one in await console.read(templates.listing):
        texts = "\n".join(text for fields in one.texts.values() for text in fields.values())
        for name in {match[2] for match in TOKEN.finditer(texts) if match[2]}:
            found.setdefault(name, []).append(one.name)
    return found


@router.post("/new")
async def new(
    request: Request,
    name: Annotated[str, Form()] = "",
    title: Annotated[str, Form()] = "",
    wording: Annotated[str, Form()] = "",
) -> Response:
    """A prompt that can be recorded."""
    console, name = shared(request), name.strip()
    try:
        check_name(name)
        if await console.read(prompts.named, name) is not None:
            raise _TakenError("There is a prompt of this name already.")
    except RingwellError as error:
        return await _listing(request, str(error), name=name, title=title, wording=wording)
    args = name, title.strip()[:200], wording.strip()[:2000], console.store.clock()
    number = await console.change(request, "prompt-added", "prompt:", prompts.define, *args)
    return RedirectResponse(f"/prompts/{number}?done=added", 303)


class _TakenError(RingwellError):
    """Another prompt has this name."""


# --- one prompt ---


@router.get("/{number:int}")
async def show_prompt(request: Request, number: int) -> Response:
    """One prompt with its versions."""
    return await _prompt(request, await _found(request, number))


async def _prompt(request: Request, entry: PromptEntry, wrong: str = "") -> Response:
    console, now = shared(request), shared(request).store.clock()
    every = await console.read(prompts.versions, entry.id)
    who = {one.take.staff for one in every if one.take.staff is not None}
    tasks = [task for task in await console.read(prompts.tasks_of) if task.prompt.id == entry.id]
    names = await console.read(prompts.names_of, who | {task.staff for task in tasks})
    staff = await console.read(pins.staff_list)

    def moment(at: datetime) -> str:
        return rows.moment(at, console.zone, now, partial(say, request))

    values = {
        "prompt": entry,
        "versions": every,
        "tongues": _languages(console, every),
        "names": names,
        "tasks": tasks,
        "staff": [one for one in staff if one.number],
        "used": (await _used(console)).get(entry.name, []),
        "found": FOUND,
        "settings": console.settings,
        "moment": moment,
        "wrong": wrong,
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "prompt.html", values, 400 if wrong else 200)


def _languages(console: Console, every: Iterable[Version]) -> list[str]:
    own = console.settings.clinic.language
    return list(dict.fromkeys((own, *USUAL, *sorted({one.language for one in every}))))


@router.post("/{number:int}")
async def describe(
    request: Request, number: int, title: Annotated[str, Form()] = "", wording: Annotated[str, Form()] = ""
) -> Response:
    """Another title or wording."""
    console, entry = shared(request), await _found(request, number)
    args = entry.name, title.strip()[:200], wording.strip()[:2000], console.store.clock()
    await console.change(request, "prompt-changed", f"prompt:{number}", prompts.define, *args)
    return RedirectResponse(f"/prompts/{number}?done=saved", 303)


@router.post("/{number:int}/upload")
async def upload(
    request: Request,
    number: int,
    file: UploadFile,
    language: Annotated[str, Form()] = "",
    label: Annotated[str, Form()] = "",
    draft: Annotated[str, Form()] = "",
) -> Response:
    """A file, or what the browser recorded, becomes a version; one with findings waits as a draft."""
    console, entry = shared(request), await _found(request, number)
    shelf, author = Shelf(console.store, console.settings), me(request).name
    with tempfile.TemporaryDirectory() as folder:
        # Named by us: nothing of the other side's becomes a path.
        kept = Path(folder) / "the recording"
        await asyncio.to_thread(_copy, file, kept)
        try:
            made = await shelf.upload(
                kept, entry.name, language, author, label.strip()[:LONGEST_LABEL], not draft
            )
        except RingwellError as error:
            return await _prompt(request, entry, str(error))
    about = {"version": made.version, "kept": made.kept}
    await console.note(request, "prompt-uploaded", f"prompt:{number}", about)
    return RedirectResponse(f"/prompts/{number}?done={'kept' if made.kept else 'draft'}", 303)


def _copy(file: UploadFile, to: Path) -> None:
    with to.open("wb") as kept:
        shutil.copyfileobj(file.file, kept)


@router.post("/{number:int}/ask")
async def ask(
    request: Request, number: int, staff: Annotated[str, Form()] = "", language: Annotated[str, Form()] = ""
) -> Response:
    """Ask a member of staff to record it the next time they dial the studio."""
    console, entry = shared(request), await _found(request, number)
    known = {one.staff: one for one in await console.read(pins.staff_list) if one.number}
    who = known.get(rows.whole(staff) or 0)
    if who is None or language not in _languages(console, await console.read(prompts.versions, number)):
        return await _prompt(request, entry, "Choose who is asked, and a language.")
    args = number, language, who.staff, console.store.clock()
    await console.change(request, "prompt-asked-for", f"prompt:{number}", prompts.ask, *args)
    return RedirectResponse(f"/prompts/{number}?done=asked", 303)


@router.post("/{number:int}/call")
async def call(request: Request, number: int, extension: Annotated[str, Form()] = "") -> Response:
    """Ring a telephone of the clinic, which is led into the studio."""
    console, entry = shared(request), await _found(request, number)
    try:
        await telephone.record(console.settings, extension.strip())
    except RingwellError as error:
        return await _prompt(request, entry, str(error))
    await console.note(request, "studio-called", f"prompt:{number}", {"extension": extension.strip()})
    return RedirectResponse(f"/prompts/{number}?done=called", 303)


# --- versions ---


@router.post("/versions/{number:int}/activate")
async def activate(request: Request, number: int) -> Response:
    """A draft, or an earlier version, is played from now on."""
    console, version = shared(request), await _version(request, number)
    now = console.store.clock()
    is_draft = version.state == prompts.DRAFT
    work: Callable[..., bool] = prompts.keep if is_draft else prompts.activate
    args = (number, now) if is_draft else (number,)
    if not await console.change(request, "prompt-activated", f"prompt:{version.prompt}", work, *args):
        raise HTTPException(409, "Somebody changed this version meanwhile: open the page again.")
    return RedirectResponse(f"/prompts/{version.prompt}?done=kept", 303)


@router.post("/versions/{number:int}/discard")
async def discard(request: Request, number: int) -> Response:
    """A draft goes."""
    console, version = shared(request), await _version(request, number)
    await console.change(request, "draft-discarded", f"prompt:{version.prompt}", prompts.discard, number)
    return RedirectResponse(f"/prompts/{version.prompt}?done=discarded", 303)


@router.post("/versions/{number:int}/name")
async def name_version(request: Request, number: int, label: Annotated[str, Form()] = "") -> Response:
    """A name for a version."""
    console, version = shared(request), await _version(request, number)
    args = number, label.strip()[:LONGEST_LABEL]
    await console.change(request, "version-named", f"prompt:{version.prompt}", prompts.describe, *args)
    return RedirectResponse(f"/prompts/{version.prompt}?done=saved", 303)


@router.post("/versions/{number:int}/call")
async def try_call(request: Request, number: int, extension: Annotated[str, Form()] = "") -> Response:
    """Ring a telephone of the clinic and play it."""
    console, version = shared(request), await _version(request, number)
    try:
        await telephone.play(console.settings, extension.strip(), version)
    except RingwellError as error:
        return await _prompt(request, await _found(request, version.prompt), str(error))
    await console.note(request, "prompt-played", f"prompt:{version.prompt}", {"version": number})
    return RedirectResponse(f"/prompts/{version.prompt}?done=played", 303)


@router.get("/versions/{number:int}/sound.wav")
async def sound(request: Request, number: int) -> Response:
    """A version as calls play it."""
    return FileResponse(await _file(request, number), media_type="audio/wav")


@router.get("/versions/{number:int}/outline.svg")
async def waveform(request: Request, number: int) -> Response:
    """How loud it is from moment to moment."""
    file = await _file(request, number)
    try:
        drawn = outline.svg(await asyncio.to_thread(outline.peaks, file), _INK)
    except (wav.WavError, ValueError) as error:
        raise HTTPException(404) from error
    return Response(drawn, media_type="image/svg+xml")


async def _file(request: Request, number: int) -> Path:
    version = await _version(request, number)
    file: Path = shared(request).settings.recordings / f"{version.take.audio}.wav"
    if not await asyncio.to_thread(file.is_file):
        raise HTTPException(404)
    return file


async def _version(request: Request, number: int) -> Version:
    found: Version | None = await shared(request).read(prompts.version, number)
    if found is None:
        raise HTTPException(404)
    return found


async def _found(request: Request, number: int) -> PromptEntry:
    found: PromptEntry | None = await shared(request).read(prompts.numbered, number)
    if found is None:
        raise HTTPException(404)
    return found
