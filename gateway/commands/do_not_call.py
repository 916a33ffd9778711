"""`ringwell do-not-call add|remove|list`: numbers and mailboxes that nobody may be reached at."""

from __future__ import annotations

import getpass
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from gateway import consents
from gateway.commands.shared import (
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
from gateway.consents import ConsentError
from gateway.console.words import mask
from gateway.in_force import in_force
from gateway.policy import Rules
from gateway.policy.consent import binding_since
from gateway.settings import Settings
from store import ledger
from store.ledger import Listed

app = typer.Typer(
    help="Numbers that nobody may be reached at, whoever has them; kept for years.", no_args_is_help=True
)

Numbers = Annotated[list[str] | None, typer.Argument(metavar="[NUMBER]...", help="Numbers or mailboxes.")]
FileOption = Annotated[Path | None, typer.Option("--file", help="More of them, one a line.")]
BadOption = Annotated[
    Path | None, typer.Option("--bad-lines", help="Where to write lines that were not taken; a new file.")
]
ByOption = Annotated[str, typer.Option("--by", help="Who decides it; you, unless somebody else is named.")]


@dataclass(frozen=True, slots=True)
class Written:
    """A number as somebody wrote it, and where: a line of the file, or on the command line."""

    text: str
    line: int | None = None

    @property
    def place(self) -> str:
        """For people."""
        return f"line {self.line}" if self.line else "on the command line"


@app.command()
def add(
    numbers: Numbers = None,
    config: ConfigOption = None,
    file: FileOption = None,
    bad_lines: BadOption = None,
    by: ByOption = "",
) -> None:
    """Put numbers on the list: nothing goes to them any more, at once. Exit code 1 when some are none."""
    _change(config, _written(numbers, file), True, by, bad_lines)


@app.command()
def remove(
    numbers: Numbers = None,
    config: ConfigOption = None,
    file: FileOption = None,
    bad_lines: BadOption = None,
    by: ByOption = "",
) -> None:
    """Take numbers off the list. Exit code 1 when some are none."""
    _change(config, _written(numbers, file), False, by, bad_lines)


def _written(numbers: list[str] | None, file: Path | None) -> list[Written]:
    lines = file.read_text(encoding="utf-8-sig").splitlines() if file else []
    every = [*map(Written, numbers or ()), *(Written(line, number) for number, line in enumerate(lines, 1))]
    written = [one for one in every if one.text.strip()]
    if not written:
        raise typer.BadParameter("name a number, or a --file of them")
    return written


def _change(config: Path | None, written: list[Written], on: bool, by: str, bad_lines: Path | None) -> None:
    settings = load(config)
    addresses, bad = _read(written, settings)
    if bad and bad_lines is not None:
        # Before anything is changed: a name that is taken is an error.
        with open(os.open(bad_lines, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as kept:
            kept.writelines(f"{one.text}\n" for one, _ in bad)
    count = run(_changed(settings, addresses, on, by or getpass.getuser()))
    for one, reason in bad:
        out.print(f"{one.place}: {reason}", style="yellow", soft_wrap=True)
    same = len(addresses) - count
    done = "added to the do-not-call list" if on else "taken off the do-not-call list"
    rest = [f"{same} {'already' if on else 'not'} on it"] * bool(same)
    rest += [f"{len(bad)} not taken" + (f", they are in {bad_lines}" if bad_lines else "")] * bool(bad)
    out.print("; ".join((f"{count} {done}", *rest)), soft_wrap=True)
    if bad:
        raise typer.Exit(1)


def _read(written: list[Written], settings: Settings) -> tuple[list[str], list[tuple[Written, str]]]:
    """The addresses, and what is wrong with what is none."""
    addresses, bad = [], []
    for one in written:
        try:
            addresses.append(consents.address_of(one.text, settings.clinic.country))
        except ConsentError as error:
            bad.append((one, str(error)))
    return addresses, bad


async def _changed(settings: Settings, addresses: list[str], on: bool, by: str) -> int:
    async with ready_store(settings) as store:
        now = store.clock()
        since = binding_since(now, Rules.of(await in_force(store, settings)))
        changed = 0
        for first in range(0, len(addresses), consents.CHUNK):
            chunk = addresses[first : first + consents.CHUNK]
            changed += await store.run(ledger.do_not_call, settings.clinic.id, chunk, on, by, since, now)
        return changed


@app.command("list")
def listing(
    config: ConfigOption = None,
    whole: Annotated[bool, typer.Option("--whole", help="With whole numbers.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the list, without what is older than [policy.consent] do_not_call_years and binds no longer."""
    settings = load(config)
    found = run(_listed(settings))
    shown = [asdict(one) | {"address": one.address if whole else mask(one.address)} for one in found]
    if as_json:
        print_json(shown)
    elif shown:
        table = table_of("Address", "Since", "By")
        for one, row in zip(found, shown, strict=True):
            table.add_row(str(row["address"]), local(one.at, settings), one.by)
        out.print(table)
    else:
        out.print("Nobody is on the do-not-call list.")


async def _listed(settings: Settings) -> list[Listed]:
    async with ready_store(settings) as store:
        since = binding_since(store.clock(), Rules.of(await in_force(store, settings)))
        return await store.read(ledger.listed, settings.clinic.id, since)
