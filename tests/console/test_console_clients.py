"""Clients in the console: found, shown masked, edited as an import would, and noted each time."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from gateway.domain import Channel, RecipientKind
from store import audit, clients, register
from store.audit import Wanted
from store.engine import Store
from store.people import Person, Visit
from tests.console.console_day import CLINIC, Clock

NUMBER = "+12025550143"


@pytest.fixture
async def rosa(store: Store, clock: Clock) -> int:
    """A client with a number and a mailbox."""
    details = {Channel.VOICE: NUMBER, Channel.SMS: NUMBER, Channel.EMAIL: "rosa@example.org"}
    person = Person(RecipientKind.CLIENT, "MRN-7", "Rosa", "Costa", "en", details=details, consent=True)
    number = await store.run(register.save_person, CLINIC, person, clock())
    visit = Visit("v1", "MRN-7", None, clock() + timedelta(days=1), "Check-up", "Dr. Ito")
    assert await store.run(register.save_visit, CLINIC, visit)
    return number


async def deeds(store: Store, about: str = "") -> list[str]:
    """What was done or looked at, newest first."""
    lines = await store.read(audit.lines, CLINIC, Wanted(about=about), 50)
    return [line.action for line in lines]


def form_of(page: str) -> dict[str, str]:
    """The values of a page's text fields."""
    import re

    found = {}
    for field in re.findall(r"<input [^>]*>", page):
        values = dict(re.findall(r'([a-z-]+)="([^"]*)"', field))
        if values.get("type") not in ("hidden", "checkbox"):
            found[values["name"]] = values.get("value", "")
    return found


async def test_without_clients_the_page_offers_the_import(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/clients")).text
    assert "There are no clients yet" in page
    assert 'href="/import/new/clients"' in page


async def test_a_client_is_found_by_the_end_of_a_number_and_no_address_has_the_name(
    browser: httpx.AsyncClient, rosa: int
) -> None:
    found = await browser.post("/clients", data={"text": "0143"})
    assert "Costa, Rosa" in found.text
    assert f'href="/clients/{rosa}"' in found.text
    assert "11 Mar 11:30" in found.text
    assert str(found.url).endswith("/clients")
    nobody = await browser.post("/clients", data={"text": "zz"})
    assert "Nobody is found" in nobody.text
    assert "Costa" not in nobody.text


async def test_pages_of_clients_follow_each_other(
    browser: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    people = [Person(RecipientKind.CLIENT, f"c{n}", "Ann", f"Lee{n:03}", "en") for n in range(70)]
    await store.run(register.save_people, CLINIC, people, clock())
    first = (await browser.get("/clients")).text
    assert first.count("Lee") == 50
    place = form_of(first.replace('type="hidden" name="page"', 'name="page"'))["page"]
    second = (await browser.post("/clients", data={"page": place})).text
    assert "Lee050" in second
    assert "Lee049" not in second
    assert "More clients" not in second
    assert (await browser.post("/clients", data={"page": "x y"})).status_code == 400


async def test_numbers_are_masked_until_they_are_asked_for_and_asking_is_noted(
    browser: httpx.AsyncClient, store: Store, rosa: int
) -> None:
    page = (await browser.get(f"/clients/{rosa}")).text
    assert NUMBER not in page
    assert "rosa@example.org" not in page
    assert "+1 202 ••• 0143" in page
    assert "<title>Client " in page
    assert await deeds(store, f"client:{rosa}") == ["client-viewed"]
    page = (await browser.post(f"/clients/{rosa}/reveal")).text
    assert NUMBER in page
    assert "rosa@example.org" in page
    assert await deeds(store, f"client:{rosa}") == ["client-addresses-shown", "client-viewed"]


async def test_details_are_saved_as_an_import_saves_them(
    browser: httpx.AsyncClient, store: Store, rosa: int
) -> None:
    form = form_of((await browser.get(f"/clients/{rosa}/edit")).text)
    assert form["mobile"] == NUMBER
    changed = form | {"mobile": "(202) 555-0199", "email": "Rosa@Example.ORG", "birth_date": "1980-03-05"}
    answer = await browser.post(f"/clients/{rosa}/edit", data=changed)
    assert answer.headers["location"] == f"/clients/{rosa}?done=saved"
    person = await store.read(clients.find, CLINIC, rosa)
    assert person is not None
    assert person.details[Channel.SMS] == "+12025550199"
    assert person.details[Channel.EMAIL] == "rosa@example.org"
    assert str(person.birth_date) == "1980-03-05"
    assert "client-changed" in await deeds(store, f"client:{rosa}")
    await browser.post(f"/clients/{rosa}/edit", data=changed | {"birth_date": "", "fax": "", "email": ""})
    person = await store.read(clients.find, CLINIC, rosa)
    assert person is not None
    assert person.birth_date is None
    assert set(person.details) == {Channel.VOICE, Channel.SMS}


async def test_a_wrong_number_is_told_and_what_was_typed_stays(
    browser: httpx.AsyncClient, store: Store, rosa: int
) -> None:
    form = form_of((await browser.get(f"/clients/{rosa}/edit")).text)
    answer = await browser.post(
        f"/clients/{rosa}/edit", data=form | {"mobile": "12", "given_name": "Rosalía"}
    )
    assert answer.status_code == 400
    assert "Mobile phone: is not a telephone number" in answer.text
    assert form_of(answer.text)["given_name"] == "Rosalía"
    person = await store.read(clients.find, CLINIC, rosa)
    assert person is not None
    assert person.given_name == "Rosa"


async def test_somebody_else_can_be_told_by_their_preferred_method(
    browser: httpx.AsyncClient, store: Store, rosa: int
) -> None:
    typed = {
        "preferred_contact_method": "email",
        "messaging_name": "Ana",
        "messaging_email": "ana@example.org",
    }
    await browser.post(f"/clients/{rosa}/contact", data=typed)
    person = await store.read(clients.find, CLINIC, rosa)
    assert person is not None
    assert (person.preferred, person.use_details, person.contact_name) == (Channel.EMAIL, False, "Ana")
    assert person.messaging == {Channel.EMAIL: "ana@example.org"}
    assert person.details[Channel.SMS] == NUMBER
    page = (await browser.get(f"/clients/{rosa}")).text
    assert "a•••@example.org" in page
    await browser.post(f"/clients/{rosa}/contact", data=typed | {"use_client_detail_info": "yes"})
    person = await store.read(clients.find, CLINIC, rosa)
    assert person is not None
    assert person.use_details


async def test_who_is_not_there_is_not_shown(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/clients/999")).status_code == 404
    assert (await browser.post("/clients/999/reveal")).status_code == 404
