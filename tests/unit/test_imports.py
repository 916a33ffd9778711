"""CSV files: every bad value is told with its line and column, the rest is taken."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway import imports
from gateway.__main__ import app
from gateway.domain import Channel, RecipientKind
from gateway.imports import ImportFileError, Problem
from gateway.settings import Clinic

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CLINIC = Clinic(zone="America/New_York")
HEAD = "id,given_name,family_name,mobile,email,preferred_contact_method,time_zone\n"


@pytest.fixture
def write(tmp_path):
    def written(text: str | bytes) -> Path:
        file = tmp_path / "file.csv"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    return written


def test_the_examples_are_the_contract():
    clients = imports.read_clients(EXAMPLES / "clients.csv", CLINIC)
    staff = imports.read_staff(EXAMPLES / "staff.csv", CLINIC)
    visits = imports.read_appointments(EXAMPLES / "appointments.csv", CLINIC)
    assert (clients.problems, staff.problems, visits.problems) == ([], [], [])
    assert (len(clients.rows), len(staff.rows), len(visits.rows)) == (6, 2, 5)
    heads = (EXAMPLES / "clients.csv").read_text().splitlines()[0].split(",")
    assert set(heads) == set(imports.CLIENT_COLUMNS)


def test_a_mobile_takes_calls_and_texts_and_a_landline_only_calls():
    rows = {
        person.external_id: person
        for _, person in imports.read_clients(EXAMPLES / "clients.csv", CLINIC).rows
    }
    assert rows["C1002"].details == {Channel.VOICE: "+13125551004", Channel.SMS: "+13125551004"}
    assert rows["C1003"].details == {Channel.VOICE: "+12125551107", Channel.EMAIL: "elena@example.org"}
    assert rows["C1004"].use_details is False
    assert rows["C1004"].messaging[Channel.EMAIL] == "parent.ito@example.org"
    assert (rows["C1004"].contact_name, rows["C1004"].contact_consent) == ("Mary Ito", True)
    assert (rows["C1001"].contact_name, rows["C1001"].contact_consent) == (None, None)
    assert [rows[name].shares for name in ("C1001", "C1002", "C1004")] == [True, False, None]


@pytest.mark.parametrize(
    ("written", "read"),
    [("tx", "US-TX"), ("US-TX", "US-TX"), ("us", "US"), ("CA-ON", "CA-ON"), ("CA", "US-CA"), ("", None)],
)
def test_a_state_alone_is_one_of_the_clinics_country(write, written, read):
    head = "id,given_name,family_name,region\n"
    parsed = imports.read_clients(write(f"{head}1,Ana,Diaz,{written}\n"), CLINIC)
    assert [person.region for _, person in parsed.rows] == [read]
    (problem,) = imports.read_clients(write(f"{head}1,Ana,Diaz,Texas\n"), CLINIC).problems
    assert (problem.line, problem.column) == (2, "region")


def test_times_without_an_offset_are_the_clinics():
    rows = {
        visit.external_id: visit
        for _, visit in imports.read_appointments(EXAMPLES / "appointments.csv", CLINIC).rows
    }
    assert rows["A9001"].starts_at == datetime(2027, 3, 1, 14, 30, tzinfo=UTC)
    assert rows["A9004"].starts_at == datetime(2027, 3, 1, 16, 0, tzinfo=UTC)


RENEWAL_HEAD = "id,client,staff,name,due_on,status\n"


def test_renewals_are_of_a_client_or_of_staff():
    renewals = imports.read_renewals(EXAMPLES / "renewals.csv")
    assert renewals.problems == []
    assert [(row.person, row.kind, row.due_on.month) for _, row in renewals.rows] == [
        ("C1001", RecipientKind.CLIENT, 3),
        ("C1003", RecipientKind.CLIENT, 3),
        ("S1", RecipientKind.STAFF, 4),
    ]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("1,,,Licence,2027-03-12,", "client", "names nobody"),
        ("1,C1,S1,Licence,2027-03-12,", "client", "one of them"),
        ("1,C1,,,2027-03-12,", "name", "is empty"),
        ("1,C1,,Licence,,", "due_on", "is empty"),
        ("1,C1,,Licence,12.3.2027,", "due_on", "is not a date"),
        ("1,C1,,Licence,2027-03-12,lost", "status", "is not one of open, renewed, cancelled"),
    ],
)
def test_a_bad_renewal_is_told_with_line_and_column(write, row, column, reason):
    parsed = imports.read_renewals(write(f"{RENEWAL_HEAD}{row}\n2,C1,,Licence,2027-03-12,\n"))
    assert [renewal.external_id for _, renewal in parsed.rows] == ["2"]
    (problem,) = parsed.problems
    assert (problem.line, problem.column) == (2, column)
    assert reason in problem.reason


def test_the_columns_of_a_list_are_free(write):
    columns, parsed = imports.read_list(write("id,Desk,Opens_at\nC1,4,9 to 5\nC2,,\n"))
    assert columns == ("Desk", "Opens_at")
    assert [(row.person, row.values) for _, row in parsed.rows] == [
        ("C1", {"Desk": "4", "Opens_at": "9 to 5"}),
        ("C2", {"Desk": "", "Opens_at": ""}),
    ]


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        ("Desk", "lacks the column id"),
        ("id,Pick up", "cannot be a placeholder"),
        ("id,ClientName", "is there already"),
        ("id,Balance", r"speaks of money \(balance\)"),
        ("id,AmountDue", "speaks of money"),
        ("id,co_pay,total_owed", r"speaks of money \(owed\)"),
        ("id,DEUDA", "speaks of money"),
    ],
)
def test_a_list_with_a_column_that_cannot_be_used_is_refused(write, head, complaint):
    with pytest.raises(ImportFileError, match=complaint):
        imports.read_list(write(f"{head}\nC1,1,1\n"))


@pytest.mark.parametrize("value", ["$12", "12.50 €", "120 USD", "£ 3"])
def test_an_amount_of_money_in_a_list_is_told(write, value):
    _, parsed = imports.read_list(write(f"id,Note\nC1,{value}\nC2,Suite 120\n"))
    assert [row.person for _, row in parsed.rows] == ["C2"]
    assert parsed.problems == [Problem(2, "Note", "is an amount of money: lists are free of balances")]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("1,Ana,Diaz,911,,,", "mobile", "can exist"),
        ("1,Ana,Diaz,+1 212 555,,,", "mobile", "can exist"),
        ("1,Ana,Diaz,hello,,,", "mobile", "not a telephone number"),
        ("1,Ana,Diaz,,ana at home,,", "email", "not an email"),
        ("1,Ana,Diaz,,ana@x.org>,,", "email", "not an email"),
        ("1,Ana,Diaz,,,pigeon,", "preferred_contact_method", "is not voice"),
        ("1,Ana,Diaz,,,,Mars/Base", "time_zone", "time zone"),
        (",Ana,Diaz,,,,", "id", "is empty"),
        ("1,,Diaz,,,,", "given_name", "is empty"),
        ('1,"Ana\r\nAction: Originate",Diaz,,,,', "given_name", "control character"),
        ("1,Ana,Diaz,,,,,,surplus", "", "more values"),
    ],
)
def test_a_bad_value_is_told_with_line_and_column_and_the_rest_is_taken(write, row, column, reason):
    parsed = imports.read_clients(write(HEAD + row + "\n2,Ben,Evans,+1 212 555 0001,,,\n"), CLINIC)
    assert [person.external_id for _, person in parsed.rows] == ["2"]
    (problem,) = parsed.problems
    assert problem.column == column
    assert reason in problem.reason
    assert problem.line in (2, 3)


def test_a_number_that_stands_twice_is_told(write):
    parsed = imports.read_clients(write(HEAD + "1,Ana,Diaz,,,,\n1,Ben,Evans,,,,\n"), CLINIC)
    assert len(parsed.rows) == 1
    assert parsed.problems == [Problem(3, "id", "stands already on line 2")]


def test_unknown_columns_are_told_and_ignored(write):
    parsed = imports.read_staff(write("id,given_name,family_name,shoe_size\n1,Ana,Diaz,38\n"), CLINIC)
    assert len(parsed.rows) == 1
    assert parsed.problems == [Problem(1, "shoe_size", "is not a known column; its values are ignored")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("name\nAna\n", "lacks the column family_name, given_name, id"),
        ("", "lacks the column"),
        (b"id,given_name,family_name\n1,\xff\xfe,x\n", "not UTF-8"),
        (b"id,given_name,family_name\n1,a\x00b,x\n", "not a CSV file|control character"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(write, content, complaint):
    try:
        parsed = imports.read_clients(write(content), CLINIC)
    except ImportFileError as error:
        message = str(error)
    else:
        message = parsed.problems[0].reason
    assert any(part in message for part in complaint.split("|"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ImportFileError, match=r"cannot read .*nowhere\.csv"):
        imports.read_clients(tmp_path / "nowhere.csv", CLINIC)


@given(st.binary(max_size=400))
def test_no_bytes_make_the_import_fail_in_another_way(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("csv") / "any.csv"
    file.write_bytes(b"id,given_name,family_name,mobile,email\n" + content)
    try:
        parsed = imports.read_clients(file, CLINIC)
    except ImportFileError:
        return
    for _, person in parsed.rows:
        values = [person.given_name, person.family_name, *person.details.values()]
        assert all(character.isprintable() or ord(character) > 127 for value in values for character in value)


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("clients", imports.CLIENT_COLUMNS),
        ("staff", imports.PERSON_COLUMNS),
        ("appointments", imports.APPOINTMENT_COLUMNS),
        ("renewals", imports.RENEWAL_COLUMNS),
    ],
)
def test_the_help_of_an_import_names_its_columns(kind, columns):
    told = CliRunner().invoke(app, ["import", kind, "--help"], env={"COLUMNS": "80"}).output
    assert set(columns) <= set(re.findall(r"\w+", told))
