"""GSM-7, Latin-1 and UCS-2 in segments."""

from __future__ import annotations

from functools import partial
from string import ascii_letters

import pytest
import smpp34
import smpplib.gsm
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.alphabet import (
    Estimate,
    check_text,
    coding_of,
    concatenation_header,
    decode,
    estimate,
    plainer,
    segment,
)
from gateway.channels import sms_pdu
from gateway.channels.sms_pdu import Address
from gateway.channels.sms_submit import in_segments
from gateway.domain import ContentError, UnsafeValueError
from gateway.settings import Concatenation
from gateway.town.coding import Segment, read_segment

# 3GPP TS 23.038, written down again: characters of one septet, and of two.
_EXTENSION = "\f^{}\\[~]|€"
_GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ÄÖÑÜ§¿äöñüà"
    + _EXTENSION
    + ascii_letters
)


@pytest.mark.parametrize(
    ("body", "coding", "lengths"),
    [
        ("x" * 160, 0, [160]),
        ("x" * 161, 0, [153, 8]),
        ("x" * 306, 0, [153, 153]),
        ("x" * 307, 0, [153, 153, 1]),
        ("€" * 80, 0, [160]),
        ("x" * 152 + "€" * 5, 0, [152, 10]),
        ("€" * 81, 0, [152, 10]),
        ("ж" * 70, 8, [140]),
        ("ж" * 71, 8, [134, 8]),
        ("😀" * 35, 8, [140]),
        ("😀" * 36, 8, [132, 12]),
        ("ж" + "😀" * 35, 8, [134, 8]),
    ],
)
def test_a_text_fills_segments_without_tearing_a_character(
    body: str, coding: int, lengths: list[int]
) -> None:
    text = segment(body, gsm7_default=True)
    assert text.data_coding == coding
    assert [len(part) for part in text.bodies] == lengths


# Long enough for several segments, with every alignment of wide characters at a limit.
_CHARACTERS = st.one_of(
    st.sampled_from("abc xyz"),
    st.sampled_from(_EXTENSION),
    st.sampled_from(_GSM),
    st.sampled_from("жñ😀’"),
    st.characters(exclude_categories=["Cs", "Cc"]),
)
_BODIES = st.builds(
    lambda first, filling, end: first + filling + end,
    st.text(_CHARACTERS, min_size=1, max_size=12),
    st.builds(lambda piece, times: piece * times, st.text(_CHARACTERS, max_size=6), st.integers(0, 60)),
    st.text(st.one_of(st.sampled_from("x€😀"), _CHARACTERS), max_size=30),
)


def _units(char: str, wide: bool) -> int:
    """What a character takes: septets, or UTF-16 units."""
    return (1 + (char > "\uffff")) if wide else (1 + (char in _EXTENSION))


def _expected(body: str) -> tuple[int, list[str]]:
    """The data_coding, and the characters of each segment, counted without any octets."""
    wide = not set(body) <= set(_GSM)
    whole, part = (70, 67) if wide else (160, 153)
    if sum(_units(char, wide) for char in body) <= whole:
        return 8 * wide, [body]
    segments, left = [""], part
    for char in body:
        if _units(char, wide) > left:
            segments.append("")
            left = part
        segments[-1] += char
        left -= _units(char, wide)
    return 8 * wide, segments


@settings(max_examples=10_000, deadline=None)
@given(_BODIES)
def test_each_segment_holds_the_characters_that_networks_count_into_it(body: str) -> None:
    coding, expected = _expected(body)
    text = segment(body, gsm7_default=True)
    assert text.data_coding == coding
    assert [read_segment(part, 0, coding, {}).text for part in text.bodies] == expected
    octets = 1 if coding == 0 else 2
    assert [len(part) for part in text.bodies] == [
        octets * sum(_units(char, coding == 8) for char in part) for part in expected
    ]


_MAKE = partial(
    sms_pdu.submit, source=Address(1, 1, "12025550100").octets(), destination=Address(1, 1, "1305").octets()
)


@settings(max_examples=10_000, deadline=None)
@given(_BODIES, st.sampled_from(["udh", "sar", "payload"]), st.integers(0, 2**40))
def test_a_telephone_puts_the_segments_of_a_long_text_together_again(
    body: str, concatenation: Concatenation, reference: int
) -> None:
    text = segment(body, gsm7_default=True)
    makers = in_segments(text, concatenation, reference, _MAKE)
    places = [_received(make(number)) for number, make in enumerate(makers, 1)]
    assert "".join(place.text for place in places) == body
    total = len(text.bodies)
    if total == 1 or concatenation == "payload":
        assert [(place.total, place.sequence) for place in places] == [(1, 1)]
        return
    assert [(place.total, place.sequence) for place in places] == [(total, n) for n in range(1, total + 1)]
    mask = 0xFF if concatenation == "udh" else 0xFFFF
    assert {place.reference for place in places} == {reference & mask}


def _received(octets: bytes) -> Segment:
    """The submit as another codec reads it, and its segment as a telephone does."""
    read = smpp34.decode(octets)
    assert isinstance(read, smpp34.SubmitSm)
    tlvs = {tlv.tag: bytes(tlv.value) for tlv in read.tlvs}
    return read_segment(read.short_message, read.esm_class, read.data_coding, tlvs)


@given(st.text(st.sampled_from(_GSM.replace("§", "").replace("\f", "")), max_size=160))
def test_gsm_octets_are_those_of_smpplib(body: str) -> None:
    # Its table lacks the section sign and the form feed.
    assert decode(smpplib.gsm.gsm_encode(body), "gsm-7") == body
    coded = segment(body, gsm7_default=True)
    if len(coded.bodies) == 1:
        assert coded.bodies[0] == smpplib.gsm.gsm_encode(body)


def test_where_the_default_alphabet_is_not_gsm_latin_1_is_named() -> None:
    assert segment("Grüße", gsm7_default=False).data_coding == 3
    assert segment("Grüße", gsm7_default=False).bodies == ("Grüße".encode("latin-1"),)
    assert segment("10 €", gsm7_default=False).data_coding == 8
    assert [len(part) for part in segment("x" * 141, gsm7_default=False).bodies] == [134, 7]


def test_the_header_places_a_segment() -> None:
    place = read_segment(concatenation_header(0x1FF, 3, 2) + b"hello", 0x40, 0, {})
    assert (place.reference, place.total, place.sequence, place.text) == (0xFF, 3, 2, "hello")


@pytest.mark.parametrize("body", ["a\0b", "a\x1bb", "a\x85b", "a\u2028b", "bell\a"])
def test_control_characters_are_refused(body: str) -> None:
    with pytest.raises(UnsafeValueError):
        check_text(body)


@pytest.mark.parametrize("body", ["", " \n", "half \ud83d", "x" * 153 * 255 + "y"])
def test_what_cannot_be_sent_is_refused(body: str) -> None:
    with pytest.raises(ContentError):
        check_text(body)


def test_line_breaks_are_text() -> None:
    check_text("one\ntwo\r\n")


@given(st.binary(max_size=200), st.integers(0, 255))
def test_any_octets_decode_to_what_a_telephone_shows(body: bytes, coding: int) -> None:
    read = decode(body, coding_of(coding, gsm7_default=True))
    assert read == read_segment(body, 0, coding, {}).text


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        ("Dr. Ito’s “office” – 9 am…", 'Dr. Ito\'s "office" - 9 am...'),
        ("soft\u00adhyphen\u200b and\u00a0space", "softhyphen and space"),
        ("Привет – hello", "Привет – hello"),
        ("plain", "plain"),
    ],
)
def test_look_alikes_become_plain_where_they_alone_are_in_the_way(body: str, plain: str) -> None:
    assert plainer(body) == plain


@settings(max_examples=2_000, deadline=None)
@given(st.text(max_size=400))
def test_plain_characters_never_make_a_text_dearer(body: str) -> None:
    try:
        found = estimate(body)
    except ContentError:
        return
    assert 1 <= found.plain_segments <= found.segments


def test_an_estimate_counts_as_networks_do() -> None:
    assert estimate("x" * 160) == Estimate(160, "GSM-7", 1, "", 1)
    assert estimate("x" * 159 + "€").segments == 2
    assert estimate("ж" * 71) == Estimate(71, "UCS-2", 2, "ж", 2)
    # Another alphabet by default: less room, and other characters that are none of it.
    assert estimate("x" * 141, gsm7_default=False) == Estimate(141, "Latin-1", 2, "", 2)
    assert estimate("ê€", gsm7_default=False) == Estimate(2, "UCS-2", 1, "€", 1)
    assert estimate("ê€") == Estimate(2, "UCS-2", 1, "ê", 1)
