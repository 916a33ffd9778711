"""`ringwell doctor`: looks at everything a message needs, and says what to do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway.commands.shared import ConfigOption, JsonOption, load, out, print_json, run, table_of
from gateway.doctor import Finding, examine


def doctor(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="Time limit of each look.")] = 10.0,
) -> None:
    """Check store, exchange, clock, disk, voice and lines. Exit code 1 when something needs care."""
    findings = run(examine(load(config), seconds))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        out.print(_table(findings))
    if any(not finding.well for finding in findings):
        raise typer.Exit(1)


def _table(findings: list[Finding]) -> Table:
    table = table_of("Part", "", "Found", "What to do")
    for finding in findings:
        mark = Text("ok", "green") if finding.well else Text("look", "red")
        table.add_row(finding.part, mark, finding.found, finding.advice)
    return table
