"""The search for the parameters that tell machines from people best, on recordings that answer by rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from gateway.asterisk.calibration import CANDIDATES, Recording, Result, measure, search, tries
from gateway.asterisk.trials import Heard
from gateway.settings import MachineDetection

SHIPPED = MachineDetection()


@dataclass
class Listener:
    """Takes for a machine whoever speaks longer than `greeting`, or more words than allowed, in one go.

    A sound is named by its milliseconds of speech and its words.
    """

    plays: Counter[str] = field(default_factory=Counter)

    async def hear(self, file: Path, arguments: str) -> Heard:
        known = dict(zip(MachineDetection.model_fields, map(int, arguments.split(",")), strict=True))
        self.plays[arguments] += 1
        speech, words = map(int, file.name.split("-"))
        machine = speech > known["greeting"] or words > known["maximum_number_of_words"]
        seconds = min(speech, known["greeting"]) / 1000 + known["after_greeting_silence"] / 1000
        return Heard("MACHINE" if machine else "HUMAN", "RULE", seconds)


def recordings(people: list[str], machines: list[str]) -> list[Recording]:
    named = [(name, False) for name in people] + [(name, True) for name in machines]
    return [Recording(name, machine, Path(name)) for name, machine in named]


async def found(of: list[Recording], start: MachineDetection = SHIPPED) -> tuple[Result, Result, Listener]:
    listener = Listener()
    before = await measure(listener, of, start)
    return before, await search(listener, of, before), listener


async def test_parameters_are_found_that_tell_slow_people_from_quick_machines() -> None:
    of = recordings(["1400-2", "900-1", "1450-5"], ["1600-3", "2500-9"])
    before, best, _ = await found(of)
    assert [pair[0].name for pair in before.wrong(False)] == ["1400-2", "1450-5"]
    assert before.wrong(True) == best.wrong(True) == best.wrong(False) == []
    assert best.detection.greeting == 1500
    assert best.detection.maximum_number_of_words == 5


async def test_a_person_taken_for_a_machine_weighs_more_than_a_machine_taken_for_a_person() -> None:
    _, best, _ = await found(recordings(["1700-2"], ["1650-2"]))
    assert best.right_share(False) == 1
    assert best.right_share(True) == 0


async def test_of_parameters_that_are_as_right_the_quicker_ones_are_taken() -> None:
    before, best, _ = await found(recordings(["600-1"], ["3000-9"]))
    assert best.score < before.score
    assert best.detection == before.detection.model_copy(update={"after_greeting_silence": 500})


async def test_what_cannot_be_bettered_stays_as_it_is() -> None:
    start = SHIPPED.model_copy(update={"after_greeting_silence": min(CANDIDATES["after_greeting_silence"])})
    before, best, _ = await found(recordings(["600-1"], ["3000-9"]), start)
    assert best is before


async def test_a_search_plays_the_set_no_more_often_than_it_says() -> None:
    of = recordings(["1400-2"], ["1600-3"])
    before, _, listener = await found(of)
    assert listener.plays[before.detection.arguments] == len(of)
    assert sum(listener.plays.values()) <= len(of) * (1 + tries())
