"""Mails written by hand, read back by the standard library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.channels.email_letter import Letterhead, stuffed
from gateway.channels.email_logo import logo_part
from gateway.channels.email_mime import check_mail, mailbox
from gateway.channels.email_return import ReturnPath, Seal
from gateway.domain import LOGO, Attachment, ContentError, Invitation, Mail, UnsafeValueError

AT = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
SENDER = mailbox("reminders@clinic.example")
TO = mailbox("jane@home.example")
SEAL = Seal(b"secret")
BACK = ReturnPath(SEAL, SENDER)
VISIT = Invitation("visit-1-5", AT, AT + timedelta(minutes=30), "Appointment")
HTML = "<!doctype html><p>Dear Jane</p>"


def _octets(mail: Mail, clinic: str = "Example Clinic") -> bytes:
    return Letterhead(SENDER, clinic, BACK).message("rw-1-7-1", mail, TO, AT)


def _read(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets, policy=policy.default)


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return part.get_payload(decode=True).decode().rstrip("\r\n")  # type: ignore[union-attr]


def test_a_mail_has_its_headers_and_both_parts() -> None:
    message = _read(_octets(Mail("Your appointment", "Dear Jane\n\nSee you", HTML, "Jane Doe")))
    assert message["From"] == "Example Clinic <reminders@clinic.example>"
    assert message["To"] == "Jane Doe <jane@home.example>"
    assert message["Subject"] == "Your appointment"
    assert message["Message-ID"] == "<rw-1-7-1@clinic.example>"
    assert message["Date"].datetime == AT
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert (_body(message, "plain"), _body(message, "html")) == ("Dear Jane\r\n\r\nSee you", HTML)


def test_files_and_an_appointment_travel_beside_the_letter() -> None:
    files = (
        Attachment("the way.pdf", "application/pdf", bytes(range(256)) * 10),
        Attachment('Größe "1".txt', "text/plain", b"a"),
    )
    mail = Mail("Your visit", "Dear Jane", HTML, "Jane Doe", VISIT, files)
    message = _read(_octets(mail))
    letter, first, second = message.iter_parts()
    kinds = [part.get_content_type() for part in letter.iter_parts()]  # type: ignore[union-attr]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    calendar = list(letter.iter_parts())[2]  # type: ignore[union-attr]
    assert calendar.get_param("method") == "REQUEST"
    assert b"BEGIN:VEVENT" in calendar.get_payload(decode=True)
    assert (first.get_filename(), first.get_payload(decode=True)) == ("the way.pdf", files[0].octets)
    assert (second.get_filename(), second.get_payload(decode=True)) == (files[1].name, b"a")


def test_the_logo_is_a_part_of_the_page_that_shows_it(tmp_path: Path) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    letterhead = Letterhead(SENDER, "Clinic", BACK, logo=logo_part(str(file)))
    shown = _read(letterhead.message("rw-1-7-1", Mail("a", "b", f'<img src="cid:{LOGO}" alt="c">'), TO, AT))
    assert not shown.defects
    plain, page = shown.iter_parts()
    assert page.get_content_type() == "multipart/related"
    html, image = page.iter_parts()  # type: ignore[union-attr]
    assert html.get_content_type() == "text/html"
    assert (image["Content-ID"], image.get_payload(decode=True)) == (f"<{LOGO}>", file.read_bytes())
    assert plain.get_content_type() == "text/plain"
    bare = _read(letterhead.message("rw-1-7-1", Mail("a", "b", HTML), TO, AT))
    assert [one.get_content_type() for one in bare.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("name", ["a\r\nBcc: eve@evil.example", "a\0.pdf"])
def test_a_file_name_never_becomes_a_header(name: str) -> None:
    mail = Mail("Your visit", "Dear Jane", HTML, "", None, (Attachment(name, "text/plain", b""),))
    with pytest.raises(UnsafeValueError):
        check_mail(mail)
    with pytest.raises(UnsafeValueError):
        _octets(mail)


def test_without_a_public_address_people_unsubscribe_by_mail() -> None:
    message = _read(_octets(Mail("Your visit", "Dear Jane", HTML)))
    token = SEAL.token("rw-1-7-1")
    assert message["List-Unsubscribe"] == f"<mailto:reminders@clinic.example?subject=unsubscribe%20{token}>"
    assert message["List-Unsubscribe-Post"] is None
    assert message["Reply-To"] is None


def test_with_a_public_address_one_click_unsubscribes() -> None:
    back = ReturnPath(SEAL, SENDER, "back.clinic.example", "https://reach.clinic.example/")
    letterhead = Letterhead(SENDER, "Clinic", back)
    message = _read(letterhead.message("rw-1-7-1", Mail("Your visit", "Dear Jane", HTML), TO, AT))
    token = SEAL.token("rw-1-7-1")
    assert message["List-Unsubscribe"] == (
        f"<https://reach.clinic.example/u/{token}>, <mailto:unsubscribe+{token}@back.clinic.example>"
    )
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Reply-To"] == f"reply+{token}@back.clinic.example"
    assert letterhead.envelope("rw-1-7-1").address == f"bounces+{token}@back.clinic.example"


def test_a_token_of_ours_is_known_and_no_other() -> None:
    token = SEAL.token("rw-1-7-1")
    assert SEAL.attempt(token) == SEAL.attempt(token.upper()) == "rw-1-7-1"
    assert Seal(b"other").attempt(token) is None
    for place in range(len(token)):
        changed = token[:place] + ("a" if token[place] != "a" else "b") + token[place + 1 :]
        assert SEAL.attempt(changed) is None
    for text in ("", ".", "rw-1-7-1", "rw-1-7-1.", "ü.ü", token + "a"):
        assert SEAL.attempt(text) is None


def test_the_longest_bounce_address_fits_its_64_characters() -> None:
    token = SEAL.token(f"rw-999-{10**12}-99")
    assert len(f"unsubscribe+{token}") <= 64


def test_the_same_attempt_makes_the_same_message() -> None:
    mail = Mail("Grüße", "Hallo", HTML, "Jane")
    assert _octets(mail) == _octets(mail)


_WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=300)
_LINES = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n"), min_size=1, max_size=1500)


@given(subject=_WORDS, name=_WORDS, text=_LINES, html=_LINES)
@example(subject="=?utf-8?q?evil?=", name='Jane "JD" \\ Doe', text=".\n..\n.x\n", html="--=_rw-1-7-1--")
@example(subject="word " * 60, name="x" * 200, text="x" * 2000, html="ж" * 2000)
@example(subject="x" * 300, name="Doe, Jane", text="From here\n--=_rw-1-7-1\nno", html="a\rb\r\nc \t \n d")
@example(subject="Grüße an alle " * 20, name="Renée Costa " * 15, text=" ", html="=")
def test_whatever_is_written_is_read_back(subject: str, name: str, text: str, html: str) -> None:
    octets = _octets(Mail(subject, text, html, name))
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert b"\r" not in octets.replace(b"\r\n", b"")
    lines = octets.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    message = _read(octets)
    assert not message.defects
    assert _same(message["Subject"], subject)
    assert message["To"].addresses[0].addr_spec == "jane@home.example"
    # The parser leaves white space between two encoded words of a name (RFC 2047, 6.2, has none).
    assert "".join(message["To"].addresses[0].display_name.split()) == "".join(name.split())
    assert _body(message, "plain") == _crlf(text)
    assert _body(message, "html") == _crlf(html)


def _same(got: str, wanted: str) -> bool:
    """Equal but for runs of white space, which folding may change."""
    return got.split() == wanted.split()


def _crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").replace("\n", "\r\n")


@pytest.mark.parametrize(
    "mail",
    [
        Mail("a\nBcc: x@y.example", "t", HTML),
        Mail("a\r", "t", HTML),
        Mail("a", "t", HTML, "Jane\r\nBcc: x@y.example"),
        Mail("a", "t", HTML, "Jane\0"),
        Mail("a\u2028b", "t", HTML),
    ],
)
def test_a_value_never_becomes_a_header(mail: Mail) -> None:
    with pytest.raises(UnsafeValueError):
        check_mail(mail)
    with pytest.raises(UnsafeValueError):
        _octets(mail)


def test_a_clinic_name_never_becomes_a_header() -> None:
    with pytest.raises(UnsafeValueError):
        Letterhead(SENDER, "Clinic\r\nBcc: x@y.example", BACK)


@pytest.mark.parametrize(
    "mail",
    [Mail("s", "", HTML), Mail("s", "t", " "), Mail("s", "\ud83d", HTML), Mail("s", "a\0b", HTML)],
)
def test_what_cannot_be_sent_is_refused(mail: Mail) -> None:
    with pytest.raises(ContentError):
        check_mail(mail)


@pytest.mark.parametrize(
    "address",
    [
        "", "jane", "@home.example", "jane@", "a b@home.example", "a@home.example\r\nRCPT TO:<x@y.example>",
        "jane@home.example>", "<jane@home.example>", "a@b.example,c@d.example", '"a b"@home.example',
        "jane@home@example", "jane@[127.0.0.1]", "x" * 250 + "@a.io", "j@home.example\0", "jane@" + "ü" * 70,
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(address: str) -> None:
    with pytest.raises(UnsafeValueError):
        mailbox(address)


def test_a_domain_is_written_in_ascii_and_a_local_part_asks_for_smtputf8() -> None:
    assert mailbox("jane@praxis-müller.example").address == "jane@xn--praxis-mller-klb.example"
    assert not mailbox("jane@praxis-müller.example").utf8
    assert mailbox("renée@home.example").utf8


def test_dots_at_line_starts_travel_doubled() -> None:
    assert stuffed(b"A: b\r\n\r\n.\r\n..x\r\n") == b"A: b\r\n\r\n..\r\n...x\r\n.\r\n"
