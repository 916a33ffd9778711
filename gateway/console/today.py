"""Today as data: what is read, what the page shows, and the cells that change while it is watched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.console import chart, words
from gateway.domain import State
from store import overview, stops
from store.overview import Heading
from store.stops import Stop

# Shortly after midnight, last evening's broadcasts are still today's work.
_AT_LEAST = timedelta(hours=12)

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A broadcast with its messages counted by group; `segments` are (group key, x, width) in percent."""

    heading: Heading
    counts: Mapping[str, int]
    confirmed: int

    @property
    def total(self) -> int:
        """All its messages."""
        return sum(self.counts.values())

    @property
    def segments(self) -> list[tuple[str, str, str]]:
        """The bar that shows how far it is."""
        parts, left = [], 0.0
        for group in words.GROUPS:
            width = 100 * self.counts[group.key] / self.total if self.total else 0.0
            parts.append((group.key, f"{left:.2f}%", f"{width:.2f}%"))
            left += width
        return parts


@dataclass(frozen=True, slots=True)
class Today:
    """The whole page."""

    lines: tuple[Line, ...]
    chart: chart.Chart
    stops: tuple[Stop, ...] = ()

    @property
    def totals(self) -> dict[str, int]:
        """All broadcasts together, by group."""
        return {g.key: sum(line.counts[g.key] for line in self.lines) for g in words.GROUPS}

    @property
    def confirmed(self) -> int:
        """Messages whose recipient confirmed."""
        return sum(line.confirmed for line in self.lines)

    @property
    def shape(self) -> str:
        """What is on the page; when it changes, replacing cells is not enough."""
        broadcasts = ".".join(f"{line.heading.id}{line.heading.state[:1]}" for line in self.lines)
        stops = ".".join(str(stop.id) for stop in self.stops)
        return f"{stops}|{broadcasts}|{'.'.join(hour.label[:2] for hour in self.chart.hours)}"


def day(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when to when a broadcast counts as today's."""
    local = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = (local + timedelta(days=1)).replace(fold=0)
    return min(local.astimezone(now.tzinfo), now - _AT_LEAST), tomorrow.astimezone(now.tzinfo)


def read(conn: Connection, clinic: int, zone: ZoneInfo, now: datetime) -> Today:
    """Today as the store has it."""
    since, until = day(now, zone)
    found = overview.of_day(conn, clinic, since, until)
    numbers = [heading.id for heading in found]
    counts = overview.tally(conn, clinic, numbers) if numbers else {}
    outcomes = overview.outcomes(conn, clinic, numbers, since) if numbers else []
    held = tuple(stops.current(conn, clinic))
    return Today(_lines(found, counts), chart.draw(outcomes, zone, now), held)


def _lines(found: Iterable[Heading], counts: Mapping[tuple[int, State, str | None], int]) -> tuple[Line, ...]:
    by_group: dict[int, dict[str, int]] = {}
    confirmed: dict[int, int] = {}
    for (number, state, cause), count in counts.items():
        groups = by_group.setdefault(number, {group.key: 0 for group in words.GROUPS})
        groups[words.GROUP_OF[state].key] += count
        if state is State.DELIVERED and cause == "confirmed":
            confirmed[number] = confirmed.get(number, 0) + count
    none = {group.key: 0 for group in words.GROUPS}
    return tuple(Line(h, by_group.get(h.id, none), confirmed.get(h.id, 0)) for h in found)


def cells(today: Today) -> dict[str, str]:
    """Every cell of the page that may change, by element id; `id@name` is an attribute of that element."""
    found = {f"t-{key}": f"{count:,}" for key, count in today.totals.items()}
    found["t-confirmed"] = f"{today.confirmed:,}"
    for line in today.lines:
        found |= _line_cells(line)
    found |= {tick.id: tick.label for tick in today.chart.ticks}
    for hour in today.chart.hours:
        found[f"{hour.key}-total"] = f"{hour.total:,}"
        for bar in hour.bars:
            found[f"{bar.id}-n"] = f"{bar.count:,}"
            found[f"{bar.id}@y"] = bar.y
            found[f"{bar.id}@height"] = bar.height
    return found


def _line_cells(line: Line) -> dict[str, str]:
    key = f"b{line.heading.id}"
    found = {f"{key}-{group}": f"{count:,}" for group, count in line.counts.items()}
    # Faxes and emails are never confirmed: nothing is said rather than 0.
    found[f"{key}-confirmed"] = f"{line.confirmed:,}" if line.confirmed else ""
    found[f"{key}-total"] = f"{line.total:,}"
    for group, x, width in line.segments:
        found |= {f"{key}-bar-{group}@x": x, f"{key}-bar-{group}@width": width}
    return found
