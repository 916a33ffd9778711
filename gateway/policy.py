"""May this message go now? Pure functions on plain data; the same ones preview a plan and bind at dispatch.

Refusal beats deferral; the latest deferral wins. Reason codes are stable: screens and reports rely on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.domain import Appointment, Broadcast, Channel, ConsentEntry, Facts, State
from gateway.settings import PolicySettings, Settings, Window


@dataclass(frozen=True, slots=True)
class Allow:
    """It may go now."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Not before `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not at all; `state` is refused, expired or cancelled."""

    reason: str
    state: State = State.REFUSED


Verdict = Allow | Defer | Refuse

ALLOW = Allow()
# How long a notice without an appointment stays worth sending.
NOTICE_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that decisions rest on."""

    clinic_zone: str
    windows: PolicySettings

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """The rules an installation has set."""
        return cls(settings.clinic.zone, settings.policy)


def choose_channel(facts: Facts) -> Channel:
    """The recipient's preferred method where the broadcast honours preferences, else the chosen one."""
    preferred = facts.recipient.preferred
    if facts.broadcast.only_preference and preferred is not None:
        return preferred
    return facts.broadcast.channel


def expiry(facts: Facts) -> datetime:
    """When the message stops being worth sending: at the appointment (rules 2.3)."""
    if facts.appointment is not None:
        return facts.appointment.starts_at
    return facts.broadcast.send_at + NOTICE_LIFE


def decide(facts: Facts, channel: Channel, address: str | None, now: datetime, rules: Rules) -> Verdict:
    """The verdict on one message at one moment.

    `address` is the one written down at planning, None while planning; a contact that changed since then
    is refused rather than silently followed.
    """
    contact = facts.contacts.get(channel)
    refusal = (
        _about_appointment(facts, now)
        or _about_broadcast(facts)
        or _about_address(facts, channel, address)
        or _about_consent(facts.consents, channel, contact.address if contact else None)
    )
    if refusal is not None:
        return refusal
    return _when(facts, channel, now, rules)


def _about_appointment(facts: Facts, now: datetime) -> Refuse | None:
    if facts.appointment is not None and facts.appointment.status != "booked":
        return Refuse("appointment-cancelled", State.CANCELLED)
    if facts.appointment is not None and _has_moved(facts.appointment, facts.broadcast):
        return Refuse("appointment-moved", State.CANCELLED)
    if now >= expiry(facts):
        return Refuse("expired", State.EXPIRED)
    return None


def _has_moved(visit: Appointment, broadcast: Broadcast) -> bool:
    """Whether it left the days that the broadcast is about: another broadcast reminds of it (rules 2.3)."""
    early = broadcast.starts_from is not None and visit.starts_at < broadcast.starts_from
    late = broadcast.starts_until is not None and visit.starts_at >= broadcast.starts_until
    return early or late


def _about_broadcast(facts: Facts) -> Refuse | None:
    if facts.broadcast.state == "cancelled":
        return Refuse("broadcast-cancelled", State.CANCELLED)
    return None


def _about_address(facts: Facts, channel: Channel, address: str | None) -> Refuse | None:
    contact = facts.contacts.get(channel)
    if contact is None:
        return Refuse("no-address")
    if contact.bad_cause is not None:
        return Refuse("bad-address")
    if address is not None and contact.address != address:
        return Refuse("address-changed")
    return None


def _about_consent(entries: Iterable[ConsentEntry], channel: Channel, address: str | None) -> Refuse | None:
    newest = None
    for entry in entries:
        if entry.channel in (None, channel) and entry.address in (None, address):
            newest = entry
    if newest is None:
        return Refuse("no-consent")
    return None if newest.given else Refuse("consent-withdrawn")


def _when(facts: Facts, channel: Channel, now: datetime, rules: Rules) -> Verdict:
    start = max(now, facts.broadcast.send_at)
    window: Window = getattr(rules.windows, channel.value)
    zone = _zone(facts.recipient.zone or rules.clinic_zone)
    if zone is None:
        return Refuse("unknown-time-zone")
    until = next_opening(start, window, zone)
    if until >= expiry(facts):
        return Refuse("window-after-expiry", State.EXPIRED)
    if until > start:
        return Defer(until, "outside-window")
    return Defer(start, "broadcast-time") if start > now else ALLOW


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    """None for a name that this machine's time zones do not have, though the importing one's had."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def next_opening(moment: datetime, window: Window, zone: ZoneInfo) -> datetime:
    """`moment` itself when the window is open then, else the next time it opens (UTC).

    Equal times mean always open. An opening that a clock change skips moves on with the clock.
    """
    if window.opens == window.closes:
        return moment
    local = moment.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    if _is_open(clock, window):
        return moment
    days = 0 if clock < window.opens else 1
    opening = datetime.combine(local.date() + timedelta(days=days), window.opens, zone)
    return opening.astimezone(UTC)


def _is_open(clock: time, window: Window) -> bool:
    if window.opens < window.closes:
        return window.opens <= clock < window.closes
    return clock >= window.opens or clock < window.closes
