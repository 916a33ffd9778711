"""The command `ringwell`: thin; each group of commands is a module of gateway.commands."""

from __future__ import annotations

import sys

import typer

from gateway.commands import asterisk, broadcast, console, demo, doctor, history, imports, running
from gateway.commands.shared import console as terminal
from gateway.domain import RingwellError

app = typer.Typer(
    help="Ringwell tells a clinic's clients and staff what they need to know, by phone, text, email and fax.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("run")(running.run)
app.command("migrate")(running.migrate_store)
app.command("demo")(demo.demo)
app.add_typer(imports.app, name="import")
app.add_typer(broadcast.app, name="broadcast")
app.add_typer(console.app, name="console")
app.command("history")(history.history)
app.command("doctor")(doctor.doctor)
app.add_typer(asterisk.app, name="asterisk")


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and exit code 2."""
    try:
        app()
    except RingwellError as error:
        terminal.print(f"ringwell: {error}", style="red", markup=False, highlight=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
