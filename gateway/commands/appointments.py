"""`ringwell appointments list|restore`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

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
from gateway.settings import Settings
from store import visits
from store.visits import Answered

app = typer.Typer(help="See what patients answered about their appointments.", no_args_is_help=True)


class Answer(StrEnum):
    """What a patient said of an appointment."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    NONE = "none"


@app.command("list")
def list_appointments(
    answer: Annotated[Answer | None, typer.Option(help="Only those whose patients said this.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days from now.")] = 14,
    most: Annotated[int, typer.Option(min=1, max=MOST, help="How many appointments.")] = 1000,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Appointments to come, with the answer of each patient. A cancelled one waits for somebody to act."""
    settings = load(config)
    found = run(_listing(settings, days, most))
    found = [one for one in found if answer is None or said(one) is answer]
    if as_json:
        print_json([asdict(one) | {"answer": said(one).value} for one in found])
    elif found:
        out.print(_table(found, settings))
    else:
        out.print("No such appointments.")


@app.command()
def restore(
    appointment: Annotated[str, typer.Argument(help="The appointment's id in your practice system.")],
    config: ConfigOption = None,
) -> None:
    """An appointment that its patient cancelled stands again. Exit code 1 when there is none such."""
    if not run(_restored(config, appointment)):
        out.print("there is no such appointment that its patient cancelled")
        raise typer.Exit(1)
    out.print("the appointment stands again, and so do those of its messages that had not been sent")


def said(one: Answered) -> Answer:
    """The newest word of the patient."""
    if one.cancelled_at is not None:
        return Answer.CANCELLED
    return Answer.NONE if one.confirmed_at is None else Answer.CONFIRMED


async def _listing(settings: Settings, days: int, most: int) -> list[Answered]:
    now = datetime.now(UTC)
    async with ready_store(settings) as store:
        return await store.read(visits.listing, settings.clinic.id, now, now + timedelta(days=days), most)


async def _restored(config: Path | None, appointment: str) -> bool:
    settings = load(config)
    async with ready_store(settings) as store:
        return await store.run(visits.restore, settings.clinic.id, appointment, store.clock())


def _table(found: list[Answered], settings: Settings) -> Table:
    table = table_of("Appointment", "Client", "Name", "Begins", "Status", "Answer", "At")
    for one in found:
        at = one.cancelled_at or one.confirmed_at
        table.add_row(
            one.external_id,
            one.client,
            one.name,
            local(one.starts_at, settings),
            one.status,
            said(one).value if at else "",
            local(at, settings) if at else "",
        )
    return table
