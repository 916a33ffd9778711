"""The parts of a client's page: consent with its history, documents, visits, messages, texts, and why."""

from __future__ import annotations

import hashlib
import io
from datetime import date, timedelta

import httpx
import pytest
from PIL import Image

from gateway.domain import Channel, RecipientKind
from gateway.settings import Settings
from store import clients, conversations, ledger, register, renewals
from store.engine import Store
from store.people import Person, Visit
from store.renewals import Renewal
from tests.console.console_day import CLINIC, Clock, Day
from tests.console.test_console_clients import NUMBER, deeds


def _picture() -> bytes:
    written = io.BytesIO()
    Image.new("L", (60, 40), 200).save(written, "PNG")
    return written.getvalue()


PNG = _picture()


@pytest.fixture
async def rosa(store: Store, clock: Clock) -> int:
    """A client with a number and a mailbox, who has said nothing of messages."""
    details = {Channel.VOICE: NUMBER, Channel.SMS: NUMBER, Channel.EMAIL: "rosa@example.org"}
    person = Person(RecipientKind.CLIENT, "MRN-7", "Rosa", "Costa", "en", details=details)
    return await store.run(register.save_person, CLINIC, person, clock())


async def said(store: Store, number: int) -> list[tuple[bool, str | None, str | None, str, str]]:
    """(given, channel, address, purpose, by) of the ledger about somebody, oldest first."""
    lines = await store.read(ledger.history, CLINIC, number)
    return [(one.given, one.channel, one.address, one.purpose, one.by) for one in lines]


async def test_the_box_gives_and_takes_back_with_who_and_when(
    browser: httpx.AsyncClient, store: Store, rosa: int
) -> None:
    where = f"/clients/{rosa}/consent"
    assert ">Not given<" in (await browser.get(where)).text
    answer = await browser.post(where, data={"form": "box", "given": "yes", "source": "staff"})
    assert answer.headers["location"] == f"{where}?done=written"
    page = (await browser.get(where)).text
    assert ">Given<" in page
    assert "Ada Administrator" in page
    assert "consent of the" not in page
    assert "consent given by staff on 10 Mar 2026" in page
    await browser.post(where, data={"form": "box"})
    assert [one[0] for one in await said(store, rosa)] == [True, False]
    assert (await deeds(store, f"client:{rosa}"))[0] == "consent-withdrawn"


async def test_one_address_and_channel_are_taken_back_without_the_address_in_the_form(
    browser: httpx.AsyncClient, store: Store, rosa: int
) -> None:
    where = f"/clients/{rosa}/consent"
    await browser.post(where, data={"form": "box", "given": "yes"})
    page = (await browser.get(where)).text
    assert NUMBER not in page
    assert "rosa@example.org" not in page
    fine = {"given": "no", "channel": "email", "address": "2", "purpose": "messaging", "source": "email"}
    await browser.post(where, data=fine)
    newest = (await said(store, rosa))[-1]
    assert newest == (False, "email", "rosa@example.org", "messaging", "Ada Administrator")
    assert (await browser.post(where, data=fine | {"address": "9"})).status_code == 400
    assert (await browser.post(where, data=fine | {"source": "import"})).status_code == 400
    assert len(await said(store, rosa)) == 2


async def test_marketing_needs_a_document_that_was_stored(
    browser: httpx.AsyncClient, store: Store, settings: Settings, rosa: int
) -> None:
    where = f"/clients/{rosa}/documents"
    answer = await browser.post(where, files={"file": ("form.png", PNG)})
    assert answer.status_code == 303, answer.text
    (document,) = await store.read(clients.documents, CLINIC, rosa, 5)
    assert document.sha256 == hashlib.sha256(PNG).hexdigest()
    assert document.by == "Ada Administrator"
    page = (await browser.get(f"{where}/{document.id}")).text
    assert document.sha256 in page
    assert f'src="{where}/{document.id}/file"' in page
    file = await browser.get(f"{where}/{document.id}/file")
    assert (file.content, file.headers["content-type"]) == (PNG, "image/png")
    fine = {"given": "yes", "purpose": "marketing"}
    assert (await browser.post(f"/clients/{rosa}/consent", data=fine)).status_code == 400
    await browser.post(f"/clients/{rosa}/consent", data=fine | {"document": str(document.id)})
    assert [one[3] for one in await said(store, rosa)] == ["marketing"]
    assert {"document-stored", "document-viewed", "consent-given"} <= set(
        await deeds(store, f"client:{rosa}")
    )
    (settings.signed_documents / document.sha256).write_bytes(b"something else")
    assert (await browser.get(f"{where}/{document.id}/file")).status_code == 409


@pytest.mark.parametrize("content", [b"<html><script>alert(1)</script>", b"%PDF-1.4 broken", b""])
async def test_what_is_no_document_is_not_kept(
    browser: httpx.AsyncClient, store: Store, settings: Settings, rosa: int, content: bytes
) -> None:
    answer = await browser.post(f"/clients/{rosa}/documents", files={"file": ("form.pdf", content)})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert await store.read(clients.documents, CLINIC, rosa, 5) == []
    assert not settings.signed_documents.exists()


async def test_a_document_of_another_client_is_not_shown(
    browser: httpx.AsyncClient, store: Store, clock: Clock, rosa: int
) -> None:
    await browser.post(f"/clients/{rosa}/documents", files={"file": ("form.png", PNG)})
    (document,) = await store.read(clients.documents, CLINIC, rosa, 5)
    other = Person(RecipientKind.CLIENT, "MRN-8", "Ann", "Lee", "en")
    ann = await store.run(register.save_person, CLINIC, other, clock())
    for ending in ("", "/file", "/pages/1.png"):
        assert (await browser.get(f"/clients/{ann}/documents/{document.id}{ending}")).status_code == 404


async def test_visits_and_renewals_are_shown_with_what_the_client_said(
    browser: httpx.AsyncClient, store: Store, clock: Clock, rosa: int
) -> None:
    where = f"/clients/{rosa}/appointments"
    assert "/import/new/appointments" in (await browser.get(where)).text
    visit = Visit("v1", "MRN-7", None, clock() + timedelta(days=1), "Check-up", "Dr. Ito")
    await store.run(register.save_visit, CLINIC, visit)
    due = Renewal("r1", RecipientKind.CLIENT, "MRN-7", "Referral", date(2026, 9, 1))
    await store.run(renewals.save, CLINIC, [due], lambda _: None, clock())
    page = (await browser.get(where)).text
    assert "Check-up" in page
    assert ">Booked<" in page
    assert "Referral" in page
    await store.run(lambda conn: conn.exec_driver_sql("UPDATE appointment SET confirmed_at = starts_at"))
    assert ">Confirmed<" in (await browser.get(where)).text


async def test_messages_of_the_client_are_listed_with_links(browser: httpx.AsyncClient, day: Day) -> None:
    _, (first, second) = await day.broadcast("Flu shots", Channel.SMS, 2)
    page = (await browser.get("/clients/1/messages")).text
    assert f'href="/messages/{first}"' in page
    assert f'href="/messages/{second}"' not in page
    assert "Flu shots" in page


async def test_a_text_is_written_to_the_client_and_shown_with_the_answer_box(
    browser: httpx.AsyncClient, store: Store, rosa: int
) -> None:
    where = f"/clients/{rosa}/conversation"
    assert "Nothing was written yet." in (await browser.get(where)).text
    answer = await browser.post(where, data={"body": "The parking lot is closed."})
    assert answer.headers["location"] == f"{where}?done=sent"
    page = (await browser.get(where)).text
    assert "The parking lot is closed." in page
    assert "Ada Administrator" in page
    heading = await store.read(conversations.with_address, CLINIC, NUMBER)
    assert heading is not None
    wrong = await browser.post(where, data={"body": "   "})
    assert wrong.status_code == 400
    await browser.post(where, data={"body": "It is open again."})
    assert len(await store.read(conversations.lines, CLINIC, NUMBER)) == 2


async def test_why_is_told_in_the_users_language(browser: httpx.AsyncClient, day: Day) -> None:
    await day.broadcast("Flu shots", Channel.SMS, 1, reason="no-consent")
    page = (await browser.get("/clients/1/why")).text
    assert "If something were sent now:" in page
    assert "No consent on record" in page
    await browser.post("/me/language", data={"language": "es"})
    page = (await browser.get("/clients/1/why")).text
    assert "Si se enviara algo ahora:" in page
    assert "No consent on record" not in page


@pytest.mark.parametrize("part", ["consent", "documents", "appointments", "messages", "conversation", "why"])
async def test_each_look_is_noted_and_nobody_else_is_there(
    browser: httpx.AsyncClient, store: Store, rosa: int, part: str
) -> None:
    page = await browser.get(f"/clients/{rosa}/{part}")
    assert page.status_code == 200, page.text
    assert "Rosa" not in page.text.split("</title>")[0]
    assert (await deeds(store, f"client:{rosa}"))[0] == "client-viewed"
    assert (await browser.get(f"/clients/999/{part}")).status_code == 404
