"""A FaxLetter becomes a FaxImage: rendered in a process with limits, kept by content."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import stat
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from gateway.documents import errors
from gateway.documents.errors import SIMPLER, BadDocumentError, RenderingError, too_long
from gateway.documents.job import PAGES, Cover, Job
from gateway.documents.shelf import Shelf
from gateway.documents.tiff import count_pages
from gateway.domain import FaxImage, FaxLetter
from gateway.wording.covers import SHIPPED, Covers, cover_in, cover_words, long_date

# Part of every address: raise it when the same letter would look different.
_RENDERING = 3
LARGEST_DOCUMENT = 50 << 20
# Processor time of one fax; on a busy machine that takes longer.
CPU_SECONDS = 20
WALL_SECONDS = 60.0
_COMMAND = (sys.executable, "-P", "-m", "gateway.documents.worker")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who faxes: `callback` is the number to call, `station` the number of the fax line.

    `letterhead` and `logo` (a PNG) are printed on covers beside the clinic's name; `language` is the usual
    one of `covers`.
    """

    clinic: str
    callback: str
    station: str
    language: str = "en"
    covers: Covers = field(default_factory=lambda: SHIPPED)
    letterhead: tuple[str, ...] = ()
    logo: bytes = b""


class FaxRenderer:
    """Renders letters from one sender, at most `workers` at a time; `today` gives the clinic's date."""

    def __init__(
        self,
        cache: Path,
        sender: Sender,
        today: Callable[[], date],
        *,
        max_pages: int = 100,
        fine: bool = True,
        workers: int = 1,
    ) -> None:
        self._cache, self._sender, self._today = cache, sender, today
        self._max_pages, self._fine = max_pages, fine
        self._slots = asyncio.Semaphore(workers)

    async def render(self, letter: FaxLetter, *, cover: bool = True) -> FaxImage:
        """One TIFF-F with cover and body; DocumentError says why there is none."""
        async with self._slots:
            return await render_fax(
                letter,
                sender=self._sender,
                sent_on=self._today(),
                cache=self._cache,
                max_pages=self._max_pages,
                fine=self._fine,
                cover=cover,
            )


async def render_fax(
    letter: FaxLetter,
    *,
    sender: Sender,
    sent_on: date,
    cache: Path,
    max_pages: int = 100,
    fine: bool = True,
    cover: bool = True,
) -> FaxImage:
    """The letter as one TIFF-F: the same file for the same content. DocumentError says why there is none.

    `max_pages` counts the cover. `fine` is 204 x 196 dpi, otherwise 204 x 98, which sends twice as fast.
    """
    front, note = _cover(letter, sender, sent_on)
    # A document brings its own words.
    subject, text = ("", "") if letter.document else (letter.subject, letter.text)
    document = str(letter.document.expanduser().absolute()) if letter.document else ""
    job = Job(front if cover else None, subject, text, document, "", fine, max_pages, CPU_SECONDS, "")
    try:
        return replace(await _kept_or_rendered(cache, job), continued=note)
    except OSError as error:
        raise RenderingError(f"the folder of faxes cannot be used: {error.strerror} ({cache})") from error


def _cover(letter: FaxLetter, sender: Sender, sent_on: date) -> tuple[Cover, str]:
    """The cover page, and the note on it should the fax have to go on later."""
    language, cover = cover_in(sender.covers, letter.language, sender.language)
    values = {
        "ClientName": letter.to_name,
        "FaxNumber": letter.to_number,
        "Practice": sender.clinic,
        "CallBack": sender.callback,
        "FaxLine": sender.station,
        "Date": long_date(sent_on, language),
    }
    # One line each, as long as a page is wide some times over; nobody is called as the mark.
    values = {name: " ".join(value[:200].split()).replace(PAGES, "") for name, value in values.items()}
    said = cover_words(cover, values | {"Pages": PAGES})
    # What fits above the cover.
    head = (sender.clinic, *sender.letterhead[:4])
    logo = base64.b64encode(sender.logo).decode()
    return Cover(said.heading, said.rows, said.notice_heading, said.notice, head, logo), cover.continued


async def _kept_or_rendered(cache: Path, job: Job) -> FaxImage:
    if job.document:
        job = replace(job, digest=await asyncio.to_thread(_digest, Path(job.document)))
    shelf = await asyncio.to_thread(Shelf, cache)
    # Neither the place of the document nor the limits: they do not change what is seen.
    content = replace(job, document=job.digest and "document", max_pages=0, cpu_seconds=0)
    file = shelf.address(json.dumps([_RENDERING]).encode() + content.encode())
    if not await asyncio.to_thread(shelf.use, file):
        await asyncio.to_thread(shelf.sweep)
        await _render(shelf, file, job)
    pages = await asyncio.to_thread(count_pages, file)
    if pages > job.max_pages:
        raise BadDocumentError(too_long(pages, job.max_pages))
    return FaxImage(file, pages)


def check_size(document: Path) -> None:
    """BadDocumentError for what is no file, or a larger one than is ever read; nothing of it is read."""
    try:
        found = document.stat()
    except OSError as error:
        raise BadDocumentError(
            f"the document to fax cannot be read: {error.strerror} ({document})"
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise BadDocumentError(f"the document to fax is not a file: {document}")
    if found.st_size > LARGEST_DOCUMENT:
        raise BadDocumentError(
            f"the document to fax has {found.st_size >> 20} MB, more than the {LARGEST_DOCUMENT >> 20} "
            f"allowed: split it, or save it at 300 dpi in black and white ({document})"
        )


def _digest(document: Path) -> str:
    check_size(document)
    try:
        with document.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadDocumentError(
            f"the document to fax cannot be read: {error.strerror} ({document})"
        ) from error


async def _render(shelf: Shelf, file: Path, job: Job) -> None:
    part = shelf.part(file)
    try:
        _raise_error(await _asked(replace(job, output=str(part))))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


async def _asked(job: Job) -> bytes:
    """The answer of a process of its own: what a letter does to it, it does to nobody else."""
    worker = await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=PIPE, stdout=PIPE, env=_environment(), start_new_session=True
    )
    try:
        async with asyncio.timeout(WALL_SECONDS):
            answer, _ = await worker.communicate(job.encode())
    except TimeoutError:
        raise BadDocumentError(f"a fax took longer than {WALL_SECONDS:g} s to render: {SIMPLER}") from None
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    if not answer:
        raise BadDocumentError(
            "a fax takes more time or memory to render than it is given "
            f"(process ended: {worker.returncode}): {SIMPLER}"
        )
    return answer


def _environment() -> dict[str, str]:
    # Not the settings: they hold secrets, and a PDF is a stranger's program.
    passed = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in passed if name in os.environ}


def _raise_error(answer: bytes) -> None:
    told = json.loads(answer)
    if "error" in told:
        raise getattr(errors, told["error"], RenderingError)(told["why"])
