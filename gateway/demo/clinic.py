"""The demo clinic: invented people whose numbers and mailboxes choose what the town does with them."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.town.households import SMSC_AREA, number

_GIVEN = (
    "Ana Ben Carla David Elena Frank Grace Hugo Irene Jonas Kira Liam Maria Nils Olga Paul Rosa Sam Tara"
).split()
_FAMILY = (
    "Adler Brandt Costa Diaz Evans Fischer Garcia Hansen Ito Jensen Keller Lopez Meyer Novak Okafor"
).split()
_AREAS = ("212", "312", "415", "617", "713")
# One zone for each whole hour: the demo clinic lives where it is late morning now.
_ZONES = (
    "Pacific/Honolulu America/Anchorage America/Los_Angeles America/Denver America/Chicago America/New_York "
    "America/Halifax America/Sao_Paulo Atlantic/South_Georgia Atlantic/Azores UTC Europe/Berlin "
    "Africa/Johannesburg Africa/Nairobi Asia/Dubai Asia/Karachi Asia/Dhaka Asia/Bangkok Asia/Shanghai "
    "Asia/Tokyo Australia/Brisbane Pacific/Guadalcanal Pacific/Auckland Pacific/Pago_Pago"
).split()


@dataclass(frozen=True, slots=True)
class Household:
    """A kind of client: how many of them, how they want to be told, and what they do then."""

    count: int
    method: str
    voice: int = 0
    text: int = 0
    mailbox: str = "ok"
    consent: bool = True
    again: bool = False
    area: str = ""


# What the demo shows, kind by kind. `again`: has a second appointment, so that a later broadcast asks
# whether an opt-out of the first one holds.
DEMO: tuple[Household, ...] = (
    Household(6, "voice", voice=0, again=True),
    Household(4, "voice", voice=1),
    Household(1, "voice", voice=2),
    Household(2, "voice", voice=3),
    Household(1, "voice", voice=4),
    Household(1, "voice", voice=5),
    Household(1, "voice", voice=6),
    Household(3, "voice", voice=7),
    Household(2, "voice", voice=9, again=True),
    Household(2, "voice", consent=False),
    Household(10, "text"),
    Household(2, "text", text=1),
    Household(1, "text", text=2),
    Household(1, "text", text=3),
    Household(3, "text", text=4, again=True),
    Household(2, "text", text=5, again=True),
    Household(2, "text", consent=False),
    *(Household(1, "text", text=habit, area=SMSC_AREA) for habit in (0, 1, 2, 3, 5, 8, 9)),
    Household(8, "email"),
    Household(1, "email", mailbox="reject"),
    Household(1, "email", mailbox="full"),
    Household(1, "email", mailbox="grey"),
    Household(1, "email", mailbox="moved"),
    Household(1, "email", mailbox="overfull"),
    Household(1, "email", consent=False),
    Household(2, "fax", voice=8),
    Household(1, "fax", voice=3),
)

# About 400 messages on all channels for the kill drill: short calls, one fax.
DRILL: tuple[Household, ...] = (
    Household(50, "voice", voice=0),
    Household(40, "voice", voice=1),
    Household(5, "voice", voice=3),
    Household(5, "voice", voice=7),
    Household(140, "text"),
    Household(20, "text", text=4),
    Household(5, "text", text=3),
    Household(5, "text", consent=False),
    Household(125, "email"),
    Household(4, "email", mailbox="reject"),
    Household(1, "fax", voice=8),
)


@dataclass(frozen=True, slots=True)
class Client:
    """A line of clients.csv."""

    id: str
    given_name: str
    family_name: str
    mobile: str
    email: str
    fax: str
    preferred_contact_method: str
    messaging_consent: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A line of appointments.csv."""

    id: str
    client: str
    starts_at: str
    service: str
    clinician: str


def people(households: Sequence[Household], seed: int) -> list[tuple[Client, Household]]:
    """The clients of the demo, the same for the same seed."""
    chance = random.Random(seed)
    made: list[tuple[Client, Household]] = []
    for household in households:
        made += [(_client(len(made) + i, household, chance), household) for i in range(household.count)]
    return made


def _client(index: int, household: Household, chance: random.Random) -> Client:
    area, place = household.area or _AREAS[index // 100 % len(_AREAS)], index % 100
    fax = number(household.voice, 0, place, area) if household.method == "fax" else ""
    return Client(
        id=f"C{index + 1:04d}",
        given_name=chance.choice(_GIVEN),
        family_name=chance.choice(_FAMILY),
        mobile="" if fax else number(household.voice, household.text, place, area),
        email=f"{household.mailbox}.{index + 1}@town.example" if household.method == "email" else "",
        fax=fax,
        preferred_contact_method=household.method,
        messaging_consent="yes" if household.consent else "no",
    )


def visits(made: Iterable[tuple[Client, Household]], today: datetime) -> list[Visit]:
    """Everybody comes tomorrow, some also the day after."""
    found: list[Visit] = []
    for index, (client, household) in enumerate(made):
        for day in (1, 2) if household.again else (1,):
            at = today.replace(hour=9, minute=0) + timedelta(days=day, minutes=10 * (index % 48))
            found.append(
                Visit(
                    f"A{len(found) + 1:05d}",
                    client.id,
                    at.strftime("%Y-%m-%d %H:%M"),
                    "Check-up",
                    f"Dr. {_FAMILY[index % len(_FAMILY)]}",
                )
            )
    return found


def zone_at_noon(now: datetime | None = None) -> str:
    """A zone where it is about eleven in the morning, so that every calling window is open."""
    moment = now or datetime.now(UTC)
    return min(_ZONES, key=lambda name: _minutes_from_eleven(moment.astimezone(ZoneInfo(name))))


def _minutes_from_eleven(local: datetime) -> int:
    return abs(local.hour * 60 + local.minute - 11 * 60)


def write_csv(file: Path, rows: Sequence[Client] | Sequence[Visit]) -> None:
    """Write demo rows as the import reads them."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(rows[0])])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
