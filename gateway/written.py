"""Files of other programs: their names of columns, their ways to write days and times, made those of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

# Beside a day of appointments that has no time in it.
TIME = "start_time"
DAYS = {"starts_at", "due_on", "birth_date"}
_APOSTROPHE = re.compile(r"\A'(?=[=+@-])")
_PARTS = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?=$|[ T,])")
_CLOCK = re.compile(
    r"(?P<day>\S+?)[ ,T]+(?P<hour>\d{1,2})([:.h](?P<minute>\d{2}))?(:\d{2})?\s*(?P<half>[ap]\.?\s?m\.?)?",
    re.I,
)


class Order(StrEnum):
    """In which order the parts of a day are written in a file."""

    YEAR_FIRST = "ymd"
    MONTH_FIRST = "mdy"
    DAY_FIRST = "dmy"


@dataclass(frozen=True, slots=True)
class Written:
    """How another file is to be read. `names`: what its headings are called here; empty: left out."""

    names: Mapping[str, str]
    order: Order = Order.YEAR_FIRST

    def row(self, row: Mapping[str, str]) -> dict[str, str]:
        """A row as our own files have it."""
        found = {name: _unquoted(value) for name, value in row.items() if name}
        time = found.pop(TIME, "")
        for name in DAYS & found.keys():
            found[name] = iso_day(found[name], self.order)
        if time and "starts_at" in found:
            found["starts_at"] = f"{found['starts_at']} {time}"
        if "starts_at" in found:
            found["starts_at"] = iso_time(found["starts_at"])
        return found


def _unquoted(value: str) -> str:
    """Without the apostrophe by which spreadsheets, and our reports of errors, make a text of a formula."""
    return _APOSTROPHE.sub("", value, 1)


def iso_day(value: str, order: Order) -> str:
    """A text that begins with a day, with the day as 2026-03-05; another text as it is."""
    found = _PARTS.match(value)
    if found is None:
        return value
    first, second, third = (int(part) for part in found.groups())
    if len(found[1]) == len("2026"):
        year, month, day = first, second, third
    elif order is Order.DAY_FIRST:
        day, month, year = first, second, third
    else:
        month, day, year = first, second, third
    # Nobody writes a birth in two figures of this century's future.
    year += 0 if year > 99 else 1900 if year > datetime.now(UTC).year % 100 + 10 else 2000
    return f"{year:04}-{month:02}-{day:02}{value[found.end() :]}"


def iso_time(value: str) -> str:
    """A day and a time as 2026-03-05 14:30, of 2:30 PM too; another text as it is."""
    found = _CLOCK.fullmatch(value.strip())
    if found is None:
        return value
    hour, half = int(found["hour"]), (found["half"] or "").lower()[:1]
    if half and not 1 <= hour <= 12:
        return value
    hour = hour % 12 + 12 * (half == "p") if half else hour
    return f"{found['day']} {hour:02}:{found['minute'] or '00'}"
