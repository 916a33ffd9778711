"""The hours of one channel in one region: its window, the region's table, holidays, the clinic's closures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from gateway.domain import Channel
from gateway.policy.caps import CAPPED
from gateway.policy.gates import HoursGate
from gateway.policy.holidays import holidays_of
from gateway.policy.hours import EVERY_DAY, Hours, week_of, week_of_lines
from gateway.policy.zones import Zones
from gateway.settings import WEEKDAYS, ClosedSettings, PolicySettings, Region, Window, days_of, spans_of


def gates_of(
    settings: PolicySettings, channel: Channel, region: str, clinic_region: str, clinic_zones: Zones
) -> tuple[HoursGate, ...]:
    """The gates of one channel for recipients of one region, without those that are always open."""
    window: Window = getattr(settings, channel.value)
    found = [*_of_window(window, channel, region)]
    if channel in CAPPED and settings.regional:
        found += _of_region(settings, region)
    if channel in settings.closed.channels:
        found += _of_clinic(settings.closed, clinic_region, clinic_zones)
    return tuple(gate for gate in found if not gate.hours.is_always)


def row_of(settings: PolicySettings, region: str) -> tuple[str, Region] | None:
    """The row of a state's table, else of its country's."""
    for name in (region, region.partition("-")[0]):
        if settings.regional and name in settings.regions:
            return name, settings.regions[name]
    return None


def _of_window(window: Window, channel: Channel, region: str) -> Iterator[HoursGate]:
    yield HoursGate(Hours(week_of(window)), "outside-window", f"setting:policy.{channel}.opens")
    if not window.holidays:
        yield _closed(holidays_of(region), "holiday", f"setting:policy.{channel}.holidays")


def _of_region(settings: PolicySettings, region: str) -> Iterator[HoursGate]:
    row = row_of(settings, region)
    if row is None:
        return
    name, its = row
    if its.hours:
        week = week_of_lines(pair for line in its.hours for pair in spans_of(line))
        yield HoursGate(Hours(week), "outside-state-hours", f"setting:policy.regions.{name}")
    if not its.holidays:
        yield _closed(holidays_of(region), "holiday", f"setting:policy.regions.{name}")


def _of_clinic(closed: ClosedSettings, region: str, zones: Zones) -> Iterator[HoursGate]:
    closures = [days_of(text) for text in closed.dates]
    if closed.days:
        open_days = tuple(EVERY_DAY[0] if day not in closed.days else () for day in WEEKDAYS)
        yield HoursGate(Hours(open_days), "clinic-closed", "setting:policy.closed.days", zones)
    if closures:
        yield _closed(
            lambda day: any(first <= day <= last for first, last in closures),
            "clinic-closed",
            "setting:policy.closed.dates",
            zones,
        )
    if closed.holidays:
        yield _closed(holidays_of(region), "clinic-closed", "setting:policy.closed.holidays", zones)


def _closed(
    is_closed: Callable[[date], bool], reason: str, basis: str, zones: Zones | None = None
) -> HoursGate:
    return HoursGate(Hours(EVERY_DAY, is_closed), reason, basis, zones)
