"""What a decision says. Reason codes are stable: screens, reports and kept verdicts rely on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain import State


@dataclass(frozen=True, slots=True)
class Allow:
    """It may go now. `basis` of each verdict: what it rests on: `entry:12`, `setting:policy.sms.opens`.

    `until`: it may still go at any moment before this one unless a fact changes; None: that is not known.
    """

    basis: str = field(default="", compare=False)
    until: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Defer:
    """Not before `until`."""

    until: datetime
    reason: str
    basis: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not at all; `state` is refused, expired or cancelled."""

    reason: str
    state: State = State.REFUSED
    basis: str = field(default="", compare=False)


Verdict = Allow | Defer | Refuse

ALLOW = Allow()
