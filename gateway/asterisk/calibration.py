"""How well machines are told from people with given parameters, and which parameters do it best."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.asterisk.trials import Heard, Trials
from gateway.settings import MachineDetection

# Values that are tried for each parameter, one parameter after the other.
CANDIDATES: Mapping[str, Sequence[int]] = {
    "after_greeting_silence": (500, 600, 700, 800, 1000),
    "greeting": (1000, 1250, 1500, 1800, 2200),
    "maximum_number_of_words": (2, 3, 4, 5),
    "initial_silence": (2000, 2500, 3000),
    "between_words_silence": (50, 100, 150),
    "min_word_length": (60, 100, 140),
    "silence_threshold": (128, 256, 400),
}
# A person who hears the words for a machine is worse than a machine that gets those for a person.
_PERSON_COUNTS = 2


@dataclass(frozen=True, slots=True)
class Recording:
    """Somebody or something that answers; `sound` is at telephone rate, long enough for any decision."""

    name: str
    machine: bool
    sound: Path


@dataclass(frozen=True, slots=True)
class Result:
    """What was heard in each recording with these parameters."""

    detection: MachineDetection
    heard: Sequence[tuple[Recording, Heard]]

    def of(self, machine: bool) -> list[tuple[Recording, Heard]]:
        """The machines, or the people."""
        return [pair for pair in self.heard if pair[0].machine is machine]

    def wrong(self, machine: bool) -> list[tuple[Recording, Heard]]:
        """Machines taken for people, or people taken for machines."""
        return [pair for pair in self.of(machine) if pair[1].is_machine is not machine]

    def right_share(self, machine: bool) -> float:
        """0 to 1; 1 where there is nothing to be wrong about."""
        of = self.of(machine)
        return 1 - len(self.wrong(machine)) / len(of) if of else 1.0

    def seconds(self, machine: bool) -> list[float]:
        """How long each decision took."""
        return sorted(heard.seconds for _, heard in self.of(machine))

    @property
    def score(self) -> tuple[float, float]:
        """Less is better: mistakes first, then how long a person waits."""
        mistakes = _PERSON_COUNTS * len(self.wrong(False)) + len(self.wrong(True))
        return mistakes, round(statistics.fmean(self.seconds(False) or [0.0]), 1)


async def measure(
    trials: Trials,
    recordings: Sequence[Recording],
    detection: MachineDetection,
    done: Callable[[], None] = lambda: None,
) -> Result:
    """Play every recording to the real detection."""

    async def play(recording: Recording) -> tuple[Recording, Heard]:
        heard = await trials.hear(recording.sound, detection.arguments)
        done()
        return recording, heard

    return Result(detection, await asyncio.gather(*map(play, recordings)))


def tries() -> int:
    """How many times a search plays the whole set at most."""
    return sum(len(values) - 1 for values in CANDIDATES.values())


async def search(
    trials: Trials,
    recordings: Sequence[Recording],
    start: Result,
    done: Callable[[], None] = lambda: None,
) -> Result:
    """The best parameters that are found from `start`, by changing one after the other."""
    best = start
    for name, values in CANDIDATES.items():
        for value in values:
            changed = best.detection.model_copy(update={name: value})
            if changed in (best.detection, start.detection):
                continue
            result = await measure(trials, recordings, changed, done)
            if result.score < best.score:
                best = result
    return best
