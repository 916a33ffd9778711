"""`ringwell amd calibrate|examples`: how well answering machines are told from people."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from gateway.asterisk.calibration import Recording, Result, measure, search, tries
from gateway.asterisk.trials import Trials
from gateway.commands.shared import (
    ConfigOption,
    JsonOption,
    console,
    load,
    out,
    print_json,
    progress,
    run,
    table_of,
)
from gateway.domain import RingwellError
from gateway.exchange import connection, running_exchange
from gateway.settings import MachineDetection, Settings
from voices import wav
from voices.decoding import decode
from voices.errors import VoiceError

app = typer.Typer(help="Telling answering machines from people.", no_args_is_help=True)

LABELS = {"people": False, "machines": True}
LONGEST_SECONDS = 120.0
# What a decision can need after the end of a recording, which a real line would go on sending.
_SILENCE_SECONDS = 8.0

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with people/ and machines/.")]


class RecordingsError(RingwellError):
    """The folder of recordings cannot be used; the message says why."""


@app.command()
def calibrate(
    folder: FolderArgument,
    find: Annotated[bool, typer.Option("--search/--no-search", help="Look for better parameters.")] = True,
    trunk: Annotated[str, typer.Option(help="Whose parameters to try; the first one.")] = "",
    at_once: Annotated[int, typer.Option(min=1, max=200, help="Recordings played at once.")] = 40,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play labelled recordings to Asterisk's detection: what it took them for, how soon, and what is best."""
    settings = load(config)
    result, best = run(_calibrate(settings, folder, _detection(settings, trunk), at_once, find))
    if as_json:
        print_json({"now": _plain(result), "best": _plain(best) if best else None})
        return
    _show(result)
    if best is None:
        return
    if best is result:
        out.print("No better parameters were found.")
        return
    out.print("\nBetter, with these parameters:")
    _show(best)
    out.print(f"\n[trunks.{trunk or next(iter(settings.trunks), 'main')}.amd]")
    for name, value in best.detection.model_dump().items():
        out.print(f"{name} = {value}")


@app.command()
def examples(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to put people/ and machines/.")],
    seed: Annotated[int, typer.Option(help="Chooses pauses, levels and noise.")] = 1,
) -> None:
    """Make a labelled set of invented people and machines, to try the calibration with."""
    # Imported late: it loads a voice.
    from gateway.town.recordings import write_examples

    with console.status("speaking"):
        count = write_examples(folder, seed)
    out.print(f"{count} recordings are in {folder}: now 'ringwell amd calibrate {folder}'")


def _detection(settings: Settings, trunk: str) -> MachineDetection:
    if trunk and trunk not in settings.trunks:
        raise RecordingsError(f"there is no trunk {trunk!r} in the settings")
    chosen = settings.trunks.get(trunk) or next(iter(settings.trunks.values()), None)
    return chosen.amd if chosen else MachineDetection()


async def _calibrate(
    settings: Settings, folder: Path, detection: MachineDetection, at_once: int, find: bool
) -> tuple[Result, Result | None]:
    with tempfile.TemporaryDirectory(prefix="ringwell-amd-") as sounds:
        recordings = await asyncio.to_thread(lambda: list(_prepared(folder, Path(sounds))))
        async with running_exchange(settings), connection(settings) as ami:
            return await _measured(Trials(ami, at_once), recordings, detection, find)


async def _measured(
    trials: Trials, recordings: Sequence[Recording], detection: MachineDetection, find: bool
) -> tuple[Result, Result | None]:
    with progress() as bar:
        total = len(recordings) * (1 + (tries() if find else 0))
        task = bar.add_task("playing", total=total, counts="")

        def done() -> None:
            bar.update(task, advance=1)

        result = await measure(trials, recordings, detection, done)
        return result, await search(trials, recordings, result, done) if find else None


def _prepared(folder: Path, sounds: Path) -> Iterator[Recording]:
    """Every recording of both labels at telephone rate."""
    found = [
        (label, file) for label in LABELS for file in sorted((folder / label).glob("*")) if file.is_file()
    ]
    if {label for label, _ in found} != set(LABELS):
        raise RecordingsError(
            f"{folder} needs recordings in people/ and in machines/: 'ringwell amd examples' shows"
        )
    for number, (label, file) in enumerate(found):
        try:
            samples = decode(file, LONGEST_SECONDS).samples
        except VoiceError as error:
            raise RecordingsError(f"{label}/{file.name} {error}") from error
        quiet = np.zeros(int(wav.TELEPHONE_RATE * _SILENCE_SECONDS), dtype=samples.dtype)
        sound = sounds / f"{number}.wav"
        octets = (np.clip(np.concatenate((samples, quiet)), -1, 1) * 32767).astype("<i2").tobytes()
        wav.write(sound, octets)
        yield Recording(f"{label}/{file.name}", LABELS[label], sound)


def _plain(result: Result) -> dict[str, Any]:
    return {
        "people": _plain_label(result, False),
        "machines": _plain_label(result, True),
        "parameters": result.detection.model_dump(),
    }


def _plain_label(result: Result, machine: bool) -> dict[str, Any]:
    heard = [heard for _, heard in result.of(machine)]
    return {
        "recordings": len(heard),
        "taken_for": {
            "people": sum(one.status == "HUMAN" for one in heard),
            "machines": sum(one.is_machine for one in heard),
            "not_sure": sum(one.status not in ("HUMAN", "MACHINE") for one in heard),
        },
        "right": round(result.right_share(machine), 4),
        "seconds": _seconds(result.seconds(machine)),
        "wrong": [{"file": of.name, "cause": heard.cause} for of, heard in result.wrong(machine)],
    }


def _seconds(found: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(found), 2), "most": round(found[-1], 2)}


def _show(result: Result) -> None:
    table = table_of(
        "", "Recordings", "Person", "Machine", "Not sure", "Right", "Seconds", "At most", box=None
    )
    for label, machine in LABELS.items():
        told = _plain_label(result, machine)
        taken, seconds = told["taken_for"], told["seconds"]
        counts = (told["recordings"], taken["people"], taken["machines"], taken["not_sure"])
        times = (f"{seconds['median']:.1f}", f"{seconds['most']:.1f}")
        table.add_row(label, *map(str, counts), f"{100 * told['right']:.1f} %", *times)
    out.print(table)
    out.print("Who is not sure is taken for a person.", style="dim")
    for machine in LABELS.values():
        for recording, heard in result.wrong(machine):
            taken_for = "machine" if heard.is_machine else "person"
            out.print(f"taken for a {taken_for}: {recording.name} ({heard.cause})")
