"""`ringwell run` and `ringwell migrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.commands.shared import ConfigOption, JsonOption, load, out, print_json, set_up_logging
from gateway.commands.shared import run as run_coroutine
from store import migrate
from store.engine import Store


def run(config: ConfigOption = None) -> None:
    """Run the gateway until it is stopped (SIGTERM or Ctrl-C)."""
    from gateway import daemon

    set_up_logging()
    run_coroutine(daemon.run(load(config), lambda line: out.print(line, soft_wrap=True)))


def migrate_store(
    config: ConfigOption = None,
    check: Annotated[bool, typer.Option("--check", help="Only look; exit 1 if an upgrade is due.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Create or upgrade the tables of the store."""
    before, after, due = run_coroutine(_migrate(config, check))
    if as_json:
        print_json({"before": before, "after": after, "newest": migrate.newest()})
    elif due:
        out.print(due, soft_wrap=True)
    elif before == after:
        out.print(f"schema {after}: nothing to do")
    else:
        out.print(f"schema upgraded from {before or 'none'} to {after}")
    if due:
        raise typer.Exit(1)


async def _migrate(config: ConfigOption, check: bool) -> tuple[str | None, str | None, str]:
    """Schema before and after, and what is left to do."""
    settings = load(config)
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with Store(settings.store_url) as store:
        before = await migrate.current(store)
        if not check:
            await migrate.upgrade(store)
        try:
            await migrate.require_current(store)
        except migrate.SchemaError as error:
            return before, before, str(error)
        return before, await migrate.current(store), ""
