"""Import: a file is chosen, its columns are named, what was understood is shown, and then it is written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from babel.dates import format_date, format_datetime
from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from gateway import importing, imports
from gateway.console.access import ROUTES
from gateway.console.headings import COLUMNS, LABELS, NEEDED, ORDERS, TITLES, guessed, order_of
from gateway.console.import_shelf import Job, Shelf, UploadError, new_token
from gateway.console.shared import Console, language_of, me, say, shared
from gateway.console.words import mask
from gateway.domain import RecipientKind
from gateway.importing import Kind, Reading
from gateway.imports import ImportFileError, Problem
from gateway.written import DAYS, Order
from store import heading_choices

router = APIRouter(prefix="/import")
PREVIEWED = 8
# Small files are looked through before the next page is shown.
PATIENCE = 2.0
BUSY = ("checking", "importing")


def shelf_of(request: Request) -> Shelf:
    """The files on their way in."""
    state = request.app.state
    if not hasattr(state, "import_shelf"):
        state.import_shelf = Shelf(shared(request).settings.folder / "imports")
    found: Shelf = state.import_shelf
    return found


@router.get("")
async def show_kinds(request: Request) -> Response:
    """What can be imported, in the order in which it is wanted."""
    await asyncio.to_thread(shelf_of(request).sweep)
    return shared(request).page(request, "import.html", {"titles": TITLES})


@router.get("/new/{kind}")
async def show_new(request: Request, kind: str) -> Response:
    """The form that takes a file."""
    return _new(request, _kind(kind))


@router.post("/new/{kind}")
async def upload(request: Request, kind: str) -> Response:
    """A file; its columns are guessed, and where all that are needed are found it is looked through."""
    console, what = shared(request), _kind(kind)
    async with request.form() as form:
        file, list_name = form.get("file"), str(form.get("name", "")).strip()[:64]
        of = RecipientKind.STAFF if form.get("of") == "staff" else RecipientKind.CLIENT
        file_name = file.filename if isinstance(file, UploadFile) else None
        octets = await file.read() if isinstance(file, UploadFile) else b""
    if not file_name:
        return _new(request, what, "Choose a file first.", list_name)
    if what is Kind.LIST and not list_name:
        return _new(request, what, "Give the list a name first.", list_name)
    job = Job(new_token(), what, file_name[-120:], me(request).id, list_name, of)
    shelf = shelf_of(request)
    try:
        await asyncio.to_thread(shelf.sweep)
        await asyncio.to_thread(shelf.add, job, octets)
        await _guess(console, shelf, job)
    except (UploadError, ImportFileError) as error:
        told = _told(shelf, job, error)
        shelf.drop(job)
        return _new(request, what, told, list_name)
    await console.note(request, "file-uploaded", f"import:{job.token[:8]}", {"kind": what.value})
    if not _lacking(job):
        await _look_through(request, shelf, job)
    return RedirectResponse(f"/import/{job.token}", 303)


async def _guess(console: Console, shelf: Shelf, job: Job) -> None:
    file = shelf.file(job)
    headings = await asyncio.to_thread(imports.heads, file)
    if not any(headings) or len(headings) > 200:
        raise ImportFileError("The first line of the file must name its columns.")
    chosen = await console.read(heading_choices.remembered, job.kind.value, headings)
    job.names = guessed(job.kind, headings, chosen)
    rows = [values for _, values in await asyncio.to_thread(imports.lines, file, None, 200)]
    days = [place for place, name in enumerate(job.names.values()) if name in DAYS]
    found = (values[place] for values in rows for place in days if place < len(values))
    job.order = order_of(found, console.settings.clinic.country)
    if job.kind is Kind.LIST:
        # Other columns are placeholders by their own names.
        job.names = {heading: name or heading for heading, name in job.names.items()}
    shelf.keep(job)


@router.get("/{token}")
async def show_job(request: Request, token: str) -> Response:
    """How far it is: columns, what was understood, what is wrong, and what became of it."""
    return _page(request, _job(request, token))


@router.get("/{token}/state")
async def state(request: Request, token: str) -> Response:
    """The same in short, for the page that waits."""
    job = _job(request, token)
    return JSONResponse({"state": job.state, "done": shelf_of(request).progress.get(token, 0)})


@router.post("/{token}/columns")
async def choose(request: Request, token: str) -> Response:
    """Other names of columns, which are remembered for the next file of this kind."""
    console, shelf, job, form = shared(request), shelf_of(request), _job(request, token), await request.form()
    if job.state in (*BUSY, "done"):
        return RedirectResponse(f"/import/{token}", 303)
    allowed = set(COLUMNS[job.kind])
    names = {}
    for place, heading in enumerate(job.names):
        name = str(form.get(f"c{place}", ""))
        names[heading] = name if name in allowed or (job.kind is Kind.LIST and name == heading) else ""
    job.names = names
    job.order = next((one for one in Order if one.value == form.get("order")), job.order)
    job.state, job.wrong = "choosing", ""
    twice = next((name for name in allowed if list(names.values()).count(name) > 1), "")
    if twice:
        job.wrong = "Two columns are the same: choose one of them."
    shelf.keep(job)
    if job.wrong or _lacking(job):
        return _page(request, job, 400)
    await console.store.run(heading_choices.remember, console.clinic, job.kind.value, _remembered(job))
    await _look_through(request, shelf, job)
    return RedirectResponse(f"/import/{token}", 303)


def _remembered(job: Job) -> dict[str, str]:
    columns = set(COLUMNS[job.kind])
    return {heading: name if name in columns else "" for heading, name in job.names.items()}


@router.post("/{token}/go")
async def go(request: Request, token: str) -> Response:
    """Write all good rows, in one transaction."""
    console, shelf, job = shared(request), shelf_of(request), _job(request, token)
    if job.state == "checked" and job.good:
        job.state = "importing"
        shelf.keep(job)
        task = shelf.work(job, _write(request, console, shelf, job))
        await asyncio.wait([task], timeout=PATIENCE)
    return RedirectResponse(f"/import/{token}", 303)


@router.get("/{token}/errors.csv")
async def errors(request: Request, token: str) -> Response:
    """The lines that were not taken, with the reason; corrected, they can be imported."""
    job = _job(request, token)
    octets = await asyncio.to_thread(shelf_of(request).errors, job)
    if not octets:
        raise HTTPException(404)
    await shared(request).note(request, "import-errors-downloaded", f"import:{token[:8]}")
    name = f"{job.kind.value}-errors.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(octets, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/{token}/drop")
async def drop(request: Request, token: str) -> Response:
    """Not this file after all."""
    job = _job(request, token)
    if job.state not in BUSY:
        await asyncio.to_thread(shelf_of(request).drop, job)
    return RedirectResponse("/import", 303)


# --- the work ---


async def _look_through(request: Request, shelf: Shelf, job: Job) -> None:
    job.state = "checking"
    shelf.keep(job)
    task = shelf.work(job, _check(request, shared(request), shelf, job))
    await asyncio.wait([task], timeout=PATIENCE)


async def _check(request: Request, console: Console, shelf: Shelf, job: Job) -> None:
    """Read the whole file, and write nothing."""
    try:
        reading = await asyncio.to_thread(_read, console, shelf, job)
        strangers = await console.read(importing.strangers, reading)
        problems = _bad([*reading.parsed.problems, *strangers])
        lines = {one.line for one in problems}
        job.good = sum(line not in lines for line, _ in reading.parsed.rows)
        job.problems, job.state, job.wrong = len(lines), "checked", ""
        job.preview = [_shown(request, row) for _, row in reading.parsed.rows[:PREVIEWED]]
        await asyncio.to_thread(_report, request, shelf, job, problems)
    except ImportFileError as error:
        job.state, job.wrong = "failed", _told(shelf, job, error)
    except Exception:
        job.state, job.wrong = "failed", "Something went wrong here; the log says where."
        raise
    finally:
        shelf.keep(job)


async def _write(request: Request, console: Console, shelf: Shelf, job: Job) -> None:
    try:
        reading = await asyncio.to_thread(_read, console, shelf, job)
        shelf.progress[job.token] = 0

        def told(count: int) -> None:
            shelf.progress[job.token] += count

        detail = {"file": job.token[:8], "rows": len(reading.parsed.rows)}
        minutes, now = console.settings.clinic.visit_minutes, console.store.clock()
        witness = console.witness(request, f"{job.kind.value}-imported", f"import:{job.token[:8]}", detail)

        def both(conn: Any) -> list[Problem]:
            strays = importing.write(conn, console.clinic, reading, minutes, now, told)
            witness(conn)
            return strays

        strays = await console.store.run(both)
        problems = _bad([*reading.parsed.problems, *strays])
        lines = {one.line for one in problems}
        job.taken = sum(line not in lines for line, _ in reading.parsed.rows)
        job.problems, job.state = len(lines), "done"
        await asyncio.to_thread(_report, request, shelf, job, problems)
        shelf.forget_rows(job)
    except Exception:
        # Once the rows are written they stay written, whatever becomes of the report.
        if job.state != "done":
            job.state, job.wrong = "failed", "Nothing was imported: try again, or tell your administrator."
        raise
    finally:
        shelf.progress.pop(job.token, None)
        job.preview = [] if job.state == "done" else job.preview
        shelf.keep(job)


def _told(shelf: Shelf, job: Job, error: Exception) -> str:
    """Without where the file lies."""
    return str(error).replace(str(shelf.file(job)), job.file_name)


def _read(console: Console, shelf: Shelf, job: Job) -> Reading:
    clinic = console.settings.clinic
    return importing.read(job.kind, shelf.file(job), clinic, job.written, job.list_name, job.of)


def _bad(problems: Sequence[Problem]) -> list[Problem]:
    # What is said of the first line is of a heading.
    return [one for one in problems if one.line > 1]


def _report(request: Request, shelf: Shelf, job: Job, problems: list[Problem]) -> None:
    labels = {name: say(request, label) for name, label in LABELS.items()}
    told = [Problem(one.line, one.column, say(request, one.reason)) for one in problems]
    if told:
        shelf.report(job, told, labels, say(request, "Why"))


# --- what is shown ---


def _new(request: Request, kind: Kind, wrong: str = "", name: str = "") -> Response:
    values = {
        "kind": kind.value,
        "titles": TITLES,
        "title": TITLES[kind],
        "wrong": wrong,
        "name": name,
        "columns": [(LABELS[one], one in NEEDED[kind]) for one in COLUMNS[kind]],
    }
    return shared(request).page(request, "import_new.html", values, 400 if wrong else 200)


def _page(request: Request, job: Job, status: int = 200) -> Response:
    values = {
        "job": job,
        "title": TITLES[job.kind],
        "columns": COLUMNS[job.kind],
        "labels": LABELS,
        "orders": ORDERS,
        "has_days": job.kind is not Kind.LIST,
        "lacking": _lacking(job),
        "busy": job.state in BUSY,
        "heads": _heads(job),
        "done_rows": shelf_of(request).progress.get(job.token, 0),
        "no_consent": job.kind is Kind.CLIENTS and "messaging_consent" not in job.names.values(),
        "may_send": "GET /messaging" in ROUTES,
    }
    return shared(request).page(request, "import_job.html", values, status)


def _lacking(job: Job) -> list[str]:
    return [name for name in COLUMNS[job.kind] if name in NEEDED[job.kind] - set(job.names.values())]


def _heads(job: Job) -> list[str]:
    match job.kind:
        case Kind.CLIENTS | Kind.STAFF:
            return ["Id", "Name", "Mobile phone", "Email", "Language", "Consent"]
        case Kind.APPOINTMENTS:
            return ["Id", "Client’s id", "Day and time", "Service", "Clinician", "Status"]
        case Kind.RENEWALS:
            return ["Id", "Client’s id", "What falls due", "Due on", "Status"]
        case Kind.LIST:
            return ["Id", *(name for name in job.names.values() if name and name != "id")]


def _shown(request: Request, row: Any) -> list[str]:
    """What was understood of a row."""
    console, language = shared(request), language_of(request)

    def moment(at: datetime) -> str:
        return str(format_datetime(at, "EEE d MMM y, HH:mm", tzinfo=console.zone, locale=language))

    if hasattr(row, "starts_at"):
        status = say(request, row.status.capitalize())
        return [row.external_id, row.client, moment(row.starts_at), row.service, row.clinician, status]
    if hasattr(row, "due_on"):
        due = str(format_date(row.due_on, "EEE d MMM y", locale=language))
        return [row.external_id, row.person, row.name, due, say(request, row.status.capitalize())]
    if hasattr(row, "given_name"):
        told = {True: say(request, "Given"), False: say(request, "Withdrawn"), None: ""}[row.consent]
        addresses = [mask(row.details[one]) if one in row.details else "" for one in ("sms", "email")]
        name = f"{row.given_name} {row.family_name}"
        return [row.external_id, name, addresses[0], addresses[1], row.language, told]
    return [row.person, *row.values.values()]


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError as error:
        raise HTTPException(404) from error


def _job(request: Request, token: str) -> Job:
    job = shelf_of(request).find(token, me(request).id)
    if job is None:
        raise HTTPException(404)
    return job
