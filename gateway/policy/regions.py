"""The time zones of states and provinces, as data; of several the recipient may be in any."""

from __future__ import annotations

from collections.abc import Mapping

_EAST, _MIDDLE, _MOUNTAIN, _WEST = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
)

_ONE_ZONE: Mapping[str, str] = {
    _EAST: "CT DC DE GA MA MD ME NC NH NJ NY OH PA RI SC VA VT WV",
    _MIDDLE: "AL AR IA IL LA MN MO MS OK WI",
    _MOUNTAIN: "CO MT NM UT WY",
    _WEST: "CA WA",
    "Pacific/Honolulu": "HI",
    "America/Puerto_Rico": "PR",
    "America/St_Thomas": "VI",
    "Pacific/Guam": "GU",
    "Pacific/Saipan": "MP",
    "Pacific/Pago_Pago": "AS",
}

ZONES_OF_REGIONS: Mapping[str, tuple[str, ...]] = {
    **{f"US-{state}": (zone,) for zone, states in _ONE_ZONE.items() for state in states.split()},
    "US-AK": ("America/Anchorage", "America/Adak"),
    # Most of Arizona keeps standard time all year; the Navajo Nation does not.
    "US-AZ": ("America/Phoenix", _MOUNTAIN),
    "US-FL": (_EAST, _MIDDLE),
    "US-ID": ("America/Boise", _WEST),
    "US-IN": ("America/Indiana/Indianapolis", _MIDDLE),
    "US-KS": (_MIDDLE, _MOUNTAIN),
    "US-KY": (_EAST, _MIDDLE),
    "US-MI": ("America/Detroit", "America/Menominee"),
    "US-ND": (_MIDDLE, _MOUNTAIN),
    "US-NE": (_MIDDLE, _MOUNTAIN),
    "US-NV": (_WEST, _MOUNTAIN),
    "US-OR": (_WEST, "America/Boise"),
    "US-SD": (_MIDDLE, _MOUNTAIN),
    "US-TN": (_EAST, _MIDDLE),
    "US-TX": (_MIDDLE, _MOUNTAIN),
    "CA-AB": ("America/Edmonton",),
    "CA-BC": ("America/Vancouver", "America/Edmonton", "America/Fort_Nelson"),
    "CA-MB": ("America/Winnipeg",),
    "CA-NB": ("America/Moncton",),
    "CA-NL": ("America/St_Johns", "America/Goose_Bay"),
    "CA-NS": ("America/Halifax",),
    "CA-NT": ("America/Edmonton",),
    "CA-NU": ("America/Iqaluit", "America/Rankin_Inlet", "America/Cambridge_Bay"),
    "CA-ON": ("America/Toronto", "America/Winnipeg"),
    "CA-PE": ("America/Halifax",),
    "CA-QC": ("America/Toronto", "America/Blanc-Sablon"),
    "CA-SK": ("America/Regina", "America/Edmonton"),
    "CA-YT": ("America/Whitehorse",),
    "AU-ACT": ("Australia/Sydney",),
    "AU-NSW": ("Australia/Sydney", "Australia/Broken_Hill"),
    "AU-NT": ("Australia/Darwin",),
    "AU-QLD": ("Australia/Brisbane",),
    "AU-SA": ("Australia/Adelaide",),
    "AU-TAS": ("Australia/Hobart",),
    "AU-VIC": ("Australia/Melbourne",),
    "AU-WA": ("Australia/Perth", "Australia/Eucla"),
}
