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

import typer
from rich.console import Console

from gateway import settings
from gateway.settings import Settings
from store import migrate
from store.engine import Store

T = TypeVar("T")

console = Console(stderr=True)
out = Console()

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


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine."""
    # What is loaded stays: the collector need not walk it again (a fifth of the time of a plan).
    gc.freeze()
    return asyncio.run(main)


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
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
