"""`ringwell import clients|appointments|staff FILE.csv`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gateway import imports
from gateway.commands.shared import (
    ConfigOption,
    JsonOption,
    load,
    out,
    print_json,
    progress,
    ready_store,
    run,
)
from gateway.imports import Parsed, Problem
from gateway.settings import Clinic
from store import register
from store.people import Person

app = typer.Typer(help="Take clients, staff and appointments from CSV files.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(help="A CSV file (UTF-8) with a first line of column names.")]


@app.command()
def clients(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update clients. Exit code 1 when some rows were not taken."""
    _report(*run(_people(config, imports.read_clients, file)), as_json)


@app.command()
def staff(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update staff. Exit code 1 when some rows were not taken."""
    _report(*run(_people(config, imports.read_staff, file)), as_json)


@app.command()
def appointments(file: FileArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Add or update appointments. Exit code 1 when some rows were not taken."""
    _report(*run(_visits(config, file)), as_json)


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
            strays = await store.run(register.save_visits, settings.clinic.id, visits, told)
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
