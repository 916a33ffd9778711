"""Voicing reminders in pieces that are kept, against voicing each whole text.

Processor time of the rendering processes (their children would count too), the loading of the model left
out: both sides say something first. The whole texts are a sample, spread over all reminders, and the rest is
extrapolated from it; the line that is printed says so.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from gateway import wording
from gateway.domain import Appointment, Channel, Facts, Script, Speech
from gateway.settings import Clinic
from tests.bench.measure import report
from tests.unit import factory
from voices.library import VoiceLibrary

REMINDERS, NAMES, TIMES = 500, 500, 60
WHOLE_SAMPLE = 25
BAR = 0.1
# The first reminder of a broadcast is playable within this time, the loading of the model left out.
FIRST_SECONDS = 2.0
_FIRST = (
    "Ana Ben Carla David Elena Frank Grace Hugo Irene Jonas Kira Liam Maria Nils Olga Paul Rosa Sam".split()
)
_LAST = (
    "Adler Brandt Costa Diaz Evans Fischer Garcia Hansen Ito Jensen Keller Lopez Meyer Novak Okafor Perez "
    "Quinn Rossi Silva Tanaka Usher Vogel Weber Young Zhang Becker Carter Dubois"
).split()


def reminders() -> list[tuple[Speech, ...]]:
    """What 500 people are told, in the parts that the product makes of the template that ships."""
    clinic = Clinic(name="Harbor Street Family Health Clinic")
    return [_reminder(index, clinic) for index in range(REMINDERS)]


def _reminder(index: int, clinic: Clinic) -> tuple[Speech, ...]:
    slot = index % TIMES
    # Twelve half hours on each of five days.
    starts = datetime(2026, 11, 23, 14, 0, tzinfo=UTC) + timedelta(days=slot // 12, minutes=30 * (slot % 12))
    facts = _facts(index, starts)
    script = wording.compose(facts, Channel.VOICE, clinic)
    assert isinstance(script, Script)
    return tuple(part for part in script.person if isinstance(part, Speech))


def _facts(index: int, starts: datetime) -> Facts:
    usual = factory.facts(appointment=Appointment(index, starts, "Check-up", "Dr. Ito", client=7))
    given, family = _FIRST[index % len(_FIRST)], _LAST[index // len(_FIRST)]
    return replace(usual, recipient=replace(usual.recipient, given_name=given, family_name=family))


def whole(parts: Sequence[Speech]) -> tuple[Speech, ...]:
    """The same words as one text."""
    return (Speech(" ".join(part.text for part in parts).replace(" .", "."), parts[0].language),)


async def first_seconds(folder: Path, script: tuple[Speech, ...]) -> float:
    """From an empty cache to the first reminder that can be played."""
    async with VoiceLibrary(folder) as library:
        await library.render((Speech("The model is loaded by now."),))
        begin = time.perf_counter()
        await library.render(script)
        return time.perf_counter() - begin


async def cpu_seconds(folder: Path, scripts: Sequence[tuple[Speech, ...]]) -> float:
    """Processor time that rendering these scripts takes from an empty cache."""
    async with VoiceLibrary(folder) as library:
        await library.render((Speech("The model is loaded by now."),))
        processes = [psutil.Process(), *map(psutil.Process, library.worker_pids)]
        before = sum(map(_spent, processes))
        for parts in scripts:
            await library.render(parts)
        if len(library.worker_pids) != len(processes) - 1 or not processes[1].is_running():
            raise RuntimeError("a rendering process was replaced: its time is not known")
        return sum(map(_spent, processes)) - before


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def main() -> None:
    """Print one ratio: pieces once, against every whole text."""
    scripts = reminders()
    texts = [whole(parts) for parts in scripts]
    sample = texts[:: len(texts) // WHOLE_SAMPLE][:WHOLE_SAMPLE]
    with tempfile.TemporaryDirectory(prefix="ringwell-bench-") as folder:
        first = asyncio.run(first_seconds(Path(folder) / "first", scripts[0]))
        pieces = asyncio.run(cpu_seconds(Path(folder) / "pieces", scripts))
        sampled = asyncio.run(cpu_seconds(Path(folder) / "whole", sample))
    wholes = sampled / len(sample) * len(texts)
    report(
        "prompts",
        pieces / wholes,
        BAR,
        at_most=True,
        reminders=len(scripts),
        names=len({parts[3] for parts in scripts}),
        date_times=len({(parts[5], parts[7]) for parts in scripts}),
        characters=round(sum(len(text.text) for (text,) in texts) / len(texts)),
        pieces_cpu_seconds=round(pieces, 1),
        whole_texts_cpu_seconds=round(wholes, 1),
        whole_texts_extrapolated_from=len(sample),
    )
    report("prompts-first", first, FIRST_SECONDS, at_most=True)


if __name__ == "__main__":
    main()
