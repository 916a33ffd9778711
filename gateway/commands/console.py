"""`ringwell console token`."""

from __future__ import annotations

import typer

from gateway.commands.shared import ConfigOption, load, out
from gateway.console.door import Door, entrance

app = typer.Typer(help="The web console.", no_args_is_help=True)


@app.command()
def token(config: ConfigOption = None) -> None:
    """Print a link that opens the console once; the gateway may be running."""
    settings = load(config)
    door = Door(settings.folder / "console")
    address = door.address() or f"http://{settings.console.host}:{settings.console.port}"
    out.print(entrance(address, door.issue()), soft_wrap=True)


@app.callback()
def _group() -> None:
    """Keeps `token` a command of its own group."""
