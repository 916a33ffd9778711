"""The command `ringwell`: thin; each group of commands is a module of gateway.commands."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import typer

from gateway.commands import (
    amd,
    appointments,
    asterisk,
    broadcast,
    calls,
    client,
    consent,
    console,
    demo,
    do_not_call,
    doctor,
    events,
    faxes,
    history,
    imports,
    lists,
    prompts,
    rules,
    running,
    settings,
    staff,
    stopping,
    templates,
    texts,
    voice,
    why,
)
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
app.add_typer(appointments.app, name="appointments")
app.add_typer(broadcast.app, name="broadcast")
app.add_typer(rules.app, name="rule")
app.add_typer(templates.app, name="template")
app.command("lists")(lists.show_lists)
app.add_typer(console.app, name="console")
app.add_typer(client.app, name="client")
app.add_typer(consent.app, name="consent")
app.add_typer(do_not_call.app, name="do-not-call")
app.add_typer(faxes.app, name="faxes")
app.add_typer(texts.app, name="texts")
app.add_typer(settings.app, name="settings")
app.command("calls")(calls.calls)
app.command("stop")(stopping.stop)
app.command("resume")(stopping.resume)
app.command("history")(history.history)
app.command("why")(why.why)
app.command("events")(events.events)
app.command("doctor")(doctor.doctor)
app.add_typer(asterisk.app, name="asterisk")
app.add_typer(amd.app, name="amd")
app.add_typer(prompts.app, name="prompts")
app.add_typer(staff.app, name="staff")
app.add_typer(voice.app, name="voice")


def main() -> None:
    """Run the command line; an error that somebody can act on is a line on standard error and exit code 2."""
    told: list[str] = []
    try:
        app()
    except* (RingwellError, OSError) as errors:
        # What happened in one of several tasks comes in a group.
        told = [_words(error) for error in _leaves(errors)]
    for line in told:
        terminal.print(f"ringwell: {line}", style="red", soft_wrap=True)
    if told:
        sys.exit(2)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


if __name__ == "__main__":
    main()
