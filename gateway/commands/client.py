"""`ringwell client merge`: two clients become one."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.shared import ConfigOption, JsonOption, load, out, print_json, ready_store, run
from store import merging
from store.merging import Merge

app = typer.Typer(help="Clients of the clinic.", no_args_is_help=True)


@app.callback()
def clients() -> None:
    """Clients of the clinic."""


@app.command()
def merge(
    keep: Annotated[str, typer.Argument(metavar="KEEP", help="The client who stays, by id.")],
    gone: Annotated[str, typer.Argument(metavar="GONE", help="The same client's other id.")],
    config: ConfigOption = None,
    by: Annotated[str, typer.Option("--by", help="Who decides it; you, unless somebody is named.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Make two clients one: messages, appointments, replies and consent follow, and nothing brings it back.

    What either has withdrawn stays withdrawn. Files that speak of GONE mean KEEP from then on.
    """
    done = run(_merge(config, keep, gone, by or getpass.getuser()))
    if as_json:
        print_json(asdict(done))
    else:
        counts = f"{done.messages} messages, {done.visits} appointments, {done.replies} replies"
        out.print(f"{gone} is {keep} now: {counts} and {done.entries} words of consent followed.")


async def _merge(config: Path | None, keep: str, gone: str, by: str) -> Merge:
    settings = load(config)
    async with ready_store(settings) as store:
        return await store.run(merging.merge, settings.clinic.id, keep, gone, by, store.clock())
