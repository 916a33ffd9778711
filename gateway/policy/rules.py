"""The settings that decisions rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from zlib import crc32

from gateway.domain import Channel
from gateway.policy.gates import HoursGate
from gateway.policy.holidays import is_holiday
from gateway.policy.schedule import gates_of
from gateway.policy.zones import named
from gateway.settings import WEEKDAYS, Clinic, PolicySettings, Settings, days_of


@dataclass(frozen=True, eq=False)
class Rules:
    """The settings that decisions rest on; what is made from them is made once.

    `version`: of these settings, as verdicts keep it: the last change made while running, then a checksum.
    `clinic`: who speaks, where it matters what a message says.
    """

    clinic_zone: str
    windows: PolicySettings
    version: str = "0"
    language: str = "en"
    clinic_region: str = "US"
    clinic: Clinic = field(default_factory=Clinic, repr=False)
    _hours: dict[tuple[Channel, str], tuple[HoursGate, ...]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """The rules an installation has set."""
        clinic, windows = settings.clinic, settings.policy
        region = clinic.region or clinic.country
        text = f"{clinic.zone} {region} {windows.model_dump_json()}"
        version = f"{settings.changed}.{crc32(text.encode()):08x}"
        return cls(clinic.zone, windows, version, clinic.language, region, clinic)

    @property
    def are_capped(self) -> bool:
        """Whether it matters how often anybody was called and texted."""
        windows = self.windows
        return bool(
            windows.caps.a_day
            or windows.caps.a_week
            or windows.caps.gap_minutes
            or windows.no_consent.enabled
            or (windows.regional and any(row.in_24_hours for row in windows.regions.values()))
        )

    def is_business_day(self, day: date) -> bool:
        """Whether the clinic works on that day."""
        closed, weekday = self.windows.closed, WEEKDAYS[day.weekday()]
        if weekday not in self.windows.planning.business_days or weekday in closed.days:
            return False
        if any(first <= day <= last for first, last in map(days_of, closed.dates)):
            return False
        return not (closed.holidays and is_holiday(self.clinic_region, day))

    def hours(self, channel: Channel, region: str) -> tuple[HoursGate, ...]:
        """The gates of a channel for recipients of one region."""
        found = self._hours.get((channel, region))
        if found is None:
            found = gates_of(self.windows, channel, region, self.clinic_region, named(self.clinic_zone))
            self._hours[channel, region] = found
        return found
