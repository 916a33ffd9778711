"""`ringwell faxes inbox|save|read|preview|proof`: faxes that came in, papers of those that go out."""

from __future__ import annotations

import getpass
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.commands.shared import (
    MOST,
    ConfigOption,
    JsonOption,
    console,
    load,
    local,
    out,
    print_json,
    ready_store,
    run,
    table_of,
)
from gateway.console.words import mask
from gateway.documents.header import header_line, with_header
from gateway.documents.proof import Proof, proof_pdf
from gateway.documents.received import Dress, keep_as_pdf
from gateway.documents.tiff import line_seconds
from gateway.domain import FaxLetter, RingwellError
from gateway.proving import proof_of
from gateway.rendering import fax_renderer
from gateway.settings import FaxSettings, Settings
from store import faxes
from store.faxes import Fax

if TYPE_CHECKING:
    from PIL.Image import Image

app = typer.Typer(help="Faxes that came in; previews and proofs of those that go out.", no_args_is_help=True)

OutputOption = Annotated[Path, typer.Option("--output", "-o", help="The PDF to write; it must not exist.")]
NumberArgument = Annotated[int, typer.Argument(min=1, max=MOST, help="The fax's number.")]
ByOption = Annotated[str, typer.Option("--by", help="Who reads it; you, unless somebody else is named.")]


class NoFaxError(RingwellError):
    """There is no such fax, or it cannot be saved there."""


@app.command()
def inbox(
    config: ConfigOption = None,
    name: Annotated[str, typer.Option("--inbox", help="Only this inbox of the settings.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Those that were read, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show faxes that wait for a person, the newest first; numbers are masked."""
    settings = load(config)
    found = run(_listed(settings, name, unread=not everything))
    if as_json:
        print_json([as_data(fax) for fax in found])
    elif found:
        table = table_of("No.", "Came", "Inbox", "From", "Pages", "Read by")
        for fax in found:
            pages = str(fax.pages) if fax.whole else f"{fax.pages}, then it broke off"
            when = local(fax.at, settings)
            table.add_row(str(fax.id), when, fax.inbox, mask(fax.caller), pages, fax.read_by)
        out.print(table)
        console.print("save one with 'ringwell faxes save NUMBER --output FILE'")
    elif settings.fax.inboxes:
        out.print("No faxes yet." if everything else "No fax waits to be read.")
    else:
        out.print("No faxes come in yet: give [fax.inboxes] their numbers (docs/faxes.md).")


def as_data(fax: Fax) -> dict[str, object]:
    """What machines get of a fax."""
    return {
        "id": fax.id,
        "inbox": fax.inbox,
        "from": mask(fax.caller),
        "dialled": mask(fax.dialled),
        "pages": fax.pages,
        "whole": fax.whole,
        "at": fax.at,
        "read_at": fax.read_at,
        "read_by": fax.read_by,
    }


async def _listed(settings: Settings, inbox: str, *, unread: bool) -> list[Fax]:
    async with ready_store(settings) as store:
        return await store.read(faxes.listing, settings.clinic.id, inbox=inbox, unread=unread)


@app.command()
def save(
    number: NumberArgument,
    output: OutputOption,
    config: ConfigOption = None,
    by: ByOption = "",
) -> None:
    """Save a fax as PDF and mark it as read."""
    settings = load(config)
    fax = run(_found(settings, number))
    source = settings.received_faxes / fax.file
    try:
        with source.open("rb") as held, output.open("xb") as written:
            shutil.copyfileobj(held, written)
    except OSError as error:
        raise NoFaxError(f"fax {number} cannot be saved: {error.strerror} ({error.filename})") from error
    run(_read(settings, number, by or getpass.getuser()))
    out.print(f"fax {number} with {fax.pages} pages is in {output}")


@app.command()
def read(number: NumberArgument, config: ConfigOption = None, by: ByOption = "") -> None:
    """Mark a fax as read."""
    settings = load(config)
    run(_found(settings, number))
    run(_read(settings, number, by or getpass.getuser()))
    out.print(f"fax {number} is read")


async def _found(settings: Settings, number: int) -> Fax:
    async with ready_store(settings) as store:
        found = await store.read(faxes.find, settings.clinic.id, number)
    if found is None:
        raise NoFaxError(f"there is no fax {number}")
    return found


async def _read(settings: Settings, number: int, by: str) -> None:
    async with ready_store(settings) as store:
        await store.run(faxes.read, settings.clinic.id, number, by, store.clock())


@app.command()
def preview(
    output: OutputOption,
    document: Annotated[
        Path | None, typer.Option(help="PDF, PNG, JPEG or TIFF; else a text is read.")
    ] = None,
    to: Annotated[str, typer.Option("--to", help="The name on the cover page.")] = "",
    number: Annotated[str, typer.Option("--number", help="The fax number on the cover page.")] = "",
    language: Annotated[str, typer.Option(help="Of the cover page: en, es; else the clinic's.")] = "",
    subject: Annotated[str, typer.Option(help="Above a text.")] = "",
    config: ConfigOption = None,
) -> None:
    """Show exactly the pages that would arrive, and how long they take; a text comes from standard input."""
    settings = load(config)
    text = "" if document else sys.stdin.read()
    letter = FaxLetter(to, subject, text, document, number, language)
    image = run(fax_renderer(settings).render(letter))
    _refuse_to_overwrite(output)
    keep_as_pdf(image.tiff, output, _headed(settings.fax))
    seconds = line_seconds(image.tiff)
    out.print(f"{image.pages} pages, about {_minutes(seconds)} on the line; they are in {output}")


def _headed(fax: FaxSettings) -> Dress:
    """Puts the line above a page that the fax software prints, as if it were sent now."""
    now, fine = datetime.now().astimezone(), fax.resolution == "fine"

    def dress(page: Image, number: int) -> Image:
        return with_header(page, header_line(fax.header_line, fax.station_id, now, number), fine)

    return dress


def _minutes(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"


def _refuse_to_overwrite(output: Path) -> None:
    if output.exists():
        raise NoFaxError(f"{output} is there already: choose another name")


@app.command()
def proof(
    message: Annotated[int, typer.Argument(min=1, max=MOST, help="The message that was delivered as a fax.")],
    output: OutputOption,
    config: ConfigOption = None,
) -> None:
    """Write the proof that a fax was delivered: when, where, how many pages, and a picture of the first."""
    settings = load(config)
    page = proof_pdf(run(_proof(settings, message)))
    _refuse_to_overwrite(output)
    output.write_bytes(page)
    out.print(f"the proof of fax {message} is in {output}")


async def _proof(settings: Settings, message: int) -> Proof:
    async with ready_store(settings) as store:
        return await store.read(proof_of, settings, message)
