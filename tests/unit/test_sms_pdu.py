"""SMPP PDUs, compared with smpplib's and smpp34's codecs."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import smpp34
import smpplib.smpp
from hypothesis import example, given
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
    octets = sms_pdu.bind_transceiver(5, "ringwell", "secret")
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


@given(st.binary(max_size=120))
@example(b"\0\1\1")
@example(b"\0\1\1x\0\1\1y\0\0\0\0\0\0\0\0\0\0\xff")
def test_any_octets_are_read_or_refused(body: bytes) -> None:
    with suppress(PduError):
        assert len(sms_pdu.read_deliver(body).body) <= len(body)


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
