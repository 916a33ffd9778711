"""What the commands share: options, settings, a store that is ready, JSON output."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.box import HEAVY_HEAD as FRAMED
from rich.box import Box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Column, Table

from gateway import settings
from gateway.domain import RingwellError
from gateway.settings import Settings, SettingsError
from store import migrate
from store.engine import Store

T = TypeVar("T")

# The largest number that a database keeps.
MOST = 2**63 - 1

# Names and texts are shown as they are: "[red]" in one is neither colour nor an error.
console = Console(stderr=True, markup=False, emoji=False, highlight=False)
out = Console(markup=False, emoji=False, highlight=False)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file (TOML); also RINGWELL_CONFIG.", envvar="RINGWELL_CONFIG"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def load(config: Path | None) -> Settings:
    """The settings of this installation."""
    return settings.load(config)


@asynccontextmanager
async def ready_store(of: Settings) -> AsyncIterator[Store]:
    """The store with its tables made or checked."""
    of.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with Store(of.store_url) as store:
        if await migrate.current(store) is None:
            await migrate.upgrade(store)
        await migrate.require_current(store)
        yield store


def checked_name(name: str) -> str:
    """The name of something that is kept; raises RingwellError when it cannot be told from others."""
    if not name.strip() or not name.isprintable() or len(name) > 64:
        raise RingwellError("a name must have a letter, no control character, and 64 characters at most")
    return name


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine."""
    # What is loaded stays: the collector need not walk it again (a fifth of the time of a plan).
    gc.freeze()
    return asyncio.run(main)


def progress() -> Progress:
    """A bar for long work, with a field `counts`; silent where nobody watches."""
    counts = TextColumn("{task.fields[counts]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), counts)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def table_of(*heads: str, box: Box | None = FRAMED, title: str | None = None) -> Table:
    """An empty table with these heads; what does not fit into a narrow window is wrapped, never cut."""
    return Table(*(Column(head, overflow="fold") for head in heads), box=box, title=title)


def local(moment: datetime, settings: Settings) -> str:
    """A moment as people read it, in the clinic's zone: 2026-05-03 09:30 EDT."""
    return f"{moment.astimezone(ZoneInfo(settings.clinic.zone)):%Y-%m-%d %H:%M %Z}"


def print_json(data: object) -> None:
    """Write data as JSON to standard output."""
    json.dump(data, sys.stdout, default=to_json, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def to_json(value: object) -> object:
    """What JSON has no form for: times in ISO 8601, the rest as text."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def set_up_logging() -> None:
    """Log lines to standard error; never a text, a name or a whole number."""
    level = os.environ.get("LOGLEVEL", "INFO").upper()
    if level not in logging.getLevelNamesMapping():
        raise SettingsError(f"setting LOGLEVEL (environment): {level!r} is not a level such as INFO or DEBUG")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    # mail.log is aiosmtpd, which writes down whole commands: addresses.
    for chatty in ("alembic", "panoramisk", "mail.log"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160), 0x2028, 0x2029)}


class OneLine(logging.Formatter):
    """A value with a control character in it begins no line of its own and commands no terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """One line."""
        return super().formatMessage(record).translate(_CONTROL)

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """Indented lines, which cannot be taken for records."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  {line.translate(_CONTROL)}" for line in lines)
