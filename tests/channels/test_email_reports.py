"""Whatever a stranger sends, reading it ends, says one thing, and raises nothing."""

from __future__ import annotations

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


@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(JUNK, mutilated()))
def test_any_octets_are_read(octets: bytes) -> None:
    report = read(octets)
    assert isinstance(report, Report)
    assert len(report.text) <= 1000
    outcome = report.outcome()
    assert isinstance(outcome, Failed | Retry | Delivered) == (report.kind in (Kind.BOUNCE, Kind.RECEIPT))


@pytest.mark.parametrize("depth", [1, 49, 60, 3000])
def test_parts_within_parts_are_read(depth: int) -> None:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(depth)
    )
    assert isinstance(read(head), Report)
