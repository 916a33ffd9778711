"""What a message waits for: gates that open at a moment, and the earliest moment at which all stand open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.policy.hours import Hours
from gateway.policy.zones import Zones

# Each round moves on by a closing at least: a year of them has room.
_MOST_ROUNDS = 1000


class Gate(Protocol):
    """Lets a message through at some moments and not at others."""

    @property
    def reason(self) -> str:
        """Why a message waits here."""

    @property
    def basis(self) -> str:
        """What the gate rests on."""

    def next(self, moment: datetime, zones: Zones) -> datetime | None:
        """The first moment from this one on at which it is open; None: it stays closed."""


@dataclass(frozen=True, slots=True)
class HoursGate:
    """Open by the wall clocks of all zones of the recipient, or by the clinic's own (`zones`)."""

    hours: Hours
    reason: str
    basis: str
    zones: Zones | None = None

    def next(self, moment: datetime, zones: Zones) -> datetime | None:
        """See Gate."""
        zones = self.zones or zones
        if len(zones) == 1:
            return self.hours.next(moment, zones[0])
        for _ in range(_MOST_ROUNDS):
            before = moment
            for zone in zones:
                found = self.hours.next(moment, zone)
                if found is None:
                    return None
                moment = found
            if moment == before:
                return moment
        return None


@dataclass(frozen=True, slots=True)
class Wait:
    """Until when, and the gate that holds longest; `until` None: some gate stays closed."""

    until: datetime | None
    gate: Gate


def wait_at(gates: Sequence[Gate], start: datetime, zones: Zones) -> Wait | None:
    """The earliest moment from `start` on at which every gate is open; None: all are open at once.

    The gate whose own opening is the latest gives the reason, whatever the others add to it.
    """
    latest, longest = start, None
    for gate in gates:
        opens = gate.next(start, zones)
        if opens is None:
            return Wait(None, gate)
        if opens > latest:
            latest, longest = opens, gate
    return None if longest is None else _agreed(gates, latest, zones, longest)


def _agreed(gates: Sequence[Gate], moment: datetime, zones: Zones, longest: Gate) -> Wait:
    for _ in range(_MOST_ROUNDS):
        before = moment
        for gate in gates:
            opens = gate.next(moment, zones)
            if opens is None:
                return Wait(None, gate)
            moment = opens
        if moment == before:
            return Wait(moment, longest)
    return Wait(None, longest)
