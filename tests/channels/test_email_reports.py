"""Whatever a stranger sends, reading it ends, says one thing, and raises nothing."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.channels.email_reports import Kind, Report, read
from gateway.domain import Delivered, Failed, Retry

SAMPLES = sorted((Path(__file__).parent / "bounces").glob("*.eml"))
WORDS = st.sampled_from(
    [
        b"\r\n",
        b"\n\n",
        b"--b1",
        b"--b1--",
        b"Action: failed",
        b"Action: delayed",
        b"Status: 5.1.1",
        b"Status: 4.x.",
        b"Content-Type: message/delivery-status",
        b"Content-Type: multipart/report; boundary=b1",
        b"Content-Type: text/plain; charset=utf-99",
        b"Content-Transfer-Encoding: base64",
        b"Diagnostic-Code: smtp; 550 \xff",
        b"Subject: =?utf-8?b?/////w==?=",
        b"Auto-Submitted: auto-replied",
        b"failure notice",
        b"\x00",
    ]
)
JUNK = st.lists(st.one_of(WORDS, st.binary(max_size=20)), max_size=25).map(b"".join)


@st.composite
def mutilated(draw: st.DrawFn) -> bytes:
    """A real report with a stretch cut out and junk put in."""
    octets = draw(st.sampled_from(SAMPLES)).read_bytes()
    begin = draw(st.integers(0, len(octets)))
    end = draw(st.integers(begin, min(len(octets), begin + 300)))
    return octets[:begin] + draw(JUNK) + octets[end:]


HEADS = st.sampled_from(
    [
        b"Content-Type: message/rfc822\n\n",
        b"Content-Type: MESSAGE/rfc822\nContent-Transfer-Encoding: base64\n\n",
        b"Content-Type: message/external-body\n\n",
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n",
        b"Content-Type: multipart/digest; boundary=b%d\n\n--b%d\n\n",
        b"Content-Type: multipart/report; boundary=same\n\n--same\n",
        b"Content-Type: message/delivery-status\n\n",
    ]
)


@st.composite
def nested(draw: st.DrawFn) -> bytes:
    """Messages and parts within each other, few or thousands deep, around junk or a real report."""
    layers = draw(
        st.lists(st.tuples(HEADS, st.sampled_from([1, 2, 7, 49, 60, 2500])), min_size=1, max_size=4)
    )
    heads = [head for head, times in layers for _ in range(times)]
    told = b"".join(
        head % (level, level) if b"%d" in head else head for level, head in enumerate(heads, start=1)
    )
    return told + draw(st.one_of(JUNK, st.sampled_from(SAMPLES).map(Path.read_bytes)))


SENDERS = st.sampled_from(["", "jane@home.example", "MAILER-DAEMON@home.example"])


@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(JUNK, mutilated(), nested()), SENDERS)
def test_any_octets_are_read(octets: bytes, sender: str) -> None:
    report = read(octets, sender)
    assert isinstance(report, Report)
    assert len(report.text) <= 1000
    outcome = report.outcome()
    assert isinstance(outcome, Failed | Retry | Delivered) == (report.kind in (Kind.BOUNCE, Kind.RECEIPT))


@pytest.mark.parametrize("depth", [1, 49, 60, 3000])
@pytest.mark.parametrize("kind", ["multipart", "message", "encoded"])
def test_parts_within_parts_are_read(depth: int, kind: str) -> None:
    if kind == "multipart":
        octets = b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
            for level in range(depth)
        )
    else:
        octets = b"Content-Type: message/rfc822\n\n" * depth
    if kind == "encoded":
        head = b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
        octets = head + b64encode(octets)
    assert isinstance(read(octets), Report)


NOTICE = b"From: %b\nSubject: %b\n\nMy last letter could not be delivered. Yes, I come.\n"


@pytest.mark.parametrize(
    ("sender", "writer", "subject", "kind"),
    [
        ("jane@home.example", b"Jane <jane@home.example>", b"Re: Your visit", Kind.LETTER),
        ("jane@home.example", b"Jane <jane@home.example>", b"Undeliverable: Your visit", Kind.LETTER),
        ("", b"Jane <jane@home.example>", b"Re: Your visit", Kind.LETTER),
        ("", b"Mail system <noreply@home.example>", b"Undeliverable: Your visit", Kind.BOUNCE),
        ("bounce@home.example", b"MAILER-DAEMON@home.example", b"Re: Your visit", Kind.BOUNCE),
        ("MAILER-DAEMON@home.example", b"noreply@home.example", b"Re: Your visit", Kind.BOUNCE),
    ],
)
def test_only_a_mail_system_tells_of_a_bounce(sender: str, writer: bytes, subject: bytes, kind: Kind) -> None:
    assert read(NOTICE % (writer, subject), sender).kind is kind


def test_a_bounce_that_a_person_forwards_is_their_letter() -> None:
    enclosed = (Path(__file__).parent / "bounces" / "postfix-unknown-user.eml").read_bytes()
    letter = (
        b"From: jane@home.example\nSubject: What is this?\nContent-Type: multipart/mixed; boundary=outer\n\n"
        b"--outer\n\nI got this\n--outer\nContent-Type: message/rfc822\n\n" + enclosed + b"\n--outer--\n"
    )
    told = Report(Kind.LETTER, text="I got this", writer="jane@home.example")
    assert read(letter, "jane@home.example") == told


@pytest.mark.parametrize(
    ("sender", "kind"),
    [("jane@home.example", Kind.LETTER), ("", Kind.BOUNCE), ("postmaster@a.example", Kind.BOUNCE)],
)
def test_the_status_that_a_person_attaches_reports_nothing(sender: str, kind: Kind) -> None:
    letter = (
        b"From: jane@home.example\nSubject: What is this?\nContent-Type: multipart/mixed; boundary=outer\n\n"
        b"--outer\n\nI got this\n--outer\nContent-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; a.example\n\nAction: failed\nStatus: 5.1.1\n\n--outer--\n"
    )
    assert read(letter, sender).kind is kind


def test_a_plain_notice_of_a_daemon_counts_though_it_calls_itself_automatic() -> None:
    told = (
        b"From: Mail Delivery System <Mailer-Daemon@exim.example>\nAuto-Submitted: auto-replied\n"
        b"Subject: Mail delivery failed: returning message to sender\n\n550 5.1.1 unknown user\n"
    )
    assert read(told) == Report(Kind.BOUNCE, "5.1.1", 550)


def test_a_note_that_a_mail_was_read_decides_nothing() -> None:
    told = (
        b"From: jane@home.example\nSubject: Read: Your visit\n"
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
        b"--b\n\nYour message was displayed\n--b\nContent-Type: message/disposition-notification\n\n"
        b"Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n"
    )
    assert read(told, "jane@home.example").kind is Kind.AUTOMATIC
