"""In which time zones a recipient may be: the moment has to suit all of them (rules 1.11)."""

from __future__ import annotations

from collections import Counter
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phonenumbers import NumberParseException, parse
from phonenumbers.timezone import time_zones_for_geographical_number

from gateway.domain import Channel, Facts
from gateway.policy.lines import Line, line_of
from gateway.policy.regions import ZONES_OF_REGIONS
from gateway.settings import ZoneFrom

Zones = tuple[ZoneInfo, ...]
# Somebody of a country with more may be half a world away from any hour that suits all of them.
_FEW = 4


@lru_cache(maxsize=1024)
def known_zone(name: str) -> ZoneInfo | None:
    """None for a name that this machine's time zones do not have, though the importing one's had."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def zones_of(facts: Facts, order: tuple[ZoneFrom, ...], clinic_zone: str) -> Zones:
    """The recipient's zones from the first source that knows any; none: one is named that nobody knows."""
    for source in order:
        found = _zones_from(source, facts, clinic_zone)
        if found is not None:
            return found
    return named(clinic_zone)


def _zones_from(source: ZoneFrom, facts: Facts, clinic_zone: str) -> Zones | None:
    person = facts.recipient
    if source == "client":
        return named(person.zone) if person.zone else None
    if source == "address":
        return _of_region(person.region) if person.region else None
    return named(clinic_zone) if source == "clinic" else _of_numbers(facts)


def _of_numbers(facts: Facts) -> Zones | None:
    for channel in (Channel.SMS, Channel.VOICE, Channel.FAX):
        contact = facts.contacts.get(channel)
        if contact is not None and (found := of_number(contact.address)) is not None:
            return found
    return None


@lru_cache(maxsize=1024)
def named(name: str) -> Zones:
    """One zone by its name; none for an unknown name."""
    zone = known_zone(name)
    return (zone,) if zone else ()


@lru_cache(maxsize=1024)
def _of_region(region: str) -> Zones | None:
    """The zones of a state; of a country those that it has, where they are few."""
    names = ZONES_OF_REGIONS.get(region) or _countries().get(region.partition("-")[0])
    return _all(names) if names else None


@cache
def _countries() -> dict[str, tuple[str, ...]]:
    """The zones of countries that have few, from the time zone database."""
    text = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    counts = Counter(row[0] for row in rows)
    few = {country for country, count in counts.items() if count <= _FEW}
    return {country: tuple(row[2] for row in rows if row[0] == country) for country in few}


@lru_cache(maxsize=1 << 16)
def of_number(number: str) -> Zones | None:
    """All zones that its area code spans; None for one that is bound to no place, such as toll-free."""
    if line_of(number) not in (Line.MOBILE, Line.MOBILE_OR_LANDLINE, Line.LANDLINE):
        return None
    try:
        names = time_zones_for_geographical_number(parse(number, None))
    except NumberParseException:
        return None
    return _all(tuple(names))


def _all(names: tuple[str, ...]) -> Zones | None:
    """Those that this machine knows; None where it knows none."""
    return tuple(zone for name in names if (zone := known_zone(name)) is not None) or None
