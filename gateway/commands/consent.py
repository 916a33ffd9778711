"""`ringwell consent show|give|withdraw|document|deactivations`: the ledger of who agreed to what."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from gateway import consents
from gateway.commands.shared import (
    MOST,
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
from gateway.consents import BY_HAND, ConsentError, Signed, Standing, View, Wish
from gateway.console import words
from gateway.console.grounds import HOW, LEARNT
from gateway.documents.kept_files import keep
from gateway.documents.signed import media_type, read_capped
from gateway.domain import Channel, Party, Purpose, Source
from gateway.in_force import in_force
from gateway.policy import Rules
from gateway.settings import Settings
from store import documents
from store.ledger import Line

app = typer.Typer(
    help="Who agreed to what, and who withdrew it: entries are added, never changed.", no_args_is_help=True
)

ClientArgument = Annotated[str, typer.Argument(metavar="CLIENT", help="The id of the practice system.")]
ChannelOption = Annotated[Channel | None, typer.Option(help="Only this channel; all of them without it.")]
AddressOption = Annotated[str, typer.Option("--address", help="Only this number or mailbox.")]
PurposeOption = Annotated[Purpose, typer.Option(help="What it is for.")]
DocumentOption = Annotated[
    Path | None, typer.Option("--document", help="What was signed: PDF, PNG, JPEG or TIFF.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who writes it down; you, unless somebody is named.")]
SourceOption = Annotated[Source, typer.Option(help="How it was said: form, staff, keypress, text or email.")]


@app.command()
def show(client: ClientArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every entry about a client, the oldest first, and what holds now on each channel."""
    settings = load(config)
    found = run(_show(settings, client))
    if as_json:
        print_json(_as_data(found))
        return
    table = table_of("Entry", "When", "", "For", "Whose word", "Source", "By", "Document")
    for line in found.lines:
        table.add_row(*_row(line, found, settings))
    out.print(table)
    for told in _closing(found):
        out.print(told, soft_wrap=True)


def _closing(found: View) -> Iterator[str]:
    """What holds now: on each channel, of marketing, and of one message for the family."""
    for standing in found.standings:
        yield f"{_where(standing)}: {_held(standing)}"
    for standing in found.marketing:
        if standing.address:
            yield f"marketing, {_where(standing)}: {_held(standing)}"
    for standing in found.family:
        told = "has not agreed, is told alone" if standing.refused else "agreed to share one message"
        yield f"family, {_where(standing)}: {told}"


def _where(standing: Standing) -> str:
    where = f" ({words.mask(standing.address)})" if standing.address else ""
    return f"{standing.channel.value}{where}"


def _held(standing: Standing) -> str:
    return words.cause(standing.refused) if standing.refused else "may be contacted"


def _as_data(found: View) -> dict[str, object]:
    entries = [asdict(line) | {"address": line.address and words.mask(line.address)} for line in found.lines]
    return {
        "entries": entries,
        "documents": [asdict(one) for one in found.documents.values()],
        "holds": _holds(found.standings),
        "marketing": _holds(found.marketing),
        "family": _holds(found.family),
    }


def _holds(standings: Sequence[Standing]) -> list[dict[str, object]]:
    return [
        {"channel": one.channel.value, "address": words.mask(one.address), "refused": one.refused or None}
        for one in standings
    ]


def _row(line: Line, found: View, settings: Settings) -> tuple[str, ...]:
    about = [line.channel or "all channels", *([words.mask(line.address)] if line.address else [])]
    if line.purpose != Purpose.MESSAGING.value:
        about.append(line.purpose)
    whose = "whoever has the address" if line.everyone else (line.party or "client and contact")
    signed = found.documents.get(line.document or 0)
    return (
        str(line.id),
        local(line.at, settings),
        "given" if line.given else "withdrawn",
        ", ".join(about),
        whose,
        _source(line),
        line.by,
        f"document {signed.id}: {signed.name}" if signed else "",
    )


def _source(line: Line) -> str:
    told = LEARNT[line.source][line.given] if line.source in LEARNT else HOW.get(line.source, line.source)
    return f"{told} ({words.cause(line.cause).lower()})" if line.cause else told


async def _show(settings: Settings, client: str) -> View:
    async with ready_store(settings) as store:
        rules, now = Rules.of(await in_force(store, settings)), store.clock()
        return await store.read(consents.view, settings.clinic.id, client, rules, now)


@app.command()
def give(
    client: ClientArgument,
    config: ConfigOption = None,
    channel: ChannelOption = None,
    address: AddressOption = "",
    purpose: PurposeOption = Purpose.MESSAGING,
    party: Annotated[Party, typer.Option(help="Whose word it is.")] = Party.CLIENT,
    document: DocumentOption = None,
    by: ByOption = "",
    source: SourceOption = Source.FORM,
) -> None:
    """Write down that a client, or their messaging contact, agrees.

    What was withdrawn more finely stays withdrawn: name the channel or the address to give that again.
    """
    wish = Wish(True, channel, address or None, purpose, party, source)
    _tell(client, *run(_write(config, client, wish, document, by or getpass.getuser())))


@app.command()
def withdraw(
    client: ClientArgument,
    config: ConfigOption = None,
    channel: ChannelOption = None,
    address: AddressOption = "",
    purpose: PurposeOption = Purpose.MESSAGING,
    party: Annotated[Party | None, typer.Option(help="Whose word it is; both without it.")] = None,
    document: DocumentOption = None,
    by: ByOption = "",
    source: SourceOption = Source.FORM,
) -> None:
    """Write down that a client wants no more messages: on every channel, unless one is named. At once."""
    wish = Wish(False, channel, address or None, purpose, party, source)
    _tell(client, *run(_write(config, client, wish, document, by or getpass.getuser())))


def _tell(client: str, document: int, held: View) -> None:
    out.print(f"Written down for {client}." + (f" The document has number {document}." if document else ""))
    for standing in held.standings:
        if standing.address:
            out.print(f"{_where(standing)}: {_held(standing)}")


async def _write(
    config: Path | None, client: str, wish: Wish, document: Path | None, by: str
) -> tuple[int, View]:
    settings = load(config)
    if wish.source not in BY_HAND:
        raise ConsentError(f"--source must be one of {', '.join(BY_HAND)}")
    if wish.address is not None:
        wish = _with_address(wish, consents.address_of(wish.address, settings.clinic.country))
    signed = await _signed(settings, document) if document else None
    async with ready_store(settings) as store:
        clinic, now = settings.clinic.id, store.clock()
        number = await store.run(consents.write, clinic, client, wish, signed, by, now)
        return number, await store.read(
            consents.view, clinic, client, Rules.of(await in_force(store, settings)), now
        )


def _with_address(wish: Wish, address: str) -> Wish:
    return Wish(wish.given, wish.channel, address, wish.purpose, wish.party, wish.source)


async def _signed(settings: Settings, file: Path) -> Signed:
    """A sound document, kept in the instance folder."""
    octets = await asyncio.to_thread(read_capped, file, settings.policy.consent.largest_document)
    kind = await media_type(octets)
    kept, _ = await asyncio.to_thread(keep, settings.signed_documents, octets)
    return Signed(kept.name, file.name, kind, len(octets))


# Not the entry's: one document may stand behind several.
_DOCUMENT = "The document's number: the last column of 'consent show', not the first."


@app.command()
def document(
    number: Annotated[int, typer.Argument(min=1, max=MOST, help=_DOCUMENT)],
    to: Annotated[Path, typer.Option("--out", help="Where to write it; no file may be there yet.")],
    config: ConfigOption = None,
) -> None:
    """Write a signed document to a file; 'consent show' has the numbers of documents in its last column."""
    kept = run(_document(config, number))
    octets = kept.read_bytes()
    with open(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
        copy.write(octets)
    out.print(f"written to {to}")


async def _document(config: Path | None, number: int) -> Path:
    settings = load(config)
    async with ready_store(settings) as store:
        found = (await store.read(documents.find, settings.clinic.id, [number])).get(number)
    if found is None:
        raise ConsentError(
            f"there is no document {number}: the number is in the last column of "
            "'ringwell consent show CLIENT', the first has those of entries"
        )
    return settings.signed_documents / found.sha256


@app.command()
def deactivations(
    file: Annotated[Path, typer.Argument(help="A carrier's file: a number at the start of each line.")],
    config: ConfigOption = None,
    by: ByOption = "",
    as_json: JsonOption = False,
) -> None:
    """Stop using the numbers that a carrier has taken away from clients and staff who have them here."""
    read, fresh = run(_deactivations(config, file, by or getpass.getuser()))
    if as_json:
        print_json({"numbers": read, "suppressed": fresh})
    else:
        out.print(f"{read} numbers read, {fresh} of them in use here: they are used no longer")


async def _deactivations(config: Path | None, file: Path, by: str) -> tuple[int, int]:
    settings = load(config)
    read = fresh = 0
    async with ready_store(settings) as store:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            numbers = consents.numbers_in(lines, settings.clinic.country)
            take: Callable[[], list[str]] = lambda: list(islice(numbers, consents.CHUNK))  # noqa: E731
            while chunk := await asyncio.to_thread(take):
                read += len(chunk)
                fresh += await store.run(consents.deactivated, settings.clinic.id, chunk, by, store.clock())
    return read, fresh
