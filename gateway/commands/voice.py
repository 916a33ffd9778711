"""`ringwell voice preview`: what a call says, word for word, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

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
from gateway.domain import (
    Appointment,
    Broadcast,
    BroadcastClass,
    Channel,
    Facts,
    MessageType,
    Parts,
    Recipient,
    RecipientKind,
    Script,
    Speech,
)
from gateway.domain.message_types import TYPES, Audience
from gateway.render import Part, seconds
from gateway.rendering import sayings_of
from gateway.settings import Settings
from gateway.wording.remarks import remarks
from gateway.wording.texts import about_visits
from store.renewals import occasion
from voices import wav
from voices.errors import VoiceError
from voices.library import VoiceLibrary

app = typer.Typer(help="What calls say, and how long it takes.", no_args_is_help=True)

VERSIONS = ("person", "machine", "other language", "announced to staff", "connecting", "nobody there")


@dataclass(frozen=True, slots=True)
class Said:
    """One sound of a version; `trouble` says why it cannot be had."""

    version: str
    language: str
    words: str
    seconds: float
    trouble: str = ""


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


def example(
    texts: dict[str, dict[str, str]], type: MessageType, settings: Settings, language: str, name: str = ""
) -> Facts:
    """An invented recipient with an appointment tomorrow at half past nine, or a renewal on that day."""
    given, _, family = (name or "Maria Gonzalez").partition(" ")
    now = datetime.now(UTC)
    morning = now.astimezone(ZoneInfo(settings.clinic.zone)).replace(
        hour=9, minute=30, second=0, microsecond=0
    )
    visit = Appointment(1, (morning + timedelta(days=1)).astimezone(UTC), "Check-up", "Dr. Ito")
    order = Broadcast(
        id=0,
        name="preview",
        type=type,
        broadcast_class=BroadcastClass.HEALTH,
        channel=Channel.VOICE,
        only_preference=False,
        send_at=now,
        starts_from=None,
        starts_until=None,
        templates=texts,
    )
    person = Recipient(1, RecipientKind.CLIENT, given, family, language, None, None)
    if TYPES[type].audience is Audience.RENEWALS:
        tomorrow = (morning + timedelta(days=1)).date()
        return Facts(order, person, occasion=occasion(1, tomorrow, settings.clinic.zone, "License"))
    return Facts(order, person, appointment=visit if about_visits(type) else None)


def versions(script: Script) -> Iterator[tuple[str, Parts]]:
    """Each version that has parts."""
    desk = script.desk
    around = (desk.announcement, desk.connecting, desk.away) if desk else ((), (), ())
    for name, parts in zip(VERSIONS, (script.person, script.machine, script.other, *around), strict=True):
        if parts:
            yield name, parts


async def _listen(settings: Settings, script: Script, folder: Path | None) -> list[Said]:
    async with ready_store(settings) as store, voice_lengths.library(settings, store) as library:
        heard = []
        for name, parts in versions(script):
            found = [await _said(library, name, part) for part in parts]
            heard += found
            if folder is not None and not any(one.trouble for one in found):
                wav.join(await library.render(parts), folder / f"{name.replace(' ', '-')}.wav")
        return heard


async def _said(library: VoiceLibrary, version: str, part: Part) -> Said:
    words = part.text if isinstance(part, Speech) else f"[prompt:{part.name}]"
    try:
        return Said(version, part.language, words, await seconds(library, (part,)))
    except VoiceError as error:
        return Said(version, part.language, words, 0.0, str(error))


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
