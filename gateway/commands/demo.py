"""`ringwell demo` and `ringwell town`: the rehearsal world."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.table import Table

from gateway.accounts.making import make_first
from gateway.commands.shared import console, out, run, table_of, to_json
from gateway.console import words
from gateway.console.door import Door, Purpose, entrance
from store.engine import Store

if TYPE_CHECKING:
    from gateway.demo.rehearsal import Rehearsal
    from gateway.demo.report import Report


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit when everything is settled.")] = False,
    report: Annotated[Path | None, typer.Option("--report", help="Write the report here (JSON).")] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Keep everything here (default: removed at the end).")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Chooses names and the town's moods.")] = 1,
) -> None:
    """Rehearse a clinic's broadcasts against a town on this machine, and compare both ledgers.

    Exit code 1 when anything was lost, doubled, wrongly sent, misreported or is unknown.
    """
    if report is not None and not report.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {report.parent}", param_hint="--report")
    kept = folder or Path(tempfile.mkdtemp(prefix="ringwell-demo-"))
    kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        found = run(_rehearse(kept.absolute(), seed, once, report))
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    finally:
        if folder is None:
            shutil.rmtree(kept, ignore_errors=True)
    if any(found.agreement.counts.values()):
        raise typer.Exit(1)


async def _rehearse(folder: Path, seed: int, once: bool, file: Path | None) -> Report:
    from gateway.demo.run import demo as rehearse

    # Whoever ends the demo ends its town and its clinic as well.
    whole = asyncio.current_task()
    assert whole is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, whole.cancel)
    live = Live(console=console, refresh_per_second=4, transient=True)

    def progress(stage: str, counts: Counter[str], total: int) -> None:
        live.update(_board(stage, counts, total))

    async def finish(found: Report, held: Rehearsal) -> None:
        live.stop()
        versions = await held.versions()
        if file is not None:
            data = json.dumps(found.as_data(versions), default=to_json, ensure_ascii=False, indent=2)
            await asyncio.to_thread(file.write_text, data + "\n")
        _show(found, versions)
        if not once:
            await _stay(held)

    with live:
        return await rehearse(folder, seed, not once, progress, finish)


def _board(stage: str, counts: Counter[str], total: int) -> Table:
    table = Table(title=f"{stage}: {total} messages" if total else f"{stage} …", show_header=bool(counts))
    if counts:
        table.add_column("Channel")
        table.add_column("State")
        table.add_column("Messages", justify="right")
    for key, count in sorted(counts.items()):
        channel, _, state = key.partition(" ")
        table.add_row(channel, state, str(count))
    return table


def _show(found: Report, versions: dict[str, str]) -> None:
    outcomes = Counter(
        (message["channel"], message["state"], words.cause(message["cause"] or message["reason"]))
        for message in found.messages
    )
    table = table_of("Channel", "State", "Why", "Messages", title="What the gateway says")
    for (channel, state, why), count in sorted(outcomes.items()):
        table.add_row(channel, state, why, str(count))
    out.print(table)
    seen = Counter((entry.kind, entry.result) for entry in found.town)
    table = table_of("Kind", "Result", "Contacts", title="What the town saw")
    for (kind, result), count in sorted(seen.items()):
        table.add_row(kind, result, str(count))
    out.print(table)
    for line in found.agreement.findings:
        out.print(line, style="red")
    agreement = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in found.agreement.counts.items()
    )
    out.print(f"Agreement of both ledgers: {agreement}", soft_wrap=True)
    out.print(", ".join(f"{name} {version}" for name, version in versions.items()), style="dim")


async def _entrance(held: Rehearsal) -> str:
    """A link that opens the console as its first administrator."""
    settings = held.settings
    async with Store(settings.store_url) as store:
        said = settings.clinic.id, "demo", "Demo administrator", settings.clinic.language, store.clock()
        number = await store.run(make_first, *said)
    door = Door(settings.folder / "console")
    return entrance(door.address() or "", await asyncio.to_thread(door.issue, Purpose.ENTER, number or 1))


async def _stay(held: Rehearsal) -> None:
    out.print(f"Console: {await _entrance(held)} (opens once, within 30 minutes)", soft_wrap=True)
    out.print("The clinic and the town stay up. Ctrl-C ends the demo.")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
