"""A client as the pages about one show them: found by number, masked, and the form of their details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request
from starlette.exceptions import HTTPException

from gateway.console.shared import shared
from gateway.console.words import mask
from gateway.domain import Channel
from store import clients
from store.people import Person

# What a form asks for, by the names of an import's columns.
DETAILS = (
    "given_name",
    "family_name",
    "birth_date",
    "language",
    "time_zone",
    "region",
    "mobile",
    "phone",
    "email",
    "fax",
)
CONTACT = (
    "preferred_contact_method",
    "messaging_name",
    "messaging_mobile",
    "messaging_phone",
    "messaging_email",
    "messaging_fax",
)
ADDRESSES = ("mobile", "phone", "email", "fax")
METHODS: Mapping[str, str] = {"voice": "Call", "text": "Text", "email": "Email", "fax": "Fax"}
_METHOD_OF = {Channel.VOICE: "voice", Channel.SMS: "text", Channel.EMAIL: "email", Channel.FAX: "fax"}
# What each value is called on the screen.
LABELS: Mapping[str, str] = {
    "given_name": "First name",
    "family_name": "Family name",
    "birth_date": "Birth date",
    "language": "Language",
    "time_zone": "Time zone",
    "region": "State or country",
    "mobile": "Mobile phone",
    "phone": "Other phone",
    "email": "Email",
    "fax": "Fax",
    "preferred_contact_method": "Preferred Contact Method",
    "messaging_name": "Name",
    "messaging_mobile": "Mobile phone",
    "messaging_phone": "Other phone",
    "messaging_email": "Email",
    "messaging_fax": "Fax",
}


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody on a page."""

    id: int
    person: Person

    @property
    def name(self) -> str:
        """As staff call them."""
        return f"{self.person.given_name} {self.person.family_name}".strip()


async def found(request: Request, number: int) -> Client:
    """The client with this number of ours; 404."""
    person = await shared(request).read(clients.find, number)
    if person is None:
        raise HTTPException(404)
    return Client(number, person)


async def viewed(request: Request, number: int, part: str) -> Client:
    """The same, and the look is written down."""
    client = await found(request, number)
    await shared(request).note(request, "client-viewed", f"client:{number}", {"part": part})
    return client


def values(person: Person) -> dict[str, str]:
    """The details by the names of an import's columns."""
    born, wish = person.birth_date, person.preferred
    told = {
        "id": person.external_id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "birth_date": born.isoformat() if born else "",
        "language": person.language,
        "time_zone": person.zone or "",
        "region": person.region or "",
        "preferred_contact_method": _METHOD_OF[wish] if wish else "",
        "use_client_detail_info": "yes" if person.use_details else "no",
        "messaging_name": person.contact_name or "",
    }
    for prefix, addresses in (("", person.details), ("messaging_", person.messaging)):
        told |= {f"{prefix}{name}": address for name, address in _addresses(addresses).items()}
    return told


def _addresses(of: Mapping[Channel, str]) -> dict[str, str]:
    mobile, called = of.get(Channel.SMS, ""), of.get(Channel.VOICE, "")
    return {
        "mobile": mobile,
        "phone": called if called != mobile else "",
        "email": of.get(Channel.EMAIL, ""),
        "fax": of.get(Channel.FAX, ""),
    }


def shown(told: Mapping[str, str], names: Sequence[str], *, clear: bool) -> list[tuple[str, str]]:
    """(label, value) of these details; addresses are masked unless `clear`."""
    rows = []
    for name in names:
        value = told[name]
        hidden = value and not clear and name.removeprefix("messaging_") in ADDRESSES
        rows.append((LABELS[name], mask(value) if hidden else value))
    return rows
