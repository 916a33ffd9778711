"""Files of other programs come in: understood, shown, corrected, written, and gone again."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import re
from pathlib import Path

import httpx
import pytest

from gateway.accounts.rules import SHIPPED
from gateway.console.headings import guessed, order_of
from gateway.console.import_shelf import Job, Shelf, harmless
from gateway.domain import Channel
from gateway.importing import Kind
from gateway.settings import Settings
from gateway.written import Order, Written, iso_day, iso_time
from store import accounts, audit, clients, finding
from store.accounts import Details
from store.audit import Wanted
from store.engine import Store
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC, Clock

CLIENTS = "MRN,First Name,Last Name,Cell Phone,E-mail,DOB,Consent,Shoe size\n"
COSTA = "7,Rosa,Costa,(202) 555-0143,rosa@example.org,3/25/1980,yes,38\n"


async def bring(
    browser: httpx.AsyncClient, kind: str, content: str | bytes, **more: str
) -> tuple[str, httpx.Response]:
    """Upload a file; the address of its page, and the page."""
    octets = content.encode() if isinstance(content, str) else content
    answer = await browser.post(f"/import/new/{kind}", files={"file": ("list.csv", octets)}, data=more)
    assert answer.status_code == 303, answer.text
    where = answer.headers["location"]
    return where, await browser.get(where)


async def write(browser: httpx.AsyncClient, where: str) -> str:
    """Import what was understood; the page that tells of it."""
    await browser.post(f"{where}/go")
    for _ in range(200):
        page = (await browser.get(where)).text
        if 'id="busy"' not in page:
            return page
        await asyncio.sleep(0.05)
    raise AssertionError("the import does not end")


def files(settings: Settings) -> list[Path]:
    return [path for path in (settings.folder / "imports").rglob("*") if path.is_file()]


async def test_fifty_appointments_are_in_after_four_clicks(
    browser: httpx.AsyncClient, store: Store, settings: Settings
) -> None:
    people = "".join(f"{n},Ann,Lee{n},,a{n}@example.org,,yes,\n" for n in range(50))
    where, page = await bring(browser, "clients", CLIENTS + people)
    assert "50 rows can be imported." in page.text
    assert "50 rows are imported." in await write(browser, where)
    rows = "".join(f"v{n};{n};3/{n % 28 + 1}/2027;9:30 AM;Check-up;Dr. Ito\n" for n in range(50))
    where, page = await bring(browser, "appointments", "Appt ID;Patient;Date;Time;Type;Provider\n" + rows)
    assert "50 rows can be imported." in page.text
    assert "Mon 1 Mar 2027, 09:30" in page.text
    page_after = await write(browser, where)
    assert "50 rows are imported." in page_after
    (ann,), _ = await store.read(finding.look, CLINIC, "lee7", 5)
    (visit,) = await store.read(clients.appointments, CLINIC, ann, 5)
    assert visit.starts_at.isoformat() == "2027-03-08T14:30:00+00:00"
    assert not [path for path in files(settings) if path.name == "rows.csv"]


async def test_the_rows_are_understood_shown_masked_and_saved_as_the_command_saves_them(
    browser: httpx.AsyncClient, store: Store
) -> None:
    where, page = await bring(browser, "clients", CLIENTS + COSTA)
    assert "One row can be imported." in page.text
    assert "Rosa Costa" in page.text
    assert "555-0143" not in page.text
    assert await store.read(finding.look, CLINIC, "costa", 5) == ([], None)
    await write(browser, where)
    (rosa,), _ = await store.read(finding.look, CLINIC, "costa", 5)
    person = await store.read(clients.find, CLINIC, rosa)
    assert person is not None
    assert person.details[Channel.SMS] == "+12025550143"
    assert str(person.birth_date) == "1980-03-25"
    lines = await store.read(audit.lines, CLINIC, Wanted(action="clients-imported"), 5)
    assert len(lines) == 1


async def test_a_column_that_is_not_understood_is_chosen_once_and_remembered(
    browser: httpx.AsyncClient, store: Store
) -> None:
    content = "MRN,First Name,Last Name,Whatsit\n7,Rosa,Costa,2025550143\n"
    where, page = await bring(browser, "clients", content)
    assert '<select name="c3" id="c3"><option value="">' in page.text
    chosen = {"c0": "id", "c1": "given_name", "c2": "family_name", "c3": "mobile", "order": "mdy"}
    await browser.post(f"{where}/columns", data=chosen)
    assert "••• 0143" in (await browser.get(where)).text
    _, page = await bring(browser, "clients", content)
    assert "••• 0143" in page.text


async def test_a_needed_column_that_is_missing_or_twice_is_asked_for(browser: httpx.AsyncClient) -> None:
    where, page = await bring(browser, "clients", "Key,First Name,Last Name\n7,Rosa,Costa\n")
    assert 'id="lacking"' in page.text
    assert 'id="go"' not in page.text
    twice = {"c0": "given_name", "c1": "given_name", "c2": "family_name"}
    answer = await browser.post(f"{where}/columns", data=twice)
    assert answer.status_code == 400
    assert "Two columns are the same" in answer.text
    assert (await browser.post(f"{where}/go")).status_code == 303
    assert 'id="go"' not in (await browser.get(where)).text


async def test_bad_lines_are_counted_and_come_back_as_a_harmless_file_that_can_be_imported_again(
    browser: httpx.AsyncClient, store: Store
) -> None:
    bad = '8,=HYPERLINK("x"),Gómez,12,,,,\n9,Ann,,+12025550144,,,,\n'
    where, page = await bring(browser, "clients", CLIENTS + COSTA + bad)
    assert "2 lines cannot be taken." in page.text
    answer = await browser.get(f"{where}/errors.csv")
    assert "attachment" in answer.headers["content-disposition"]
    heads, first, second = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert heads[-2:] == ["#", "Why"]
    assert first[1] == '\'=HYPERLINK("x")'
    assert first[-2:] == ["3", "Mobile phone: is not a telephone number that can exist"]
    assert second[3] == "'+12025550144"
    await write(browser, where)
    corrected = answer.content.decode("utf-8-sig").replace(",Ann,,", ",Ann,Lee,").replace(",12,", ",,")
    where, page = await bring(browser, "clients", corrected)
    assert "2 rows can be imported." in page.text
    await write(browser, where)
    (ann,), _ = await store.read(finding.look, CLINIC, "lee", 5)
    person = await store.read(clients.find, CLINIC, ann)
    assert person is not None
    assert person.details[Channel.SMS] == "+12025550144"


async def test_appointments_of_unknown_clients_are_told_before_anything_is_written(
    browser: httpx.AsyncClient,
) -> None:
    where, page = await bring(browser, "appointments", "id,client,starts_at\nv1,77,2027-03-01 09:30\n")
    assert "No row can be imported as it is" in page.text
    errors = (await browser.get(f"{where}/errors.csv")).text
    assert "is not known: import clients and staff first" in errors


async def test_files_in_older_letters_and_of_several_spreadsheets_are_understood(
    browser: httpx.AsyncClient,
) -> None:
    head, row = "Expediente;Nombre;Apellidos\n", "7;José;Núñez\n"
    _, latin = await bring(browser, "clients", (head + row).encode("cp1252"))
    assert "José Núñez" in latin.text
    assert "letters of an older program" in latin.text
    _, wide = await bring(browser, "clients", (head + row).replace(";", "\t").encode("utf-16"))
    assert "José Núñez" in wide.text
    assert "letters of an older program" not in wide.text


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"PK\x03\x04rest", "This is a spreadsheet"),
        (b"abc\x00def", "This is no CSV file"),
        (b"", "must name its columns"),
        (b"a" * 20_000_001, "more than 20 MB"),
        (b'id,given_name\n"' + b"x" * 200_000, "is not a CSV file"),
    ],
)
async def test_what_is_no_list_is_refused_and_not_kept(
    browser: httpx.AsyncClient, settings: Settings, content: bytes, why: str
) -> None:
    answer = await browser.post("/import/new/clients", files={"file": ("list.csv", content)})
    page = answer if answer.status_code == 400 else await browser.get(answer.headers["location"])
    assert why in page.text
    assert str(settings.folder) not in page.text
    if answer.status_code == 400:
        assert files(settings) == []


async def test_no_file_is_asked_for(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/import/new/clients", data={"x": "1"})
    assert "Choose a file first." in answer.text
    answer = await browser.post("/import/new/list", files={"file": ("a.csv", b"id\n1\n")})
    assert "Give the list a name first." in answer.text
    assert (await browser.get("/import/new/money")).status_code == 404


async def test_a_list_keeps_its_columns_as_placeholders(browser: httpx.AsyncClient) -> None:
    await write(browser, (await bring(browser, "clients", CLIENTS + COSTA))[0])
    where, page = await bring(browser, "list", "MRN,Desk\n7,4\n", name="Desks")
    assert "Desk" in page.text
    assert "One row is imported." in await write(browser, where)


async def test_the_file_is_private_and_goes_when_it_is_not_wanted(
    browser: httpx.AsyncClient, settings: Settings
) -> None:
    where, _ = await bring(browser, "clients", CLIENTS + COSTA)
    kept = files(settings)
    assert {path.name for path in kept} == {"rows.csv", "job.json"}
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert kept[0].parent.stat().st_mode & 0o777 == 0o700
    await browser.post(f"{where}/drop")
    assert files(settings) == []
    assert (await browser.get(where)).status_code == 404


async def test_what_is_older_than_a_day_is_swept_away(browser: httpx.AsyncClient, settings: Settings) -> None:
    await bring(browser, "clients", CLIENTS + COSTA)
    folder = files(settings)[0].parent
    await browser.get("/import")
    assert files(settings)
    os.utime(folder, (1, 1))
    await browser.get("/import")
    assert files(settings) == []


async def test_another_user_does_not_see_the_file(
    browser: httpx.AsyncClient, store: Store, clock: Clock, door: object
) -> None:
    where, _ = await bring(browser, "clients", CLIENTS + COSTA)
    await store.run(accounts.ship, CLINIC, SHIPPED)
    profile = next(
        one.id for one in await store.read(accounts.profiles, CLINIC) if one.shipped == "front-desk"
    )
    other = await store.run(accounts.add, CLINIC, Details("ben", "Ben", profile), clock())
    browser.cookies.clear()
    await come_in(browser, door, other)  # type: ignore[arg-type]
    assert (await browser.get("/import")).status_code == 200
    assert (await browser.get(where)).status_code == 404
    assert (await browser.post(f"{where}/go")).status_code == 404


def test_an_import_that_was_cut_off_can_be_begun_again(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    job = Job("a" * 32, Kind.CLIENTS, "a.csv", 1)
    shelf.add(job, b"id\n")
    job.state = "importing"
    shelf.keep(job)
    found = shelf.find(job.token, 1)
    assert found is not None
    assert found.state == "choosing"
    assert shelf.find("../../etc", 1) is None


@pytest.mark.parametrize(
    ("kind", "heading", "column"),
    [
        (Kind.CLIENTS, "Patient ID", "id"),
        (Kind.CLIENTS, "Nº de paciente", ""),
        (Kind.CLIENTS, "Teléfono móvil", "mobile"),
        (Kind.CLIENTS, "E-Mail", "email"),
        (Kind.CLIENTS, "messaging_consent", "messaging_consent"),
        (Kind.APPOINTMENTS, "Fecha y hora", "starts_at"),
        (Kind.APPOINTMENTS, "Provider", "clinician"),
        (Kind.RENEWALS, "Vencimiento", "due_on"),
        (Kind.CLIENTS, "Balance", ""),
    ],
)
def test_headings_are_guessed_in_english_and_spanish(kind: Kind, heading: str, column: str) -> None:
    assert guessed(kind, [heading], {}) == {heading: column}


def test_what_was_chosen_comes_first_and_no_column_is_guessed_twice() -> None:
    assert guessed(Kind.CLIENTS, ["Phone", "Home phone"], {}) == {"Phone": "phone", "Home phone": ""}
    assert guessed(Kind.CLIENTS, ["Phone", "Cell"], {"Phone": "mobile"}) == {"Phone": "mobile", "Cell": ""}
    assert guessed(Kind.CLIENTS, ["Email"], {"Email": ""}) == {"Email": ""}


@pytest.mark.parametrize(
    ("values", "country", "order"),
    [
        (["3/4/2026", "3/25/2026"], "ES", Order.MONTH_FIRST),
        (["3/4/2026", "25.3.2026"], "US", Order.DAY_FIRST),
        (["2026-03-04"], "US", Order.YEAR_FIRST),
        (["3/4/2026"], "US", Order.MONTH_FIRST),
        (["3/4/2026", "tomorrow"], "ES", Order.DAY_FIRST),
    ],
)
def test_the_order_of_days_is_that_of_the_values_or_of_the_country(
    values: list[str], country: str, order: Order
) -> None:
    assert order_of(values, country) is order


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("3/4/2026 2:30 PM", "2026-03-04 14:30"),
        ("3/4/26, 12:05 am", "2026-03-04 00:05"),
        ("3/4/2026 9 a.m.", "2026-03-04 09:00"),
        ("2026-03-04T09:30:00", "2026-03-04 09:30"),
        ("2026-03-04 09:30:00+02:00", "2026-03-04 09:30:00+02:00"),
        ("tomorrow at nine", "tomorrow at nine"),
        ("3/4/2026 13:00 PM", "2026-03-04 13:00 PM"),
    ],
)
def test_days_and_times_of_other_programs_become_ours(written: str, read: str) -> None:
    assert iso_time(iso_day(written, Order.MONTH_FIRST)) == read


def test_a_birth_in_two_figures_is_of_the_last_century_where_it_must_be() -> None:
    assert iso_day("25/3/80", Order.DAY_FIRST) == "1980-03-25"
    row = {"birth_date": "4/3/2010", "": "x", "mobile": "'+1202"}
    assert Written({}, Order.DAY_FIRST).row(row) == {"birth_date": "2010-03-04", "mobile": "+1202"}


@pytest.mark.parametrize("value", ["=1", "+1", "-1", "@a", "\ta", "\ra"])
def test_no_value_becomes_a_formula(value: str) -> None:
    assert harmless(value) == f"'{value}"
    assert not re.match(r"[=+@\t\r-]", harmless(value))
    assert harmless("a=1") == "a=1"
