"""Today as data: what is read, what the page shows, and the cells that change while it is watched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.console import chart, words
from gateway.domain import Channel, State
from store import conversations, faxes, overview, stops
from store.overview import Heading, Tallied
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
class Rate:
    """How well a channel reached people today: of those that were sent, or tried for good."""

    channel: Channel
    sent: int
    reached: int
    confirmed: int

    @property
    def cells(self) -> dict[str, str]:
        """What stands in its row."""
        key = f"r-{self.channel}"
        return {
            f"{key}-sent": f"{self.sent:,}",
            f"{key}-reached": _percent(self.reached, self.sent),
            f"{key}-confirmed": _percent(self.confirmed, self.sent),
        }


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person: how much of it, and where it is."""

    key: str
    label: str
    link: str
    count: int


@dataclass(frozen=True, slots=True)
class Today:
    """The whole page."""

    lines: tuple[Line, ...]
    chart: chart.Chart
    stops: tuple[Stop, ...] = ()
    rates: tuple[Rate, ...] = ()
    needs: tuple[Need, ...] = ()

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
        waiting = ".".join(need.key for need in self.needs)
        rates = ".".join(rate.channel for rate in self.rates)
        return (
            f"{stops}|{broadcasts}|{waiting}|{rates}|{'.'.join(hour.label[:2] for hour in self.chart.hours)}"
        )


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
    counts = overview.tally(conn, clinic, numbers) if numbers else []
    outcomes = overview.outcomes(conn, clinic, numbers, since) if numbers else []
    held = tuple(stops.current(conn, clinic))
    drawn = chart.draw(outcomes, zone, now)
    return Today(_lines(found, counts), drawn, held, _rates(counts), _needs(conn, clinic, counts))


# Of these it is known what became of them, or they have left.
_SENT = (State.DELIVERED, State.ACCEPTED, State.FAILED, State.UNKNOWN)


def _rates(counts: Sequence[Tallied]) -> tuple[Rate, ...]:
    found = []
    for channel in Channel:
        sent = [one for one in counts if one.channel is channel and one.state in _SENT]
        reached = [one for one in sent if one.state is State.DELIVERED]
        confirmed = sum(one.messages for one in reached if one.cause == "confirmed")
        if sent:
            all_ = sum(one.messages for one in sent)
            found.append(Rate(channel, all_, sum(one.messages for one in reached), confirmed))
    return tuple(found)


def _needs(conn: Connection, clinic: int, counts: Sequence[Tallied]) -> tuple[Need, ...]:
    failed = sum(one.messages for one in counts if one.state is State.FAILED)
    needs = (
        Need(
            "unknown", "may or may not have arrived", "/history?state=unknown", overview.unknown(conn, clinic)
        ),
        Need("failed", "failed today", "/history?state=failed", failed),
        Need("texts", "texts to read", "/inbox", conversations.unread(conn, clinic)),
        Need("faxes", "faxes to read", "/inbox", sum(faxes.unread(conn, clinic).values())),
    )
    return tuple(need for need in needs if need.count)


def _lines(found: Iterable[Heading], counts: Iterable[Tallied]) -> tuple[Line, ...]:
    by_group: dict[int, dict[str, int]] = {}
    confirmed: dict[int, int] = {}
    for number, _, state, cause, count in counts:
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
    found |= {f"need-{need.key}": f"{need.count:,}" for need in today.needs}
    for rate in today.rates:
        found |= rate.cells
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
