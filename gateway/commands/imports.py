"""`ringwell import clients|appointments|staff|renewals|list FILE.csv`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway import imports
from gateway.commands.shared import (
    ConfigOption,
    JsonOption,
    checked_name,
    load,
    out,
    print_json,
    progress,
    ready_store,
    run,
)
from gateway.domain import RecipientKind
from gateway.imports import Parsed, Problem
from gateway.settings import Clinic
from store import lists, register
from store import renewals as stored_renewals
from store.people import Person

app = typer.Typer(
    help="Take clients, staff, appointments, renewals and lists from CSV files.", no_args_is_help=True
)

FileArgument = Annotated[Path, typer.Argument(help="A CSV file (UTF-8) with a first line of column names.")]


def _columns(columns: Sequence[str], required: Collection[str]) -> str:
    return f"Columns (* needed): {', '.join(f'{one}*' if one in required else one for one in columns)}."


@app.command(epilog=_columns(imports.CLIENT_COLUMNS, imports.REQUIRED))
def clients(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update clients. Exit code 1 when some rows were not taken."""
    _report(*run(_people(config, imports.read_clients, file)), as_json)


@app.command(epilog=_columns(imports.PERSON_COLUMNS, imports.REQUIRED))
def staff(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update staff. Exit code 1 when some rows were not taken."""
    _report(*run(_people(config, imports.read_staff, file)), as_json)


@app.command(epilog=_columns(imports.APPOINTMENT_COLUMNS, imports.REQUIRED_VISIT))
def appointments(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update appointments. Exit code 1 when some rows were not taken."""
    _report(*run(_visits(config, file)), as_json)


@app.command(epilog=_columns(imports.RENEWAL_COLUMNS, imports.REQUIRED_RENEWAL))
def renewals(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update authorisations and licences that fall due. Exit code 1 when some rows were not taken."""
    _report(*run(_renewals(config, file)), as_json)


@app.command("list")
def custom_list(
    file: FileArgument,
    name: Annotated[str, typer.Option("--name", help="What broadcasts call the list by.")],
    of_staff: Annotated[bool, typer.Option("--staff/--clients", help="Whose ids the file has.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a list of people; its other columns are placeholders. Exit code 1 when some rows were not taken.

    The same name again is a new list: broadcasts that were created before keep the one they have.
    """
    kind = RecipientKind.STAFF if of_staff else RecipientKind.CLIENT
    _report(*run(_list(config, file, checked_name(name), kind)), as_json)


async def _renewals(config: Path | None, file: Path) -> tuple[int, list[Problem]]:
    settings = load(config)
    parsed = imports.read_renewals(file)
    async with ready_store(settings) as store:
        with _written(len(parsed.rows)) as told:
            rows = [renewal for _, renewal in parsed.rows]
            strays = await store.run(stored_renewals.save, settings.clinic.id, rows, told, store.clock())
    unknown = {renewal.external_id for renewal in strays}
    problems = [
        Problem(line, renewal.kind.value, "is not known: import clients and staff first")
        for line, renewal in parsed.rows
        if renewal.external_id in unknown
    ]
    return len(parsed.rows) - len(problems), parsed.problems + problems


async def _list(config: Path | None, file: Path, name: str, kind: RecipientKind) -> tuple[int, list[Problem]]:
    settings = load(config)
    columns, parsed = imports.read_list(file)
    rows = [member for _, member in parsed.rows]
    if parsed.problems and not rows:
        # The list that is there stays.
        return 0, parsed.problems
    async with ready_store(settings) as store:
        with _written(len(rows)) as told:
            strays = await store.run(
                lists.save, settings.clinic.id, name, kind, columns, rows, store.clock(), told
            )
    unknown = {member.person for member in strays}
    problems = [
        Problem(line, "id", f"is not known among {kind.value}s: import them first")
        for line, member in parsed.rows
        if member.person in unknown
    ]
    return len(parsed.rows) - len(problems), parsed.problems + problems


async def _people(
    config: Path | None, read: Callable[[Path, Clinic], Parsed[Person]], file: Path
) -> tuple[int, list[Problem]]:
    settings = load(config)
    parsed = read(file, settings.clinic)
    people = [row for _, row in parsed.rows]
    async with ready_store(settings) as store:
        with _written(len(people)) as told:
            await store.run(register.save_people, settings.clinic.id, people, store.clock(), told)
    return len(parsed.rows), parsed.problems


async def _visits(config: Path | None, file: Path) -> tuple[int, list[Problem]]:
    settings = load(config)
    parsed = imports.read_appointments(file, settings.clinic)
    visits = [visit for _, visit in parsed.rows]
    async with ready_store(settings) as store:
        with _written(len(visits)) as told:
            # Without events in mails there is nothing in a calendar that would have to change.
            now = store.clock()
            mailed = now if settings.clinic.visit_minutes else None
            strays = await store.run(register.save_visits, settings.clinic.id, visits, told, mailed, now)
    unknown = {visit.external_id for visit in strays}
    problems = [
        Problem(line, "client", "the client or the staff member is not known: import them first")
        for line, visit in parsed.rows
        if visit.external_id in unknown
    ]
    return len(parsed.rows) - len(problems), parsed.problems + problems


@contextmanager
def _written(total: int) -> Iterator[register.Told]:
    """A bar of the rows that are written."""
    with progress() as bar:
        task = bar.add_task("importing", total=total, counts="")
        yield lambda count: bar.advance(task, count)


def _report(taken: int, problems: Sequence[Problem], as_json: bool) -> None:
    problems = sorted(problems, key=lambda problem: problem.line)
    if as_json:
        print_json({"imported": taken, "problems": [asdict(problem) for problem in problems]})
    else:
        for problem in problems:
            place = f"line {problem.line}" + (f", column {problem.column}" if problem.column else "")
            out.print(f"{place}: {problem.reason}", style="yellow")
        out.print(f"{taken} imported, {len(problems)} problems")
    if problems:
        raise typer.Exit(1)
