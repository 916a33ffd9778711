"""`ringwell events`: each change of a message's state as a line of JSON."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from gateway.commands.shared import ConfigOption, console, load, out, ready_store, run
from gateway.domain import RingwellError
from gateway.settings import Settings
from gateway.webhooks import as_data
from store import changes
from store.changes import Position

AT_ONCE = 500
LOOK_SECONDS = 0.5


class EventsError(RingwellError):
    """Changes are not written down, or the position is none."""


def events(
    after: Annotated[str, typer.Option(help="The id of the last change that you have seen.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    config: ConfigOption = None,
) -> None:
    """Print each change of a message's state as a line of JSON, oldest first; nothing in it is personal."""
    settings = load(config)
    if not (settings.events.enabled or settings.webhooks):
        raise EventsError("changes are not written down: set [events] enabled = true and run the gateway")
    start = changes.position(after) if after else Position()
    if start is None:
        raise EventsError(f"'{after}' is no id of a change such as '0-17'")
    told = run(_print(settings, start, follow))
    if not told:
        console.print("no changes yet")


async def _print(settings: Settings, at: Position, follow: bool) -> int:
    told = 0
    async with ready_store(settings) as store:
        while True:
            found = await store.read(changes.since, settings.clinic.id, at, AT_ONCE)
            for change in found:
                out.print(json.dumps(as_data(change, personal=False)), soft_wrap=True, highlight=False)
            told += len(found)
            at = found[-1].position if found else at
            if not found and not follow:
                return told
            if not found:
                await asyncio.sleep(LOOK_SECONDS)
