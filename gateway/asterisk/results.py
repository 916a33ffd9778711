"""The last word on a call, as dialplan/results.conf writes it into AstDB and into one event."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

# The year 9999: beyond it no time can be told.
_LATEST = 253_370_764_800
_BLOCKED = "sip 603 network blocked"
_SIP = re.compile(r"SIP (\d{3})")


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key, what the menu made of it ("" for a key that it does not know), and when, to the second."""

    key: str
    action: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FaxReport:
    """What SendFAX left behind; all empty for a call."""

    status: str = ""
    pages: int = 0
    rate: int = 0
    mode: str = ""
    station: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call went. `stage` is "" when nobody answered; `sip` is the last SIP status heard, 0 if none.

    `blocked`: the words beside 603 say that the network blocked it, and not that somebody declined.
    `trunk`: the name of the trunk that it left by. `cut`: we ended it, because everything was stopped.
    """

    stage: str = ""
    keys: tuple[KeyPress, ...] = ()
    machine: str = ""
    cause: int = 0
    sip: int = 0
    seconds: int = 0
    fax: FaxReport = FaxReport()
    trunk: str = ""
    cut: bool = False
    blocked: bool = False

    @property
    def key(self) -> str:
        """The last key that did something."""
        return next((press.key for press in reversed(self.keys) if press.action), "")


def parse(text: str) -> CallResult:
    """The thirteen fields; a missing or unreadable one counts as empty."""
    stage, keys, machine, cause, sip, seconds, *fax = [*text.split("|"), *[""] * 13][:13]
    status, pages, rate, mode, station, error, trunk = fax
    return CallResult(
        stage=stage,
        keys=key_presses(keys),
        machine=machine,
        cause=number(cause),
        sip=_sip(sip),
        blocked=sip.lower().startswith(_BLOCKED),
        seconds=number(seconds),
        fax=FaxReport(status, number(pages), number(rate), mode, station, error),
        trunk=trunk,
    )


def key_presses(text: str) -> tuple[KeyPress, ...]:
    """The keys of a call, in their order, as the dialplan keeps them."""
    return tuple(press for one in text.split("+") if (press := key_press(*one.split("@"))))


def key_press(key: str = "", at: str = "", action: str = "", *_: str) -> KeyPress | None:
    """A key as the dialplan tells it; None for what is none."""
    if len(key) != 1:
        return None
    moment = datetime.fromtimestamp(number(at), UTC) if 0 < number(at) < _LATEST else None
    return KeyPress(key, action, moment)


def of_hangup(cause: str, tech_cause: str) -> CallResult:
    """What a Hangup event tells of a call that nobody answered."""
    return CallResult(cause=number(cause), sip=number(tech_cause))


def _sip(text: str) -> int:
    found = _SIP.match(text)
    return int(found[1]) if found else 0


def number(text: str) -> int:
    """A number of the exchange's; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() else 0
