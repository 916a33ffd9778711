"""`ringwell broadcast plan|create|list|show|cancel`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gateway import broadcast as planning
from gateway.broadcast import Decision
from gateway.commands import voice_lengths
from gateway.commands.broadcast_order import describe
from gateway.commands.broadcast_view import line_of, plan_table, tally_of, word
from gateway.commands.fax_document import with_document
from gateway.commands.shared import (
    MOST,
    ConfigOption,
    JsonOption,
    console,
    load,
    out,
    print_json,
    progress,
    ready_store,
    run,
)
from gateway.console import words
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType, State
from gateway.policy import Rules
from gateway.settings import Settings
from store import broadcasts, history

app = typer.Typer(help="Plan, create, look at and cancel broadcasts.", no_args_is_help=True)


TypeOption = Annotated[MessageType, typer.Option("--type", help="What the messages are about.")]
ChannelOption = Annotated[Channel, typer.Option("--channel", help="Contact method.")]
StartOption = Annotated[
    datetime | None,
    typer.Option("--start-date", formats=["%Y-%m-%d"], help="Date of the appointments (default: tomorrow)."),
]
DaysOption = Annotated[int, typer.Option("--days", min=1, max=366, help="How many days of appointments.")]
AtOption = Annotated[
    datetime | None,
    typer.Option(
        "--at",
        formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        help="Broadcast date and time in the clinic's zone (default: now).",
    ),
]
PreferenceOption = Annotated[
    bool,
    typer.Option(
        "--only-preference/--everybody-by-channel",
        help="Use a recipient's preferred contact method where there is one.",
    ),
]
TemplatesOption = Annotated[
    Path | None, typer.Option("--templates", help="TOML file with the texts (default: the texts that ship).")
]
FaxDocumentOption = Annotated[
    Path | None,
    typer.Option("--fax-document", help="PDF, PNG, JPEG or TIFF that faxes carry instead of a text."),
]
NumberArgument = Annotated[int, typer.Argument(min=1, max=MOST, help="The broadcast's number.")]
RenderOption = Annotated[
    bool,
    typer.Option("--render/--no-render", help="Render what calls need now, or leave it to the gateway."),
]
ClassOption = Annotated[BroadcastClass, typer.Option("--class", help="What the consent rules follow.")]


@app.command()
def plan(
    channel: ChannelOption,
    type: TypeOption = MessageType.UPCOMING_APPOINTMENTS,
    start_date: StartOption = None,
    days: DaysOption = 1,
    at: AtOption = None,
    only_preference: PreferenceOption = True,
    templates: TemplatesOption = None,
    fax_document: FaxDocumentOption = None,
    broadcast_class: ClassOption = BroadcastClass.HEALTH,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each recipient with the decision and its reason; nothing is written or sent."""
    settings = load(config)
    wanted = describe(
        settings, "plan", channel, type, start_date, days, at, only_preference, templates, broadcast_class
    )
    lines = [line_of(decision) for decision in run(_preview(settings, wanted, fax_document))]
    if as_json:
        print_json([asdict(line) for line in lines])
    elif lines:
        out.print(plan_table(lines))
        out.print(", ".join(f"{count} {word}" for word, count in tally_of(lines).items()))
    else:
        out.print("Nobody: there is no such appointment. Import some with 'ringwell import appointments'.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A name to find the broadcast by.")],
    channel: ChannelOption,
    type: TypeOption = MessageType.UPCOMING_APPOINTMENTS,
    start_date: StartOption = None,
    days: DaysOption = 1,
    at: AtOption = None,
    only_preference: PreferenceOption = True,
    templates: TemplatesOption = None,
    fax_document: FaxDocumentOption = None,
    broadcast_class: ClassOption = BroadcastClass.HEALTH,
    render: RenderOption = True,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a broadcast down; the running gateway sends it at its time."""
    settings = load(config)
    wanted = describe(
        settings, name, channel, type, start_date, days, at, only_preference, templates, broadcast_class
    )
    number, tally = run(_create(settings, wanted, fax_document, render))
    if as_json:
        print_json({"broadcast": number, "messages": tally})
    else:
        counts = ", ".join(f"{count} {word}" for word, count in tally.items()) or "no recipients"
        out.print(f"broadcast {number}: {counts}")


@app.command("list")
def list_broadcasts(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show all broadcasts with their counts."""
    found = run(_listing(load(config)))
    if as_json:
        print_json([_as_data(order, counts) for order, counts in found])
    elif found:
        table = Table("No.", "Name", "Type", "Channel", "Send at", "State", "Messages")
        for order, counts in found:
            at = order.send_at.strftime("%Y-%m-%d %H:%M UTC")
            told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
            table.add_row(str(order.id), order.name, order.type, order.channel, at, order.state, told)
        out.print(table)
    else:
        out.print("No broadcasts yet. Make one with 'ringwell broadcast create'.")


@app.command()
def show(
    number: NumberArgument,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one broadcast and what became of its messages. Exit code 1 when there is none such."""
    found = run(_show(load(config), number))
    if found is None:
        out.print(f"there is no broadcast {number}")
        raise typer.Exit(1)
    if as_json:
        print_json(found)
        return
    out.print(f"broadcast {number}: {found['name']} ({found['type']}, {found['state']})")
    table = Table("Channel", "State", "Why", "Messages")
    for row in found["counts"]:
        table.add_row(row["channel"], row["state"], words.cause(row["cause"]), str(row["messages"]))
    out.print(table)


@app.command()
def cancel(
    number: NumberArgument,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel what has not been sent yet. Exit code 1 when there is no such broadcast."""
    settings = load(config)
    cancelled = run(_cancel(settings, number))
    if cancelled is None:
        out.print(f"there is no broadcast {number}")
        raise typer.Exit(1)
    if as_json:
        print_json({"broadcast": number, "cancelled": cancelled})
    else:
        out.print(f"broadcast {number}: {cancelled} messages cancelled")


async def _complete(settings: Settings, wanted: Broadcast, fax_document: Path | None) -> Broadcast:
    if fax_document is None:
        return wanted
    complete, pages = await with_document(settings, wanted, fax_document)
    console.print(f"each fax will have {pages} pages, its cover included")
    return complete


async def _preview(settings: Settings, wanted: Broadcast, fax_document: Path | None) -> list[Decision]:
    wanted = await _complete(settings, wanted, fax_document)
    async with ready_store(settings) as store:
        pages = planning.preview(store, settings.clinic.id, wanted, Rules.of(settings))
        needs = voice_lengths.needs_of(settings)
        decisions = [decision async for page in pages for decision in voice_lengths.counted(needs, page)]
        if needs.parts:
            async with voice_lengths.library(settings, store) as library:
                voice_lengths.tell(await voice_lengths.measured(library, needs), settings.voice.warn_seconds)
        return decisions


async def _create(
    settings: Settings, wanted: Broadcast, fax_document: Path | None, render: bool
) -> tuple[int, dict[str, int]]:
    clinic = settings.clinic.id
    wanted = await _complete(settings, wanted, fax_document)
    tally: Counter[str] = Counter()
    async with ready_store(settings) as store:
        number = await planning.order(store, clinic, wanted)
        size = await store.read(broadcasts.audience_size, clinic, wanted)
        pages = planning.plan(store, clinic, planning.numbered(wanted, number), Rules.of(settings))
        needs = voice_lengths.needs_of(settings)
        with progress() as bar:
            task = bar.add_task("planning", total=size, counts="")
            async for page in pages:
                decisions = voice_lengths.counted(needs, page) if render else page
                tally.update(word(decision) for decision in decisions)
                counts = ", ".join(f"{count} {word}" for word, count in tally.items())
                bar.update(task, advance=len(page), counts=counts)
        if render and needs.parts:
            async with voice_lengths.library(settings, store) as library:
                failed = await voice_lengths.rendered(settings, library, needs)
                voice_lengths.tell(await voice_lengths.measured(library, needs), settings.voice.warn_seconds)
            for reason, count in failed.items():
                console.print(f"{count} sounds cannot be rendered: {reason}", style="red", soft_wrap=True)
    return number, dict(tally)


async def _listing(settings: Settings) -> list[tuple[Broadcast, dict[State, int]]]:
    async with ready_store(settings) as store:
        return await store.read(broadcasts.listing, settings.clinic.id)


def _as_data(order: Broadcast, counts: dict[State, int]) -> dict[str, Any]:
    data = asdict(order)
    data["messages"] = {state.value: count for state, count in counts.items()}
    return data


async def _show(settings: Settings, number: int) -> dict[str, Any] | None:
    async with ready_store(settings) as store:
        found = await store.read(broadcasts.find, settings.clinic.id, number)
        if found is None:
            return None
        counts = await store.read(history.counts, settings.clinic.id, history.Filter(broadcast=number))
    data = asdict(found)
    data["counts"] = [
        {"channel": channel, "state": state.value, "cause": cause, "messages": count}
        for (_, channel, state, cause), count in sorted(counts.items(), key=str)
    ]
    return data


async def _cancel(settings: Settings, number: int) -> int | None:
    async with ready_store(settings) as store:
        return await store.run(broadcasts.cancel, settings.clinic.id, number, store.clock())
