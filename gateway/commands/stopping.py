"""`ringwell stop` and `resume`: nothing more leaves the building, until somebody says so."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands.shared import ConfigOption, load, out, ready_store, run
from gateway.domain import Channel
from store import stops

ChannelOption = Annotated[Channel | None, typer.Option(help="Only this channel; all of them without it.")]
WhoOption = Annotated[str, typer.Option("--by", help="Who decides it; you, unless somebody else is named.")]


def stop(
    reason: Annotated[str, typer.Option("--reason", help="Why; shown to everybody who wonders.")],
    config: ConfigOption = None,
    channel: ChannelOption = None,
    hang_up: Annotated[bool, typer.Option("--hang-up", help="End the calls that are up, too.")] = False,
    by: WhoOption = "",
) -> None:
    """Stop all calls, texts, emails and faxes within a second; what is due waits for 'ringwell resume'."""
    if not reason.strip():
        raise typer.BadParameter("say why: somebody will wonder", param_hint="--reason")
    run(_stop(config, channel, reason.strip(), by or getpass.getuser(), hang_up))
    what = channel.value if channel else "everything"
    running = "calls that are up are ended" if hang_up else "calls that are up may end by themselves"
    out.print(f"Stopped: {what}; {running}. 'ringwell resume' lets it go on.")


async def _stop(config: Path | None, channel: Channel | None, reason: str, by: str, hang_up: bool) -> None:
    settings = load(config)
    async with ready_store(settings) as store:
        now = store.clock()
        await store.run(stops.order, settings.clinic.id, channel, reason, by, hang_up, now)


def resume(config: ConfigOption = None, channel: ChannelOption = None, by: WhoOption = "") -> None:
    """Let what was stopped go on: messages that still may go are sent, others expire."""
    lifted, left = run(_resume(config, channel, by or getpass.getuser()))
    if lifted:
        out.print("Going on.")
    elif not left:
        out.print("Nothing is stopped.")
    for stop in left:
        what = stop.channel.value if stop.channel else "everything"
        out.print(f"Still stopped: {what}, by {stop.by}: {stop.reason}")


async def _resume(config: Path | None, channel: Channel | None, by: str) -> tuple[int, list[stops.Stop]]:
    settings = load(config)
    async with ready_store(settings) as store:
        lifted = await store.run(stops.lift, settings.clinic.id, channel, by, store.clock())
        return lifted, await store.read(stops.current, settings.clinic.id)
