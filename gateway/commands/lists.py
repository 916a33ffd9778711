"""`ringwell lists`."""

from __future__ import annotations

from dataclasses import asdict

from gateway.commands.shared import (
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
from gateway.settings import Settings
from store import lists
from store.lists import CustomList


def show_lists(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the custom lists with their columns, which are placeholders for their messages."""
    settings = load(config)
    found = run(_listing(settings))
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        table = table_of("Name", "Of", "People", "Placeholders", "Since")
        for one in found:
            columns = ", ".join(f"<{column}>" for column in one.columns)
            since = local(one.created_at, settings)
            table.add_row(one.name, one.kind.value, str(one.members), columns, since)
        out.print(table)
    else:
        out.print("No lists yet. Make one with 'ringwell import list FILE --name NAME'.")


async def _listing(settings: Settings) -> list[CustomList]:
    async with ready_store(settings) as store:
        return await store.read(lists.listing, settings.clinic.id)
