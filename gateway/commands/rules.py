"""`ringwell rule add|list|show|enable|disable|preview|delete`."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import time, timedelta
from typing import Annotated

import typer

from gateway import schedule
from gateway.commands.broadcast import enclosing
from gateway.commands.broadcast_options import AttachOption, Ordered, with_options
from gateway.commands.broadcast_order import describe
from gateway.commands.rule_preview import Coming, coming, preview_table
from gateway.commands.shared import (
    ConfigOption,
    JsonOption,
    checked_name,
    load,
    out,
    print_json,
    ready_store,
    run,
    table_of,
)
from gateway.in_force import in_force
from gateway.ordering import BroadcastError, Named, check_schedule, completed, rule_of
from gateway.schedule import Every, Schedule
from gateway.settings import Settings
from store import rules
from store.engine import Store
from store.rules import Rule

app = typer.Typer(help="Broadcasts that plan by themselves.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The rule's name.")]
CancelOption = Annotated[
    bool, typer.Option("--cancel-planned", help="Cancel what it has planned and not sent yet, too.")
]


@app.command()
@with_options
def add(
    name: NameArgument,
    options: Ordered,
    before: Annotated[
        list[str] | None,
        typer.Option("--before", metavar="OFFSETS", help="7d,2d@10:00,3h: each a reminder, longest first."),
    ] = None,
    every: Annotated[Every | None, typer.Option("--every", help="Instead of --before: how often.")] = None,
    on: Annotated[
        str, typer.Option("--on", help="A weekday (mon), a day of the month (31: the last), or a date.")
    ] = "",
    at: Annotated[str, typer.Option("--at", help="Time of day, with --every.")] = "10:00",
    first: Annotated[
        int, typer.Option("--from-days", help="With --every: its days begin so many days later.")
    ] = 0,
    span: Annotated[int, typer.Option("--days", help="With --every: how many days it is about.")] = 1,
    business_days: Annotated[
        bool,
        typer.Option("--business-days", help="Nothing on weekends and holidays: the business day before."),
    ] = False,
    attach: AttachOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a rule down; the running gateway plans its broadcasts ahead of their time."""
    settings = load(config)
    kept = Schedule(
        offsets=schedule.parse_offsets(before or ()),
        every=every,
        on=on,
        clock=_clock(at),
        business_days=business_days,
        first=first,
        span=span,
    )
    check_schedule(kept, options.type)
    wanted = describe(settings, checked_name(name), options)

    async def work() -> int | None:
        async with ready_store(settings) as store:
            order = await completed(store, settings, wanted, Named(options.template, options.list_name))
            order = await enclosing(settings, order, options.fax_document, attach or ())
            rule = rule_of(order, kept, options.list_name, getpass.getuser())
            return await store.run(rules.add, settings.clinic.id, rule, store.clock())

    number = run(work())
    if number is None:
        raise BroadcastError(f"there is a rule {name!r} already: delete it, or choose another name")
    if as_json:
        print_json({"rule": number})
    else:
        out.print(f"rule {number}: {name}, {schedule.told(kept)}")


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError as error:
        raise BroadcastError(f"--at {text[:10]}: write a time of day such as 09:30") from error


@app.command("list")
def list_rules(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the rules."""
    settings = load(config)

    async def work() -> list[Rule]:
        async with ready_store(settings) as store:
            return await store.read(rules.listing, settings.clinic.id)

    found = run(work())
    if as_json:
        print_json([asdict(one) for one in found])
    elif found:
        table = table_of("Name", "Type", "Channel", "When", "State", "By")
        for one in found:
            state = "enabled" if one.enabled else "disabled"
            table.add_row(one.name, one.type, one.channel, _told(one), state, one.by)
        out.print(table)
    else:
        out.print("No rules yet. Make one with 'ringwell rule add'.")


def _told(rule: Rule) -> str:
    return schedule.told(schedule.read(rule.schedule))


@app.command()
def show(name: NameArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show a rule and the days of the last month that it planned, or found stale."""
    settings = load(config)

    async def work() -> tuple[Rule, list[rules.Occurrence]]:
        async with ready_store(settings) as store:
            rule = await _found(store, settings, name)
            since = (store.clock() - timedelta(days=31)).date()
            return rule, await store.read(rules.occurrences, settings.clinic.id, rule.id, since)

    rule, days = run(work())
    if as_json:
        print_json(asdict(rule) | {"occurrences": [asdict(day) for day in days]})
        return
    state = "enabled" if rule.enabled else "disabled"
    out.print(f"rule {rule.id}: {rule.name} ({rule.type}, {rule.channel}), {_told(rule)}, {state}")
    table = table_of("Day", "Step", "State", "Broadcast")
    for day in days:
        table.add_row(str(day.day), str(day.step + 1), day.state, str(day.broadcast or ""))
    out.print(table)


@app.command()
def enable(name: NameArgument, config: ConfigOption = None) -> None:
    """Let a rule plan again."""
    settings = load(config)
    run(_switch(settings, name, True, False))
    out.print(f"rule {name}: enabled")


@app.command()
def disable(name: NameArgument, cancel: CancelOption = False, config: ConfigOption = None) -> None:
    """Keep a rule from planning; what it has planned still goes, unless it is cancelled too."""
    settings = load(config)
    gone = run(_switch(settings, name, False, cancel))
    out.print(f"rule {name}: disabled, {gone} messages cancelled")


@app.command()
def delete(name: NameArgument, cancel: CancelOption = False, config: ConfigOption = None) -> None:
    """Remove a rule; what it has planned still goes, unless it is cancelled too."""
    settings = load(config)

    async def work() -> int:
        gone = await _switch(settings, name, False, cancel)
        async with ready_store(settings) as store:
            rule = await _found(store, settings, name)
            await store.run(rules.delete, settings.clinic.id, rule.id, store.clock())
        return gone

    out.print(f"rule {name}: deleted, {run(work())} messages cancelled")


async def _switch(settings: Settings, name: str, enabled: bool, cancel: bool) -> int:
    """Returns how many messages were cancelled."""
    clinic, gone = settings.clinic.id, 0
    async with ready_store(settings) as store:
        rule = await _found(store, settings, name)
        await store.run(rules.switch, clinic, rule.id, enabled)
        if cancel:
            gone = await store.run(rules.cancel_planned, clinic, rule.id, store.clock())
    return gone


@app.command()
def preview(name: NameArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show the days that a rule will plan next: when each step goes, and for how many, all as of now."""
    settings = load(config)

    async def work() -> list[Coming]:
        async with ready_store(settings) as store:
            rule = await _found(store, settings, name)
            return await coming(store, await in_force(store, settings), rule)

    found = run(work())
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        out.print(preview_table(found, settings))


async def _found(store: Store, settings: Settings, name: str) -> Rule:
    rule = await store.read(rules.find, settings.clinic.id, name)
    if rule is None:
        raise BroadcastError(f"there is no rule {name!r}: see 'ringwell rule list'")
    return rule
