"""`ringwell console token|verify-audit`."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Connection

from gateway.commands.shared import ConfigOption, JsonOption, load, out, print_json, ready_store, run
from gateway.console.door import Door, Purpose, entrance
from gateway.domain import RingwellError
from gateway.settings import Settings
from store import accounts, audit
from store.audit import Broken

app = typer.Typer(help="The web console: links to come in, and its audit log.", no_args_is_help=True)


class NoUserError(RingwellError):
    """Nobody has this login, or nobody was named."""


@app.command()
def token(
    user: Annotated[str, typer.Option("--user", help="The login of the user whom the link is for.")] = "",
    new_password: Annotated[
        bool, typer.Option("--new-password", help="By the link the user chooses another password.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a link that opens once: to make the first administrator, or to come in as a user."""
    settings = load(config)
    door = Door(settings.folder / "console")
    address = door.address() or f"http://{settings.console.host}:{settings.console.port}"
    link = entrance(address, door.issue(*run(_asked(settings, user, new_password))))
    if as_json:
        print_json({"link": link})
    else:
        out.print(link, soft_wrap=True)


async def _asked(settings: Settings, login: str, new_password: bool) -> tuple[Purpose, int]:
    async with ready_store(settings) as store:
        return await store.read(_purpose, settings.clinic.id, login, new_password)


def _purpose(conn: Connection, clinic: int, login: str, new_password: bool) -> tuple[Purpose, int]:
    if not login:
        if accounts.accounts(conn, clinic):
            raise NoUserError("there are users already: name the one who is to come in with --user LOGIN")
        return Purpose.FIRST, 0
    found = accounts.by_login(conn, clinic, login)
    if found is None:
        raise NoUserError("no user has this login")
    return (Purpose.PASSWORD if new_password else Purpose.ENTER), found.id


@app.command()
def verify_audit(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Look whether a line of the audit log was changed or removed; ends with 1 where one was."""
    settings = load(config)
    count, broken = run(_verified(settings))
    if as_json:
        print_json({"lines": count, "broken": broken and {"line": broken.id, "why": broken.why}})
    elif broken is None:
        out.print(f"The audit log is whole: {count:,} lines, none changed, none missing.")
    else:
        out.print(f"The audit log is broken: line {broken.id} {_HOW[broken.why]}.")
    if broken is not None:
        raise typer.Exit(1)


_HOW = {
    "missing": "is missing",
    "changed": "was changed",
    "out of order": "does not follow the one before",
}


async def _verified(settings: Settings) -> tuple[int, Broken | None]:
    async with ready_store(settings) as store:
        return await store.read(audit.verify, settings.clinic.id)
