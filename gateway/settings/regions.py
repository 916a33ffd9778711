"""Calling hours of states and countries, as data (rules 1.10); a clinic may change or add rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import time
from typing import Literal, get_args

from pydantic import Field, field_validator

from gateway.settings.values import Section

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
_HOURS = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? ([0-2][0-9]:[0-5][0-9])-([0-2][0-9]:[0-5][0-9])")

# Whole minutes or not, a day ends at midnight: None.
Span = tuple[time, time | None]


def spans_of(line: str) -> Iterator[tuple[int, Span]]:
    """The weekdays (0 is Monday) of a line such as `mon-fri 09:00-21:30`, each with its hours."""
    found = _HOURS.fullmatch(line)
    if found is None or not {found[1], found[2] or found[1]} <= set(WEEKDAYS):
        raise ValueError(f"'{line}' is not a line such as 'mon-fri 09:00-21:30'")
    first, last = (WEEKDAYS.index(day) for day in (found[1], found[2] or found[1]))
    opens = time.fromisoformat(found[3])
    closes = None if found[4] in ("24:00", "00:00") else time.fromisoformat(found[4])
    if last < first or (closes is not None and closes <= opens):
        raise ValueError(f"'{line}' ends before it begins")
    for day in range(first, last + 1):
        yield day, (opens, closes)


class Region(Section):
    """What one state or country allows for calls and texts."""

    hours: tuple[str, ...] = Field(
        (),
        description="Lines such as 'mon-fri 09:00-21:30'; other days are closed. Empty: any time.",
    )
    holidays: bool = Field(True, description="Whether calls and texts may go on its public holidays.")
    in_24_hours: int = Field(
        0, ge=0, description="How often one client may be called and texted in any 24 hours; 0: no limit."
    )

    @field_validator("hours")
    @classmethod
    def _readable(cls, hours: tuple[str, ...]) -> tuple[str, ...]:
        for line in hours:
            list(spans_of(line))
        return hours


# Rules 1.10; all of them from secondary sources.
REGIONS: Mapping[str, Region] = {
    "US-FL": Region(hours=("mon-sun 08:00-20:00",), in_24_hours=3),
    "US-OK": Region(hours=("mon-sun 08:00-20:00",), in_24_hours=3),
    "US-MD": Region(hours=("mon-sun 08:00-20:00",)),
    "US-TX": Region(hours=("mon-sat 09:00-21:00", "sun 12:00-21:00")),
    "US-CT": Region(hours=("mon-sun 09:00-20:00",)),
    "US-AL": Region(hours=("mon-sat 08:00-21:00",)),
    "US-LA": Region(hours=("mon-sat 08:00-21:00",)),
    "CA": Region(hours=("mon-fri 09:00-21:30", "sat-sun 10:00-18:00")),
}
