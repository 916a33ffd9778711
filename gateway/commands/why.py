"""`ringwell why`: why, or why not, for one client and message."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from gateway.commands.shared import MOST, ConfigOption, JsonOption, load, out, print_json, ready_store, run
from gateway.console.explaining import Told
from gateway.console.phrases import Phrases
from gateway.in_force import in_force
from gateway.policy import Rules
from gateway.why import why as ask

ClientArgument = Annotated[str, typer.Argument(help="The client's id in the practice system, or our number.")]


class Language(StrEnum):
    """What verdicts are told in."""

    ENGLISH = "en"
    SPANISH = "es"


def why(
    client: ClientArgument,
    message: Annotated[int | None, typer.Option(min=1, max=MOST, help="Only this message.")] = None,
    language: Annotated[Language, typer.Option("--language", help="Of the words.")] = Language.ENGLISH,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show why a client gets messages or not: what holds now, and every verdict on their messages."""
    told = run(_asked(config, client, message, language))
    found = told.as_data()
    if as_json:
        print_json(found)
        return
    for line in _lines(found, told.zone, told.phrases):
        out.print(line, soft_wrap=True)


async def _asked(config: Path | None, client: str, message: int | None, language: Language) -> Told:
    settings = load(config)
    async with ready_store(settings) as store:
        settings = await in_force(store, settings)
        found = await ask(store, settings.clinic.id, Rules.of(settings), client, message)
    return Told(found, settings, language.value)


def _lines(found: dict[str, Any], zone: ZoneInfo, say: Phrases) -> Iterator[str]:
    who = found["client"]
    kind = say.kinds.get(who["kind"], who["kind"])
    wish = who["preferred"] and say.prefers.format(channel=say.channels[who["preferred"]].lower())
    yield say.person.format_map({**who, "kind": kind}) + (wish or "")
    yield say.now_heading
    for one in found["now"]:
        yield f"  {say.channels[one['channel']]}: {_verdict(one)}"
    for message in found["messages"]:
        yield ""
        yield from _message(message, zone, say)
    yield say.times.format(zone=zone.key) if found["messages"] else say.no_messages


def _message(message: dict[str, Any], zone: ZoneInfo, say: Phrases) -> Iterator[str]:
    channel = say.channels.get(message["channel"], message["channel"])
    of = say.of_broadcast.format_map(message) if message["broadcast"] else ""
    state = say.states.get(message["state"], message["state"])
    told = f": {message['words']}" if message["words"] else ""
    yield say.message.format(id=message["id"], channel=channel, of=of, state=state) + told
    for step in message["verdicts"]:
        yield from (f"    {say.in_between}: {change['words']}" for change in step["changed"])
        at = f"{step['at'].astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
        yield f"  {at}  {_phase(step, say)}: {_verdict(step)}"
    yield from (f"    {say.since_then}: {change['words']}" for change in message["changed_since"])
    if message["now"]:
        yield f"  {say.now}: {_verdict(message['now'])}"
    if not message["verdicts"]:
        yield f"  {say.no_verdict}"


def _phase(step: dict[str, Any], say: Phrases) -> str:
    if step["attempt"]:
        return say.attempt.format_map(step)
    return say.planned if step["phase"] == "plan" else say.before_sending


def _verdict(one: dict[str, Any]) -> str:
    return f"{one['words']} ({one['rests_on']})" if one["rests_on"] else str(one["words"])
