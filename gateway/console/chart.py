"""The outcome chart as plain geometry: stacked bars by hour, in percent of the width and pixels of height."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.console import words

HEIGHT = 176
TOP = 8
_LEAST_HOURS = 10
_MOST_HOURS = 24
_HOUR = timedelta(hours=1)

Bucket = tuple[datetime, str, str, int]


@dataclass(frozen=True, slots=True)
class Bar:
    """One coloured part of a stack; `y` and `height` are what changes while it is watched."""

    id: str
    series: words.Series
    count: int
    x: str
    width: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Hour:
    """One stack with its label; `centre` is where the label stands."""

    key: str
    label: str
    centre: str
    bars: tuple[Bar, ...]

    @property
    def total(self) -> int:
        """All outcomes of the hour."""
        return sum(bar.count for bar in self.bars)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the scale."""

    id: str
    y: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the template draws."""

    hours: tuple[Hour, ...]
    ticks: tuple[Tick, ...]

    @property
    def total(self) -> int:
        """All outcomes shown."""
        return sum(hour.total for hour in self.hours)


def draw(buckets: Iterable[Bucket], zone: ZoneInfo, now: datetime) -> Chart:
    """The chart of (quarter, outcome, cause, count) in a clinic's own hours."""
    counts: dict[datetime, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for moment, outcome, cause, count in buckets:
        counts[_hour(moment, zone)][words.series(outcome, cause)] += count
    hours = _hours(counts, zone, now)
    step = _step(max((sum(counts[hour].values()) for hour in hours if hour in counts), default=0))
    stacks = tuple(
        _stack(index, hour.astimezone(zone), len(hours), counts.get(hour, {}), step * 4)
        for index, hour in enumerate(hours)
    )
    return Chart(stacks, tuple(_tick(number, step) for number in range(5)))


def _hour(moment: datetime, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return moment.astimezone(UTC) - past


def _hours(counts: Iterable[datetime], zone: ZoneInfo, now: datetime) -> list[datetime]:
    """Hours in a row from the first outcome on, at least ten so that the chart seldom changes its shape."""
    current = _hour(now, zone)
    first = max(min([*counts, current]), current - (_MOST_HOURS - 1) * _HOUR)
    length = max(_LEAST_HOURS, (current - first) // _HOUR + 1)
    return [first + index * _HOUR for index in range(length)]


def _step(highest: int) -> int:
    """A quarter of the scale: the smallest round number that leaves room for the highest stack."""
    size = 1
    while True:
        for factor in (1, 2, 3, 5):
            if factor * size * 4 >= highest:
                return factor * size
        size *= 10


def _tick(number: int, step: int) -> Tick:
    return Tick(f"tick-{number}", f"{TOP + HEIGHT - HEIGHT * number / 4:g}", f"{number * step:,}")


def _stack(index: int, local: datetime, hours: int, counts: dict[str, int], scale: int) -> Hour:
    room = 100 / hours
    key = f"h{index}"
    bars, top = [], float(TOP + HEIGHT)
    for series in words.SERIES:
        count = counts.get(series.key, 0)
        height = HEIGHT * count / scale
        top -= height
        bars.append(
            Bar(
                f"{key}-{series.key}",
                series,
                count,
                f"{room * (index + 0.17):.2f}%",
                f"{room * 0.66:.2f}%",
                f"{top:.2f}",
                f"{height:.2f}",
            )
        )
    return Hour(key, f"{local:%H:00}", f"{room * (index + 0.5):.2f}%", tuple(bars))
