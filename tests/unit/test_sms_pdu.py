"""SMPP PDUs, compared with smpplib's and smpp34's codecs."""

from __future__ import annotations

from typing import Any

import pytest
import smpp34
import smpplib.smpp
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.channels import sms_pdu
from gateway.channels.sms_addresses import address_of, number_of
from gateway.channels.sms_pdu import Address, PduError


class _Numbered:
    sequence = 77

    def next_sequence(self) -> int:
        return self.sequence


def _submit(**changes: Any) -> bytes:
    usual: dict[str, Any] = {
        "source": Address(1, 1, "12025550100").octets(),
        "destination": Address(1, 1, "12125550000").octets(),
        "body": b"Hello",
        "data_coding": 8,
        "udh": True,
        "validity": b"261124160000000+",
    }
    return sms_pdu.submit(77, **(usual | changes))


def test_a_submit_is_octet_by_octet_what_smpplib_makes() -> None:
    theirs = smpplib.smpp.make_pdu(
        "submit_sm",
        client=_Numbered(),
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr="12025550100",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="12125550000",
        esm_class=0x40,
        registered_delivery=1,
        data_coding=8,
        validity_period="261124160000000+",
        short_message=b"Hello",
    )
    assert _submit() == theirs.generate()


def test_a_submit_asks_for_a_receipt_and_replaces_nothing() -> None:
    read = smpp34.decode(_submit(body=b"x" * 160, udh=False, validity=b""))
    assert isinstance(read, smpp34.SubmitSm)
    assert (read.registered_delivery, read.replace_if_present_flag, read.esm_class) == (1, 0, 0)
    assert (read.validity_period, read.sequence_number, read.short_message) == ("", 77, b"x" * 160)


def test_a_bind_carries_its_own_sequence_number() -> None:
    octets = sms_pdu.bind("transceiver", 5, "ringwell", "secret")
    assert sms_pdu.HEADER.unpack_from(octets) == (len(octets), 9, 0, 5)
    assert b"ringwell\0secret\0\0\x34" in octets


def test_session_pdus_are_those_of_smpplib() -> None:
    for command, name in ((sms_pdu.ENQUIRE, "enquire_link"), (sms_pdu.UNBIND, "unbind")):
        assert sms_pdu.request(command, 77) == smpplib.smpp.make_pdu(name, client=_Numbered()).generate()
    theirs = smpplib.smpp.make_pdu("deliver_sm_resp", client=_Numbered())
    theirs.sequence, theirs.status = 77, 0x64
    assert sms_pdu.response(sms_pdu.DELIVER_RESP, 0x64, 77) == theirs.generate()


def test_a_delivery_is_read_with_its_tlvs() -> None:
    made = smpp34.DeliverSm(
        "12125550000",
        "12025550100",
        b"id:7 stat:DELIVRD",
        source_addr_ton=1,
        source_addr_npi=1,
        esm_class=4,
        data_coding=3,
        schedule_delivery_time="261124160000000+",
        tlvs=[smpp34.Tlv(0x1400, b"vendor"), smpp34.Tlv(sms_pdu.TLV_RECEIPTED_ID, b"7\0")],
    )
    read = sms_pdu.read_deliver(made.encode()[16:])
    assert read.source == Address(1, 1, "12125550000")
    assert read.destination.digits == "12025550100"
    assert (read.esm_class, read.data_coding, read.body) == (4, 3, b"id:7 stat:DELIVRD")
    assert read.tlvs == {0x1400: b"vendor", sms_pdu.TLV_RECEIPTED_ID: b"7\0"}


def test_a_long_delivery_is_read_from_its_payload() -> None:
    made = smpp34.DeliverSm("1", "2", tlvs=[smpp34.Tlv(sms_pdu.TLV_PAYLOAD, b"y" * 400)])
    assert sms_pdu.read_deliver(made.encode()[16:]).body == b"y" * 400


@pytest.mark.parametrize("octets", [65, 40_000])
def test_an_address_without_end_is_refused(octets: int) -> None:
    body = b"\0\1\1" + b"9" * octets + b"\0\1\1" + b"2\0" + b"\0" * 10
    with pytest.raises(PduError):
        sms_pdu.read_deliver(body)


_DIGITS = st.text("0123456789", max_size=20)
_DELIVERIES = st.builds(
    lambda *fields, tlvs: (fields, tlvs),
    _DIGITS,
    _DIGITS,
    st.binary(max_size=254),
    st.integers(0, 255),
    st.integers(0, 255),
    tlvs=st.dictionaries(st.integers(0x1400, 0x3FFF), st.binary(max_size=40), max_size=3),
)


def _made(source: str, destination: str, body: bytes, esm_class: int, coding: int, **more: Any) -> bytes:
    return smpp34.DeliverSm(
        source, destination, body, esm_class=esm_class, data_coding=coding, **more
    ).encode()[16:]


@settings(max_examples=10_000, deadline=None)
@given(_DELIVERIES)
def test_a_delivery_of_another_codec_is_read_field_by_field(made: Any) -> None:
    (source, destination, body, esm_class, coding), tlvs = made
    tags = [smpp34.Tlv(tag, value) for tag, value in tlvs.items()]
    read = sms_pdu.read_deliver(_made(source, destination, body, esm_class, coding, tlvs=tags))
    assert (read.source.digits, read.destination.digits, read.body) == (source, destination, body)
    assert (read.esm_class, read.data_coding, read.tlvs) == (esm_class, coding, tlvs)


def _spoilt(octets: bytes, changes: list[tuple[int, int]], end: int) -> bytes:
    spoilt = bytearray(octets)
    for at, value in changes:
        spoilt[at % len(spoilt)] = value
    return bytes(spoilt[: len(spoilt) - end]) if end > 0 else bytes(spoilt)


_OCTETS = st.integers(0, 255)
_SPOILT = st.builds(
    _spoilt,
    _DELIVERIES.map(lambda made: _made(*made[0])),
    st.lists(st.tuples(st.integers(0, 300), _OCTETS), max_size=3),
    st.integers(-3, 12),
)


@settings(max_examples=10_000, deadline=None)
@given(st.one_of(st.binary(max_size=120), _SPOILT))
@example(b"\0\1\1")
@example(b"\0\1\1x\0\1\1y\0\0\0\0\0\0\0\0\0\0\xff")
def test_any_octets_are_refused_or_read_as_another_codec_does(body: bytes) -> None:
    theirs = _read_by_smpp34(body)
    try:
        ours = sms_pdu.read_deliver(body)
    except PduError:
        assert theirs is None, "what another codec reads is not refused"
        return
    assert ours.body in body, "no octet of it is made up"
    if theirs is not None:
        named = [_as_utf8(address.digits) for address in (ours.source, ours.destination)]
        assert named == [theirs.source_addr, theirs.destination_addr]
        assert (ours.esm_class, ours.data_coding) == (theirs.esm_class, theirs.data_coding)
        assert ours.body == theirs.short_message or not theirs.short_message


def _as_utf8(text: str) -> str:
    """As the other codec, which knows no Latin-1, tells the same octets."""
    return text.encode("latin-1").decode("utf-8", "replace")


def _read_by_smpp34(body: bytes) -> smpp34.DeliverSm | None:
    """None for what it refuses; it is the stricter one."""
    try:
        read = smpp34.decode(sms_pdu.HEADER.pack(16 + len(body), sms_pdu.DELIVER, 0, 1) + body)
    except smpp34.SmppError:
        return None
    assert isinstance(read, smpp34.DeliverSm)
    return read


@pytest.mark.parametrize(
    ("text", "ton", "npi", "digits"),
    [
        ("+12025550100", 1, 1, "12025550100"),
        ("12025550100", 1, 1, "12025550100"),
        ("72727", 3, 0, "72727"),
        ("Clinic East", 5, 0, "Clinic East"),
    ],
)
def test_the_kind_of_an_address_is_told(text: str, ton: int, npi: int, digits: str) -> None:
    assert address_of(text) == Address(ton, npi, digits)


@pytest.mark.parametrize("text", ["", "A name too long", "+1", "+1234567890123456", "a\nb", "12 34\0", "ğ"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert address_of(text) is None


@pytest.mark.parametrize(
    ("ton", "digits", "number"),
    [
        (1, "12125550000", "+12125550000"),
        (0, "12125550000", "+12125550000"),
        (2, "2125550000", "+12125550000"),
        (0, "0044201234567", "+44201234567"),
        (0, "+12125550000", "+12125550000"),
        (3, "72727", "72727"),
        (5, "Bank", "Bank"),
    ],
)
def test_a_number_comes_back_as_contacts_have_it(ton: int, digits: str, number: str) -> None:
    assert number_of(Address(ton, 1, digits), "+12025550100") == number
