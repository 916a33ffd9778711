"""Public holidays of countries and their states, as the `holidays` package knows them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache, partial

from holidays import HolidayBase, country_holidays


def is_holiday(region: str, day: date) -> bool:
    """Whether it is a public holiday there; nobody's where the country is not known."""
    return day in _of(region)


def holidays_of(region: str) -> partial[bool]:
    """Whether a day is a holiday of this region."""
    return partial(is_holiday, region)


@lru_cache(maxsize=512)
def _of(region: str) -> HolidayBase | frozenset[date]:
    country, _, state = region.partition("-")
    try:
        return country_holidays(country, subdiv=state or None)
    except NotImplementedError:
        return _of(country) if state else frozenset()
