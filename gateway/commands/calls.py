"""`ringwell calls`: the calls and faxes that are up, and how far each is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from gateway.asterisk.live import calls_in_progress
from gateway.commands.shared import (
    ConfigOption,
    JsonOption,
    console,
    load,
    out,
    print_json,
    ready_store,
    run,
    table_of,
)
from gateway.console.calling import Calls, Row, rows_of
from gateway.exchange import connection
from gateway.settings import Settings
from store.engine import Store

LOOK_SECONDS = 1.0


def calls(
    config: ConfigOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every second, until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the calls and faxes that are up now, with their stage; numbers are masked."""
    with suppress(KeyboardInterrupt):
        run(_show(config, watch, as_json))


async def _show(config: Path | None, watch: bool, as_json: bool) -> None:
    settings = load(config)
    async with ready_store(settings) as store, connection(settings) as ami:
        asked = partial(calls_in_progress, ami)
        if watch:
            await _watch(store, settings, asked)
        else:
            _print(await rows_of(store, settings.clinic.id, asked), as_json)


async def _watch(store: Store, settings: Settings, asked: Calls) -> None:
    with Live(console=console, auto_refresh=False) as screen:
        while True:
            screen.update(_table(await rows_of(store, settings.clinic.id, asked)), refresh=True)
            await asyncio.sleep(LOOK_SECONDS)


def _print(found: Sequence[Row], as_json: bool) -> None:
    if as_json:
        print_json([asdict(row) for row in found])
    elif found:
        out.print(_table(found))
    else:
        out.print("No calls are up.")


def _table(found: Sequence[Row]) -> Table:
    table = table_of("Message", "", "Name", "Number", "Trunk", "Stage", "Seconds")
    for row in found:
        table.add_row(
            str(row.message), row.kind, row.name, row.address, row.trunk, row.stage, str(row.seconds)
        )
    return table
