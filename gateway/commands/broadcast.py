"""`ringwell broadcast plan|create|list|show|cancel`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import broadcast as planning
from gateway.commands import voice_lengths
from gateway.commands.broadcast_options import AttachOption, OrderedOnce, with_options
from gateway.commands.broadcast_order import describe, named, told_steps
from gateway.commands.broadcast_view import (
    Line,
    line_of,
    plan_table,
    segments_told,
    stops_told,
    tally_of,
    without_steps,
    word,
)
from gateway.commands.fax_document import with_document
from gateway.commands.mail_files import with_files
from gateway.commands.shared import (
    MOST,
    ConfigOption,
    JsonOption,
    console,
    load,
    local,
    out,
    print_json,
    progress,
    ready_store,
    run,
    table_of,
)
from gateway.console import words
from gateway.documents.tiff import line_seconds
from gateway.domain import Broadcast, Channel, State
from gateway.domain.message_types import TYPES, Audience
from gateway.in_force import in_force
from gateway.ordering import Named, completed
from gateway.policy import Rules
from gateway.settings import Settings
from gateway.wording.remarks import remarks
from store import broadcasts, history, people, stops
from store.stops import Stop

NOBODY = {
    Audience.APPOINTMENTS: "Nobody: there is no such appointment. Import some with "
    "'ringwell import appointments'.",
    Audience.RENEWALS: "Nobody: no renewal is due then. Import some with 'ringwell import renewals'.",
    Audience.BIRTHDAYS: "Nobody has a birthday then; birth dates come with 'ringwell import clients'.",
    Audience.LIST: "Nobody is on this list.",
    Audience.EVERYBODY: "Nobody is there. Import them with 'ringwell import clients' or 'staff'.",
}
app = typer.Typer(help="Plan, create, look at and cancel broadcasts.", no_args_is_help=True)


NumberArgument = Annotated[int, typer.Argument(min=1, max=MOST, help="The broadcast's number.")]
RenderOption = Annotated[
    bool,
    typer.Option("--render/--no-render", help="Render what calls need now, or leave it to the gateway."),
]


@app.command()
@with_options
def plan(options: OrderedOnce, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show each recipient with the decision and its reason; nothing is written or sent."""
    settings = load(config)
    wanted = describe(settings, "plan", options)
    lines, held = run(_preview(settings, wanted, options.fax_document, named(options)))
    if as_json:
        print_json([asdict(line) for line in lines])
    elif lines:
        out.print(plan_table(lines, settings))
        out.print(", ".join(f"{count} {word}" for word, count in tally_of(lines).items()))
        for told in (segments_told(lines), without_steps(wanted, lines)):
            if told:
                out.print(told)
        for told in stops_told(held, {line.channel for line in lines}, settings):
            out.print(told, soft_wrap=True)
    else:
        out.print(NOBODY[TYPES[options.type].audience])


@app.command()
@with_options
def create(
    name: Annotated[str, typer.Argument(help="A name to find the broadcast by.")],
    options: OrderedOnce,
    attach: AttachOption = None,
    render: RenderOption = True,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a broadcast down; the running gateway sends it at its time."""
    settings = load(config)
    wanted = describe(settings, name, options)
    number, tally = run(_create(settings, wanted, options.fax_document, attach or (), render, named(options)))
    if as_json:
        print_json({"broadcast": number, "messages": tally})
    else:
        counts = ", ".join(f"{count} {word}" for word, count in tally.items()) or "no recipients"
        out.print(f"broadcast {number}: {counts}")


@app.command("list")
def list_broadcasts(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show all broadcasts with their counts."""
    settings = load(config)
    found = run(_listing(settings))
    if as_json:
        print_json([_as_data(order, counts) for order, counts in found])
    elif found:
        table = table_of("No.", "Name", "Type", "Channel", "Send at", "State", "Messages")
        for order, counts in found:
            at = local(order.send_at, settings)
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
    steps = bool(found["cascade"])
    if steps:
        out.print(found["steps"])
    table = table_of(*(["Step"] * steps), "Channel", "State", "Why", "Messages")
    for row in found["counts"]:
        line = (row["channel"], row["state"], words.cause(row["cause"]), str(row["messages"]))
        table.add_row(*([str(row["step"] + 1)] * steps), *line)
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


def _remark(settings: Settings, wanted: Broadcast) -> None:
    """What the writer of the texts for calls should know."""
    channels = {wanted.channel, *(step.channel for step in wanted.cascade)}
    if Channel.VOICE in channels or wanted.only_preference:
        agreed = settings.voice.machine_details
        for remark in remarks(wanted.templates, wanted.broadcast_class, agreed):
            console.print(remark, style="yellow", soft_wrap=True)


async def enclosing(
    settings: Settings, wanted: Broadcast, fax_document: Path | None, attach: Sequence[Path] = ()
) -> Broadcast:
    """The broadcast with what its faxes and mails carry, kept with the gateway."""
    wanted = await asyncio.to_thread(with_files, settings, wanted, attach)
    if fax_document is None:
        return wanted
    complete, image = await with_document(settings, wanted, fax_document)
    long = f"about {line_seconds(image.tiff) / 60:.1f} minutes"
    console.print(f"each fax will have {image.pages} pages, its cover included, and take {long}")
    return complete


async def _preview(
    settings: Settings, wanted: Broadcast, fax_document: Path | None, named: Named
) -> tuple[list[Line], list[Stop]]:
    """What is printed, a line for each: the facts of a page are gone when the next is judged.

    Also the stops that hold.
    """
    async with ready_store(settings) as store:
        settings = await in_force(store, settings)
        wanted = await completed(store, settings, wanted, named)
        _remark(settings, wanted)
        wanted = await enclosing(settings, wanted, fax_document)
        pages = planning.preview(store, settings.clinic.id, wanted, Rules.of(settings))
        needs, held = voice_lengths.needs_of(settings), await store.read(stops.current, settings.clinic.id)
        lines = [
            line_of(decision, settings, held)
            async for page in pages
            for decision in voice_lengths.counted(needs, page)
        ]
        if needs.parts:
            async with voice_lengths.library(settings, store) as library:
                voice_lengths.tell(await voice_lengths.measured(library, needs), settings.voice.warn_seconds)
        who = {line.recipient for line in lines}
        ids = await store.read(people.external_ids, settings.clinic.id, who)
        return [replace(line, client=ids.get(line.recipient, "")) for line in lines], held


async def _create(
    settings: Settings,
    wanted: Broadcast,
    fax_document: Path | None,
    attach: Sequence[Path],
    render: bool,
    named: Named,
) -> tuple[int, dict[str, int]]:
    clinic = settings.clinic.id
    tally: Counter[str] = Counter()
    async with ready_store(settings) as store:
        settings = await in_force(store, settings)
        wanted = await completed(store, settings, wanted, named)
        _remark(settings, wanted)
        wanted = await enclosing(settings, wanted, fax_document, attach)
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
                bar.update(task, advance=sum(not decision.step for decision in page), counts=counts)
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
        counts = await store.read(history.counts_by_step, settings.clinic.id, number)
    data = asdict(found)
    data["steps"] = told_steps(found)
    data["counts"] = [
        {"step": step, "channel": channel, "state": state.value, "cause": cause, "messages": count}
        for (step, channel, state, cause), count in sorted(counts.items(), key=str)
    ]
    return data


async def _cancel(settings: Settings, number: int) -> int | None:
    async with ready_store(settings) as store:
        return await store.run(broadcasts.cancel, settings.clinic.id, number, store.clock())
