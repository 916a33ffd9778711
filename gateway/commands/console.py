"""`ringwell console token`."""

from __future__ import annotations

import typer

from gateway.commands.shared import ConfigOption, JsonOption, load, out, print_json
from gateway.console.door import Door, entrance

app = typer.Typer(help="The web console.", no_args_is_help=True)


@app.command()
def token(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print a link that opens the console once; the gateway may be running."""
    settings = load(config)
    door = Door(settings.folder / "console")
    address = door.address() or f"http://{settings.console.host}:{settings.console.port}"
    link = entrance(address, door.issue())
    if as_json:
        print_json({"link": link})
    else:
        out.print(link, soft_wrap=True)


@app.callback()
def _group() -> None:
    """Keeps `token` a command of its own group."""
