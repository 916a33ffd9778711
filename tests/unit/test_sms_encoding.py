"""GSM-7, Latin-1 and UCS-2 in segments."""

from __future__ import annotations

import pytest
import smpplib.gsm
from hypothesis import given
from hypothesis import strategies as st

from gateway.channels.errors import ContentError, UnsafeValueError
from gateway.channels.sms_encoding import check_text, concatenation_header, decode, segment
from gateway.town.coding import read_segment

_GSM = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡AZÄÖÑÜ§¿azäöñüà\f^{}\\[~]|€"


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


@given(st.text(st.sampled_from(_GSM + "жñ😀") | st.characters(exclude_categories=["Cs", "Cc"]), max_size=700))
def test_each_segment_is_readable_alone_and_all_together_are_the_text(body: str) -> None:
    text = segment(body, gsm7_default=True)
    assert all(len(part) <= 160 for part in text.bodies)
    parts = [decode(part, text.data_coding, gsm7_default=True) for part in text.bodies]
    assert "".join(parts) == body
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(parts).replace(body, "")


@given(st.text(st.sampled_from(_GSM.replace("§", "").replace("\f", "")), max_size=160))
def test_gsm_octets_are_those_of_smpplib(body: str) -> None:
    # Its table lacks the section sign and the form feed.
    assert decode(smpplib.gsm.gsm_encode(body), 0, gsm7_default=True) == body
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
def test_any_octets_decode_to_something(body: bytes, coding: int) -> None:
    assert isinstance(decode(body, coding, gsm7_default=True), str)
