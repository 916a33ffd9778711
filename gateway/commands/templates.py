"""`ringwell template save|list|show`."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway import wording
from gateway.commands.broadcast_order import merged_templates
from gateway.commands.shared import (
    ConfigOption,
    JsonOption,
    checked_name,
    load,
    local,
    out,
    print_json,
    ready_store,
    run,
    table_of,
)
from gateway.domain import MessageType
from gateway.ordering import BroadcastError
from gateway.settings import Settings
from store import lists, templates
from store.templates import OtherTypeError, Saved

app = typer.Typer(help="Save texts under a name, list and show them.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The template's name.")]


@app.command()
def save(
    name: NameArgument,
    type: Annotated[MessageType, typer.Option("--type", help="What its messages are about.")],
    file: Annotated[
        Path | None, typer.Argument(help="TOML file with the texts; what it leaves out is as shipped.")
    ] = None,
    list_name: Annotated[
        str | None, typer.Option("--list", help="A custom list whose columns are placeholders, too.")
    ] = None,
    change_type: Annotated[
        bool, typer.Option("--change-type", help="It is for messages of another type from now on.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save texts as the next version of a template; broadcasts that use it copy it."""
    settings = load(config)
    texts = merged_templates(file, type, settings.clinic.language)
    version = run(_save(settings, checked_name(name), type, texts, list_name, change_type))
    if as_json:
        print_json({"template": name, "version": version})
    else:
        out.print(f"template {name}: version {version}")


@app.command("list")
def list_templates(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the saved templates with their newest versions."""
    settings = load(config)
    found = run(_listing(settings))
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        table = table_of("Name", "Version", "Type", "Texts", "Saved", "By")
        for one in found:
            at = local(one.at, settings)
            table.add_row(one.name, str(one.version), one.type, ", ".join(sorted(one.texts)), at, one.by)
        out.print(table)
    else:
        out.print("No templates yet. Save one with 'ringwell template save'.")


@app.command()
def show(
    name: NameArgument,
    version: Annotated[int | None, typer.Option("--version", min=1, help="Default: the newest.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the texts of a template, as a TOML file has them. Exit code 1 when there is none such."""
    found = run(_find(load(config), name, version))
    if found is None:
        out.print(f"there is no template {name!r}" + (f" with version {version}" if version else ""))
        raise typer.Exit(1)
    if as_json:
        print_json(asdict(found))
        return
    out.print(f"# {found.name}, version {found.version}, {found.type}", soft_wrap=True)
    for place, fields in sorted(found.texts.items()):
        out.print(f"\n[{place}]")
        for field, text in fields.items():
            # A string of JSON is one of TOML, too.
            out.print(f"{field} = {json.dumps(text, ensure_ascii=False)}", soft_wrap=True)


async def _save(
    settings: Settings,
    name: str,
    type: MessageType,
    texts: dict[str, dict[str, str]],
    list_name: str | None,
    change_type: bool,
) -> int:
    clinic = settings.clinic.id
    async with ready_store(settings) as store:
        columns: tuple[str, ...] = ()
        if list_name is not None:
            found = await store.read(lists.find, clinic, list_name)
            if found is None:
                raise BroadcastError(f"there is no list {list_name!r}: see 'ringwell lists'")
            columns = found.columns
        wording.check_templates(texts, type, columns)
        wording.check_front_desk(texts, settings.voice.front_desk)
        who = getpass.getuser()
        try:
            return await store.run(templates.save, clinic, name, type, texts, who, store.clock(), change_type)
        except OtherTypeError as error:
            raise BroadcastError(
                f"template {name!r} is for messages of type {error.kept}: choose another name, or say "
                f"--change-type, and broadcasts of type {error.kept} can use it no longer"
            ) from error


async def _listing(settings: Settings) -> list[Saved]:
    async with ready_store(settings) as store:
        return await store.read(templates.listing, settings.clinic.id)


async def _find(settings: Settings, name: str, version: int | None) -> Saved | None:
    async with ready_store(settings) as store:
        return await store.read(templates.find, settings.clinic.id, name, version)
