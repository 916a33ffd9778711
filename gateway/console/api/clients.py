"""Clients, appointments and consent from other programs: taken as an import takes them, one at a time."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from gateway import consents
from gateway.consents import ConsentError, Wish
from gateway.console.once import OnceRoute, creating
from gateway.console.shared import me, shared
from gateway.domain import Channel, Party, Purpose, RecipientKind, Source
from gateway.imports import BadValueError, person_of, visit_of
from store import register
from store.people import Visit

router = APIRouter(prefix="/api", route_class=OnceRoute)


class Values(BaseModel):
    """What an import's columns are called; what is left out is as an empty column."""

    model_config = ConfigDict(extra="forbid", str_max_length=500)

    def columns(self) -> dict[str, str]:
        """As a row of a file has them."""
        given = self.model_dump(exclude_none=True)
        return {name: _column(value) for name, value in given.items()}


def _column(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


class Client(Values):
    """A client; `id` is that of the practice system, and names the one to be changed."""

    id: str
    given_name: str
    family_name: str
    mobile: str = ""
    phone: str = ""
    email: str = ""
    fax: str = ""
    language: str = ""
    time_zone: str = ""
    preferred_contact_method: str = ""
    messaging_consent: bool | None = None
    region: str = ""
    use_client_detail_info: bool | None = None
    messaging_name: str = ""
    messaging_contact_consent: bool | None = None
    share_with_family: bool | None = None
    messaging_mobile: str = ""
    messaging_phone: str = ""
    messaging_email: str = ""
    messaging_fax: str = ""
    birth_date: str = ""


class Appointment(Values):
    """An appointment; `client` and `staff` are ids of the practice system."""

    id: str
    client: str
    staff: str = ""
    starts_at: str = Field(description="By the clinic's clock, or with an offset: 2026-03-12T09:30")
    service: str = ""
    clinician: str = ""
    status: str = ""


class Said(BaseModel):
    """What a client, or their messaging contact, gives or withdraws; what is left out means all of them."""

    model_config = ConfigDict(extra="forbid", str_max_length=500)
    client: str
    given: bool
    channel: Channel | None = None
    address: str | None = None
    purpose: Purpose = Purpose.MESSAGING
    party: Party | None = None


@router.post("/clients", status_code=201)
@creating
async def save_client(request: Request, client: Client) -> dict[str, Any]:
    """Add or update a client by the id of the practice system, as an import does."""
    console = shared(request)
    try:
        person = person_of(client.columns(), RecipientKind.CLIENT, console.settings.clinic)
    except BadValueError as error:
        raise _bad(error) from error
    now = console.store.clock()
    number = await console.change(request, "client-saved", "client:", register.save_person, person, now)
    return {"id": number}


@router.post("/appointments", status_code=201)
@creating
async def save_appointment(request: Request, appointment: Appointment) -> dict[str, Any]:
    """Add or update an appointment, as an import does; messages about one that moves follow it."""
    console = shared(request)
    try:
        visit = visit_of(appointment.columns(), console.settings.clinic)
    except BadValueError as error:
        raise _bad(error) from error
    calendars, now = bool(console.settings.clinic.visit_minutes), console.store.clock()

    def save(conn: Connection, clinic: int, visit: Visit) -> None:
        if register.save_visits(conn, clinic, [visit], calendars_at=now if calendars else None, now=now):
            raise HTTPException(400, "client or staff: is not known, save them first")

    await console.change(request, "appointment-saved", "", save, visit)
    return {"saved": appointment.id}


@router.post("/consents", status_code=201)
@creating
async def write_consent(request: Request, said: Said) -> dict[str, Any]:
    """Write down what a client said; the ledger keeps everything that was said before."""
    console = shared(request)
    country, now = console.settings.clinic.country, console.store.clock()
    try:
        address = consents.address_of(said.address, country) if said.address else None
        wish = Wish(said.given, said.channel, address, said.purpose, said.party, Source.STAFF)
        args = said.client, wish, None, me(request).name, now
        await console.change(request, "consent-written", "", consents.write, *args)
    except ConsentError as error:
        raise HTTPException(400, str(error)) from error
    return {"written": True}


def _bad(error: BadValueError) -> HTTPException:
    return HTTPException(400, f"{error.column}: {error.reason}")
