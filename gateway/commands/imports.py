"""`ringwell import clients|appointments|staff|renewals|list FILE.csv`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway import importing, imports
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
from gateway.importing import Kind
from gateway.imports import Problem
from store import register

app = typer.Typer(
    help="Take clients, staff, appointments, renewals and lists from CSV files.", no_args_is_help=True
)

FileArgument = Annotated[Path, typer.Argument(help="A CSV file (UTF-8) with a first line of column names.")]


def _columns(columns: Sequence[str], required: Collection[str]) -> str:
    return f"Columns (* needed): {', '.join(f'{one}*' if one in required else one for one in columns)}."


@app.command(epilog=_columns(imports.CLIENT_COLUMNS, imports.REQUIRED))
def clients(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update clients. Exit code 1 when some rows were not taken."""
    _report(*run(_import(config, Kind.CLIENTS, file)), as_json)


@app.command(epilog=_columns(imports.PERSON_COLUMNS, imports.REQUIRED))
def staff(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update staff. Exit code 1 when some rows were not taken."""
    _report(*run(_import(config, Kind.STAFF, file)), as_json)


@app.command(epilog=_columns(imports.APPOINTMENT_COLUMNS, imports.REQUIRED_VISIT))
def appointments(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update appointments. Exit code 1 when some rows were not taken."""
    _report(*run(_import(config, Kind.APPOINTMENTS, file)), as_json)


@app.command(epilog=_columns(imports.RENEWAL_COLUMNS, imports.REQUIRED_RENEWAL))
def renewals(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update authorisations and licences that fall due. Exit code 1 when some rows were not taken."""
    _report(*run(_import(config, Kind.RENEWALS, file)), as_json)


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
    _report(*run(_import(config, Kind.LIST, file, checked_name(name), kind)), as_json)


async def _import(
    config: Path | None,
    kind: Kind,
    file: Path,
    name: str = "",
    of: RecipientKind = RecipientKind.CLIENT,
) -> tuple[int, list[Problem]]:
    settings = load(config)
    clinic = settings.clinic
    reading = importing.read(kind, file, clinic, None, name, of)
    good = reading.parsed.rows
    async with ready_store(settings) as store:
        with _written(len(good)) as told:
            now = store.clock()
            strays = await store.run(importing.write, clinic.id, reading, clinic.visit_minutes, now, told)
    return len(good) - len(strays), reading.parsed.problems + strays


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
