"""`ringwell staff pin|list`."""

from __future__ import annotations

import getpass
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.shared import (
    ConfigOption,
    JsonOption,
    load,
    out,
    print_json,
    ready_store,
    run,
    table_of,
)
from gateway.settings import SettingsError
from gateway.studio import pins
from gateway.studio.shelf import Shelf
from store import pins as rows
from store.pins import StaffRow

app = typer.Typer(help="Members of staff and their user numbers for the studio.", no_args_is_help=True)

_NUMBER = re.compile(r"[0-9]{1,8}")


@app.command()
def pin(
    number: Annotated[str, typer.Argument(help="The user number that is entered by phone, up to 8 digits.")],
    staff: Annotated[
        str, typer.Option("--staff", help="Whose, by the id of the practice system; else whose it is.")
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="They may use the studio no longer.")] = False,
    config: ConfigOption = None,
) -> None:
    """Give a member of staff a user number and a PIN, which is asked for or read from standard input."""
    if not _NUMBER.fullmatch(number):
        raise SettingsError("a user number is up to 8 digits")
    row = run(_pin(config, number, staff, None if remove else _typed()))
    out.print(f"{row.name} {'may use the studio no longer' if remove else f'has user number {number}'}")


def _typed() -> str:
    """Never an argument: those are seen by everybody on the machine."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    first = getpass.getpass("PIN: ")
    if getpass.getpass("once more: ") != first:
        raise SettingsError("the two PINs differ")
    return first


async def _pin(config: Path | None, number: str, staff: str, typed: str | None) -> StaffRow:
    settings = load(config)
    kept = None if typed is None else pins.hashed(typed, settings.studio.pin_digits)
    async with ready_store(settings) as store:
        clinic = settings.clinic.id
        row = await Shelf(store, settings).staff(staff or number)
        if kept is None:
            await store.run(rows.take_pin, clinic, row.staff)
        else:
            await store.run(rows.set_pin, clinic, row.staff, number, kept, store.clock())
    return row


@app.command("list")
def list_staff(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the staff, and who may use the studio."""
    found = run(_list(config))
    if as_json:
        print_json([asdict(row) for row in found])
        return
    table = table_of("Id", "Name", "Language", "User number", box=None)
    for row in found:
        table.add_row(row.external_id, row.name, row.language, row.number or "-")
    out.print(table)


async def _list(config: Path | None) -> list[StaffRow]:
    settings = load(config)
    async with ready_store(settings) as store:
        return await store.read(rows.staff_list, settings.clinic.id)
