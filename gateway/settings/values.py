"""What values of settings may look like."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import time
from ipaddress import ip_address, ip_network
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.domain import RingwellError


class SettingsError(RingwellError):
    """A setting is wrong; the message is one line that names it."""


def _zone_name(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"'{name}' is not a time zone name such as 'America/New_York'")
    return name


def plain(value: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ValueError("holds a control character")
    return value


def _host_name(value: str) -> str:
    with suppress(ValueError):
        return str(ip_address(value))
    labels = value.removesuffix(".").split(".")
    if len(value) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{value!r} is not a host name or an address")
    return value


def _network(value: str) -> str:
    return str(ip_network(value))


def _store_url(value: str) -> str:
    if value and not re.match(r"(sqlite|postgresql)(\+\w+)?://.", plain(value)):
        # Never shown: it may hold a password.
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return value


_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")


Zone = Annotated[str, AfterValidator(_zone_name)]


Plain = Annotated[str, AfterValidator(plain)]


Host = Annotated[str, AfterValidator(_host_name)]


def _time_of_day(value: object) -> object:
    """Left alone, a number would be seconds since midnight."""
    if isinstance(value, time) and value.tzinfo is None:
        return value
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError(f"'{value}' is not a time of day: write hours and minutes, such as 09:00 or 17:30")
    return time.fromisoformat(value)


_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


StoreUrl = Annotated[str, AfterValidator(_store_url)]


Network = Annotated[str, AfterValidator(_network)]


def _telephone_number(value: str) -> str:
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", value):
        raise ValueError(f"{value!r} is not a telephone number such as '+12025550100'")
    return value


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>,;\x00-\x1f\x7f]{1,64}@[A-Za-z0-9.-]{1,190}", value):
        raise ValueError(f"{value!r} is not an email address")
    return value


TelephoneNumber = Annotated[str, AfterValidator(_telephone_number)]


MailAddress = Annotated[str, AfterValidator(_mail_address)]


LineName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,30}$")]


class Section(BaseModel):
    """A table of the settings file; unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
