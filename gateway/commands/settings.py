"""`ringwell settings`: the table of settings, and changes that need no restart."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway import changing
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
from gateway.settings.table import DEFAULT, Row, told
from store import settings as kept
from store.settings import Change

app = typer.Typer(help="Show settings with what they are for; change the rules while the gateway runs.")

NameArgument = Annotated[str, typer.Argument(help="The setting, such as policy.sms.opens.")]
ByOption = Annotated[str, typer.Option("--by", help="Who decides it; it is written down.")]
NoteOption = Annotated[str, typer.Option("--note", help="Why; for whoever wonders later.")]


@app.command("list")
def list_settings(
    word: Annotated[
        str, typer.Argument(help="Only those with this word in topic, name, explanation or value.")
    ] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show settings by topic: value, default, where the value comes from, and what it is for.

    'messaging' shows what a clinic looks at first: name, consent, hours, lines.
    """
    found = run(_rows(config, word))
    if as_json:
        print_json([asdict(row) for row in found])
    elif found:
        out.print(_table(found))
    else:
        out.print(f"No setting has '{word}' in its topic, name, explanation or value.")


async def _rows(config: Path | None, word: str) -> list[Row]:
    settings = load(config)
    async with ready_store(settings) as store:
        return await changing.table(store, settings, word)


def _table(found: list[Row]) -> Table:
    shown = table_of("Setting", "Value")
    for topic in dict.fromkeys(row.topic for row in found):
        shown.add_section()
        shown.add_row(topic, style="italic")
        for row in found:
            if row.topic == topic:
                mark = row.name if row.changeable else f"{row.name} *"
                shown.add_row(Text.assemble((mark, "bold"), f"\n{row.explanation}"), _value(row))
    shown.caption = "* in the settings file, from the next start; the others by 'ringwell settings set'"
    return shown


def _value(row: Row) -> str:
    """With the default where that is another, and who says so."""
    if row.origin == DEFAULT:
        return told(row.value)
    usual = f", not {told(row.default)}" if row.default not in (None, "", row.value) else ""
    return f"{told(row.value)} ({row.origin}{usual})"


@app.command("set")
def set_setting(
    name: NameArgument,
    value: Annotated[str, typer.Argument(help="The new value, such as 09:00, 3 or true.")],
    by: ByOption,
    note: NoteOption = "",
    config: ConfigOption = None,
) -> None:
    """Change a setting; every running gateway goes by it within seconds."""
    run(_set(config, name, value, by, note))
    out.print(f"{name} is changed; running gateways go by it within seconds.")


async def _set(config: Path | None, name: str, value: str, by: str, note: str) -> None:
    settings = load(config)
    async with ready_store(settings) as store:
        await changing.set_one(store, settings, name, value, by, note)


@app.command()
def reset(name: NameArgument, by: ByOption, note: NoteOption = "", config: ConfigOption = None) -> None:
    """Take a change back: the settings file, or the default, holds again."""
    if run(_reset(config, name, by, note)):
        out.print(f"{name} is as in the settings file again.")
    else:
        out.print(f"{name} was not changed here: the settings file or the default holds.")


async def _reset(config: Path | None, name: str, by: str, note: str) -> bool:
    settings = load(config)
    async with ready_store(settings) as store:
        return await changing.reset(store, settings, name, by, note)


@app.command()
def history(
    name: Annotated[str | None, typer.Argument(help="Only this setting.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who changed what, when and why, newest first."""
    settings = load(config)
    found = run(_history(settings, name))
    if as_json:
        print_json([changing.as_data(one) for one in found])
    elif found:
        table = table_of("No.", "Setting", "Set to", "By", "When", "Why")
        for one in found:
            value = "as in the file" if one.value is None else told(changing.as_data(one)["value"])
            at = local(one.at, settings)
            table.add_row(str(one.id), one.name, value, one.by, at, one.note)
        out.print(table)
    else:
        out.print("Nothing was changed while running: the settings file and the defaults hold.")


async def _history(settings: Settings, name: str | None) -> list[Change]:
    async with ready_store(settings) as store:
        return await store.read(kept.history, settings.clinic.id, name)
