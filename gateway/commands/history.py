"""`ringwell history`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from gateway.commands.shared import (
    MOST,
    ConfigOption,
    JsonOption,
    load,
    local,
    out,
    print_json,
    ready_store,
    run,
    table_of,
)
from gateway.console import words
from gateway.domain import Channel, State
from gateway.settings import Settings
from store import history as records
from store.history import Entry, Filter


def history(
    config: ConfigOption = None,
    broadcast: Annotated[int | None, typer.Option(min=1, max=MOST, help="Only this broadcast.")] = None,
    state: Annotated[State | None, typer.Option(help="Only messages in this state.")] = None,
    channel: Annotated[Channel | None, typer.Option(help="Only this channel.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, max=1_000_000, help="How many messages.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show what became of every message, newest first."""
    wanted = Filter(broadcast, state, channel.value if channel else None)
    settings = load(config)
    found = run(_entries(settings, wanted, most))
    if as_json:
        print_json([asdict(entry) for entry in found])
    elif found:
        out.print(_table(found, settings))
    else:
        out.print("No messages yet. Make some with 'ringwell broadcast create'.")


async def _entries(settings: Settings, wanted: Filter, most: int) -> list[Entry]:
    async with ready_store(settings) as store:
        return await store.read(records.entries, settings.clinic.id, wanted, most)


def _table(found: list[Entry], settings: Settings) -> Table:
    steps = any(entry.step for entry in found)
    heads = ("No.", "Broadcast", "Name", *(["Step"] * steps), "Channel", "State", "Why", "Tries", "Updated")
    table = table_of(*heads)
    for entry in found:
        table.add_row(
            str(entry.id),
            str(entry.broadcast),
            entry.name,
            *([str(entry.step + 1)] * steps),
            entry.channel,
            entry.state,
            words.why(entry.state, entry.cause, entry.reason),
            str(entry.attempts),
            local(entry.updated_at, settings),
        )
    return table
