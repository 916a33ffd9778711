"""Files on their way in: private in the instance folder, until they are imported or a day is over."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import secrets
import shutil
import time
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gateway.console.background import Background
from gateway.domain import RecipientKind, RingwellError
from gateway.importing import Kind
from gateway.imports import Problem, lines
from gateway.written import Order, Written

LARGEST = 20_000_000
_DAY = 24 * 3600
_BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class UploadError(RingwellError):
    """The file cannot be taken; the message says why."""


@dataclass(slots=True)
class Job:
    """An import on its way; `state`: choosing, checking, checked, importing, done or failed."""

    token: str
    kind: Kind
    file_name: str
    by: int
    list_name: str = ""
    of: RecipientKind = RecipientKind.CLIENT
    # Written in the letters of an older program: they were made ours.
    was_latin: bool = False
    names: dict[str, str] = field(default_factory=dict)
    order: Order = Order.YEAR_FIRST
    state: str = "choosing"
    wrong: str = ""
    good: int = 0
    problems: int = 0
    taken: int = 0
    # What was understood of the first rows, as it is shown.
    preview: list[list[str]] = field(default_factory=list)

    @property
    def written(self) -> Written:
        """How its file is to be read."""
        return Written(self.names, self.order)


class Shelf:
    """The folder of files on their way in, and the work that is being done on them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Rows that are written, by token; only of what this process works on.
        self.progress: dict[str, int] = {}
        self._working: dict[str, asyncio.Task[None]] = {}
        self._background = Background("an import")

    def add(self, job: Job, octets: bytes) -> None:
        """Keep a file; raises UploadError."""
        if len(octets) > LARGEST:
            raise UploadError("The file has more than 20 MB: split it into several.")
        text, job.was_latin = _text(octets)
        folder = self._folder / job.token
        folder.mkdir(parents=True, mode=0o700)
        _private(folder / "rows.csv", text.encode())
        self.keep(job)

    def keep(self, job: Job) -> None:
        """Write down how far it is."""
        _private(self._folder / job.token / "job.json", json.dumps(asdict(job)).encode())

    def find(self, token: str, by: int) -> Job | None:
        """What a user brought."""
        if len(token) != 32 or not set(token) <= set("0123456789abcdef"):
            return None
        try:
            told: dict[str, Any] = json.loads((self._folder / token / "job.json").read_bytes())
        except (OSError, ValueError):
            return None
        kinds = {"kind": Kind(told["kind"]), "of": RecipientKind(told["of"]), "order": Order(told["order"])}
        job = Job(**(told | kinds))
        if job.state in ("checking", "importing") and token not in self._working:
            # The gateway was stopped meanwhile: nothing of it was written, an import is all or none.
            job.state = "choosing"
        return job if job.by == by else None

    def file(self, job: Job) -> Path:
        """The rows, in our letters."""
        return self._folder / job.token / "rows.csv"

    def work(self, job: Job, task: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something that takes its time; a second task on the same file is not begun."""
        if job.token in self._working:
            task.close()
            return self._working[job.token]
        begun = self._background.begin(task)
        self._working[job.token] = begun
        begun.add_done_callback(lambda _: self._working.pop(job.token, None))
        return begun

    def drop(self, job: Job) -> None:
        """The file is needed no longer."""
        shutil.rmtree(self._folder / job.token, ignore_errors=True)

    def forget_rows(self, job: Job) -> None:
        """The rows are imported; what was wrong with others stays to be read for a day."""
        self.file(job).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what is older than a day."""
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            try:
                old = folder.stat().st_mtime < time.time() - _DAY
            except OSError:
                continue
            if old and folder.name not in self._working:
                shutil.rmtree(folder, ignore_errors=True)

    def report(self, job: Job, problems: list[Problem], labels: Mapping[str, str], why: str) -> None:
        """Write the lines that were not taken, with the reason, as a file that a spreadsheet opens.

        `labels`: the columns' names; `why`: the heading of the reasons.
        """
        told: dict[int, list[Problem]] = {}
        for problem in problems:
            told.setdefault(problem.line, []).append(problem)
        written = io.StringIO()
        table = csv.writer(written)
        names = list(job.names)
        table.writerow([*map(harmless, names), "#", why])
        for line, values in lines(self.file(job), told.keys()):
            reasons = "; ".join(_reason(one, labels) for one in told[line])
            padded = [*values, *[""] * (len(names) - len(values))][: max(len(names), 1)]
            table.writerow([*map(harmless, padded), line, harmless(reasons)])
        _private(self._folder / job.token / "errors.csv", written.getvalue().encode("utf-8-sig"))

    def errors(self, job: Job) -> bytes:
        """The file of lines that were not taken; empty when there is none."""
        try:
            return (self._folder / job.token / "errors.csv").read_bytes()
        except OSError:
            return b""


def new_token() -> str:
    """What nobody guesses."""
    return secrets.token_hex(16)


def harmless(value: str) -> str:
    """A value that no spreadsheet takes for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _reason(problem: Problem, labels: Mapping[str, str]) -> str:
    column = labels.get(problem.column, problem.column)
    return f"{column}: {problem.reason}" if column else problem.reason


def _text(octets: bytes) -> tuple[str, bool]:
    """The file's text, and whether its letters were those of an older program; raises UploadError."""
    coding = _BOMS.get(octets[:2], "utf-8-sig")
    if octets[:2] == b"PK":
        raise UploadError("This is a spreadsheet: save it as CSV, and choose that file.")
    if b"\x00" in octets[:4096] and coding != "utf-16":
        raise UploadError("This is no CSV file: save the list as CSV, and choose that file.")
    try:
        return octets.decode(coding), False
    except UnicodeDecodeError:
        return octets.decode("cp1252", errors="replace"), True


def _private(file: Path, octets: bytes) -> None:
    draft = file.with_suffix(".part")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
        copy.write(octets)
    draft.replace(file)
