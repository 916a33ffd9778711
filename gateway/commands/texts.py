"""`ringwell texts inbox|show|answer|write|read|length`: conversations by text or mail; what a text costs."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway import conversing
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
from gateway.console.words import mask, readable
from gateway.conversing import NoConversationError
from gateway.lengths import Length, length_of
from gateway.settings import Settings
from store import conversations
from store.conversations import Heading, Line

app = typer.Typer(
    help="Read and answer texts and mails of one person; see what a text costs.", no_args_is_help=True
)

NumberArgument = Annotated[int, typer.Argument(min=1, max=MOST, help="The conversation's number.")]
ByOption = Annotated[str, typer.Option("--by", help="Who writes; you, unless somebody else is named.")]


@app.command()
def inbox(
    config: ConfigOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Those without unread replies, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show conversations with replies that wait for a person, the newest first."""
    settings = load(config)
    found = run(_inbox(settings, unread=not everything))
    if as_json:
        print_json([_as_data(heading) for heading in found])
    elif found:
        table = table_of("No.", "Name", "Address", "Unread", "Last")
        for one in found:
            names = ", ".join(one.names) or "unknown"
            when = local(one.last_at, settings)
            table.add_row(str(one.id), names, mask(one.address), str(one.unread), when)
        out.print(table)
    else:
        out.print("No conversations yet." if everything else "Nothing waits for an answer.")


def _as_data(heading: Heading) -> dict[str, object]:
    return asdict(heading) | {"address": mask(heading.address)}


async def _inbox(settings: Settings, *, unread: bool) -> list[Heading]:
    async with ready_store(settings) as store:
        return await store.read(conversations.listing, settings.clinic.id, unread=unread)


@app.command()
def show(number: NumberArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show a conversation, the newest text last."""
    settings = load(config)
    heading, lines = run(_show(settings, number))
    if as_json:
        print_json(_as_data(heading) | {"lines": [asdict(line) for line in lines]})
        return
    out.print(f"{', '.join(heading.names) or 'unknown'}, {mask(heading.address)}")
    _print_lines(lines, settings)


def _print_lines(lines: Sequence[Line], settings: Settings) -> None:
    table = table_of("When", "", "Text", "State")
    for line in lines:
        who = (line.by or "we") if line.ours else "they"
        # The words of a mail about an appointment that changed are made when it leaves.
        said = {"broadcast": f"[{line.text}]", "visit": "[the appointment has changed]"}
        said[conversations.KEY] = f"[pressed {line.text} in a call to cancel the appointment]"
        text = said.get(line.kind, line.text)
        table.add_row(local(line.at, settings), who, text, readable(line.state))
    out.print(table)


async def _show(settings: Settings, number: int) -> tuple[Heading, list[Line]]:
    async with ready_store(settings) as store:
        clinic = settings.clinic.id
        found = await store.read(conversations.find, clinic, number)
        if found is None:
            raise NoConversationError(f"there is no conversation {number}")
        return found, await store.read(conversations.lines, clinic, found.address)


@app.command()
def answer(number: NumberArgument, config: ConfigOption = None, by: ByOption = "") -> None:
    """Answer in a conversation, the way it is held; the words are read from standard input."""
    message = run(_answer(config, number, _typed(), by or getpass.getuser()))
    out.print(f"message {message} is queued")


async def _answer(config: Path | None, number: int, body: str, by: str) -> int:
    settings = load(config)
    async with ready_store(settings) as store:
        return await store.run(conversing.answer, settings.clinic.id, number, body, by, store.clock())


@app.command()
def write(
    client: Annotated[str, typer.Option("--client", help="Whom, by the id of the practice system.")],
    config: ConfigOption = None,
    by: ByOption = "",
) -> None:
    """Send a text to a client; it is read from standard input."""
    message = run(_write(config, client, _typed(), by or getpass.getuser()))
    out.print(f"message {message} is queued")


async def _write(config: Path | None, client: str, body: str, by: str) -> int:
    settings = load(config)
    async with ready_store(settings) as store:
        return await store.run(conversing.write_to, settings.clinic.id, client, body, by, store.clock())


@app.command()
def read(number: NumberArgument, config: ConfigOption = None) -> None:
    """Say that a conversation needs no answer any more."""
    run(_read(config, number))


async def _read(config: Path | None, number: int) -> None:
    settings = load(config)
    async with ready_store(settings) as store:
        await store.run(conversations.mark_read, settings.clinic.id, number, store.clock())


@app.command()
def length(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Count the segments of a text from standard input, as networks do."""
    settings = load(config)
    found = length_of(_typed().strip(), settings)
    if as_json:
        print_json(asdict(found))
        return
    usual = "GSM-7" if not found.bind or settings.binds[found.bind].gsm7_default else "Latin-1"
    for line in told(found, usual, replaced=settings.texts.replace_look_alikes):
        out.print(line)


def told(found: Length, usual: str, *, replaced: bool) -> list[str]:
    """What a text costs, and why, in sentences; `usual`: the alphabet of the bind."""
    lines = [
        f"{found.segments} {_segments(found.segments)} in {found.alphabet}, {found.characters} characters"
    ]
    if found.segments > 1:
        lines[0] += f", joined by {found.concatenation}"
    if found.bind:
        lines[0] += f" (bind {found.bind})"
    if found.foreign:
        lines.append(f"not in {usual}: {found.foreign}")
    if found.plain_segments < found.segments:
        way = "they are replaced" if replaced else "texts.replace_look_alikes = true replaces them"
        lines.append(
            f"{found.plain_segments} {_segments(found.plain_segments)} with plain characters instead; {way}"
        )
    return lines


def _segments(count: int) -> str:
    return "segment" if count == 1 else "segments"


def _typed() -> str:
    """Never an argument: those are seen by everybody on the machine."""
    if sys.stdin.isatty():
        console.print("Type the text, then Ctrl-D on a line of its own:")
    return sys.stdin.read()
