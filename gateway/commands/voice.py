"""`ringwell voice preview`: what a call says, word for word, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gateway import wording
from gateway.commands import voice_lengths
from gateway.commands.broadcast_order import read_templates
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
from gateway.domain import Channel, MessageType, Script
from gateway.example import Said, example, said_of, versions
from gateway.rendering import sayings_of
from gateway.settings import Settings
from gateway.wording.remarks import remarks
from voices import wav

app = typer.Typer(help="What calls say, and how long it takes.", no_args_is_help=True)


@app.command()
def preview(
    templates: Annotated[Path | None, typer.Option("--templates", help="TOML file with the texts.")] = None,
    type: Annotated[
        MessageType, typer.Option("--type", help="What the message is about.")
    ] = MessageType.UPCOMING_APPOINTMENTS,
    language: Annotated[str, typer.Option("--language", help="The listener's; two letters.")] = "",
    name: Annotated[str, typer.Option("--name", help="Whom to call, to hear how the name is said.")] = "",
    save: Annotated[
        Path | None, typer.Option("--save", help="Folder for what is heard, as WAV files.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a call says, with the seconds of each version. Exit code 1 when something cannot be said."""
    settings = load(config)
    texts = read_templates(templates, type, settings.clinic.language)
    facts = example(texts, type, settings, language or settings.clinic.language, name)
    script = wording.compose(facts, Channel.VOICE, settings.clinic, sayings_of(settings))
    assert isinstance(script, Script)
    said = run(_listen(settings, script, save))
    voice = settings.voice
    told = remarks(texts, facts.broadcast.broadcast_class, voice.machine_details)
    told += _too_long(said, voice.warn_seconds)
    if as_json:
        print_json({"said": [asdict(one) for one in said], "remarks": told})
    else:
        out.print(_table(said))
        for trouble in dict.fromkeys(one.trouble for one in said if one.trouble):
            console.print(trouble, style="red", soft_wrap=True)
        for remark in told:
            console.print(remark, style="yellow", soft_wrap=True)
    if any(one.trouble for one in said):
        raise typer.Exit(1)


async def _listen(settings: Settings, script: Script, folder: Path | None) -> list[Said]:
    async with ready_store(settings) as store, voice_lengths.library(settings, store) as library:
        heard = []
        for name, parts in versions(script):
            found = [await said_of(library, name, part) for part in parts]
            heard += found
            if folder is not None and not any(one.trouble for one in found):
                wav.join(await library.render(parts), folder / f"{name.replace(' ', '-')}.wav")
        return heard


def _too_long(said: list[Said], most: float) -> Iterator[str]:
    for version in ("person", "machine", "other language"):
        total = sum(one.seconds for one in said if one.version == version)
        if total > most:
            yield f"{version}: {total:.0f} seconds are more than the {most:.0f} that a call may take"


def _table(said: list[Said]) -> Table:
    table = table_of("Version", "Language", "Words", "Seconds", box=None)
    for version in dict.fromkeys(one.version for one in said):
        mine = [one for one in said if one.version == version]
        for one in mine:
            table.add_row(version, one.language, one.words, "-" if one.trouble else f"{one.seconds:.1f}")
        table.add_row(version, "", "together", f"{sum(one.seconds for one in mine):.1f}")
    return table
