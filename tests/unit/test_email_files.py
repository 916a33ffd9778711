"""Files that go with mails: few kinds, each what its name says, under a name that hides nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.email_files import KINDS, FileRefusedError, check, safe_name
from gateway.channels.email_mime import attached, refuse_control
from gateway.domain import Attachment


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("The way to us.pdf", "The way to us.pdf"),
        ("Anfahrt für Gäste.PDF", "Anfahrt für Gäste.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Temp\\way.pdf", "way.pdf"),
        ("invoice.exe.pdf", "invoice_exe.pdf"),
        ("annexe\u202efdp.exe.pdf", "annexe_fdp_exe.pdf"),
        ('way".pdf', "way.pdf"),
        ("a\r\nBcc: eve@evil.example.pdf", "a_Bcc_eve_evil_example.pdf"),
        ("nul.pdf", "_nul.pdf"),
        (".pdf", "document"),
        ("....pdf", "document.pdf"),
        ("x" * 300 + ".pdf", "x" * 80 + ".pdf"),
    ],
)
def test_a_name_hides_nothing(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=120), st.sampled_from(sorted(KINDS)))
def test_any_name_becomes_one_that_can_travel(name: str, end: str) -> None:
    safe = safe_name(name + end)
    refuse_control(safe)
    assert not set(safe) & set('/\\":;<>|*?\r\n')
    assert safe.count(".") <= 1
    assert safe_name(safe) == safe or not safe.endswith(end)
    part = attached(Attachment(safe, "application/pdf", b"x"))
    assert b"attachment" in part.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("a.pdf", b"%PDF-1.7\n"),
        ("a.png", b"\x89PNG\r\n\x1a\n..."),
        ("a.jpeg", b"\xff\xd8\xff\xe0"),
        ("a.gif", b"GIF89a"),
        ("a.txt", "Grüße\r\n".encode()),
    ],
)
def test_a_file_that_is_what_it_says_may_go(name: str, octets: bytes) -> None:
    check(name, octets)


@pytest.mark.parametrize(
    ("name", "octets", "words"),
    [
        ("a.exe", b"MZ", "end in .pdf"),
        ("a.html", b"<script>", "end in .pdf"),
        ("a.svg", b"<svg>", "end in .pdf"),
        ("a.docm", b"PK\x03\x04", "end in .pdf"),
        ("a", b"%PDF-", "end in .pdf"),
        ("a.pdf", b"MZ\x90", "not what .pdf says"),
        ("a.pdf", b"", "not what .pdf says"),
        ("a.txt", b"\x7fELF\x00", "not what .txt says"),
        ("a.jpg", b"\x89PNG\r\n\x1a\n", "not what .jpg says"),
    ],
)
def test_another_file_is_refused_with_what_can_go(name: str, octets: bytes, words: str) -> None:
    with pytest.raises(FileRefusedError, match=words):
        check(name, octets)


def test_the_kinds_are_told_by_the_ends_of_names() -> None:
    assert all(Path(f"a{end}").suffix == end for end in KINDS)
