"""Reading texts as a telephone does: alphabets, user data headers, long texts in parts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# 3GPP TS 23.038, 6.2.1: the default alphabet by septet, and what follows an escape.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = {0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]"}
_ESCAPED |= {0x40: "|", 0x65: "€"}
_ESCAPE = 0x1B
_UDH_INDICATOR = 0x40

TLV_SAR_REFERENCE = 0x020C
TLV_SAR_TOTAL = 0x020E
TLV_SAR_SEQUENCE = 0x020F
TLV_PAYLOAD = 0x0424
TLV_RECEIPTED_MESSAGE_ID = 0x001E
TLV_MESSAGE_STATE = 0x0427


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a text; a text that is not concatenated is part 1 of 1."""

    text: str
    reference: int = 0
    total: int = 1
    sequence: int = 1


def read_segment(data: bytes, esm_class: int, data_coding: int, tlvs: Mapping[int, bytes]) -> Segment:
    """The part that a submit_sm carries: by user data header, sar_* or message_payload."""
    body = data or tlvs.get(TLV_PAYLOAD, b"")
    header = b""
    if esm_class & _UDH_INDICATOR and body:
        header, body = body[1 : body[0] + 1], body[body[0] + 1 :]
    place = _place_in_header(header) or _place_in_tlvs(tlvs) or (0, 1, 1)
    return Segment(decode(body, data_coding), *place)


def decode(body: bytes, data_coding: int) -> str:
    """The characters of a body; data_coding 0 is the GSM alphabet, one septet an octet."""
    match data_coding:
        case 8:
            return body.decode("utf-16-be", "replace")
        case 1 | 3:
            return body.decode("latin-1")
        case _:
            return _decode_gsm(body)


def _decode_gsm(body: bytes) -> str:
    characters = []
    octets = iter(body)
    for octet in octets:
        if octet == _ESCAPE:
            characters.append(_ESCAPED.get(next(octets, 0x20), " "))
        else:
            characters.append(_BASIC[octet] if octet < len(_BASIC) else "\N{REPLACEMENT CHARACTER}")
    return "".join(characters)


def _place_in_header(header: bytes) -> tuple[int, int, int] | None:
    at = 0
    while at + 1 < len(header):
        kind, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        if (kind, len(value)) in ((0x00, 3), (0x08, 4)):
            return int.from_bytes(value[:-2]), value[-2], value[-1]
        at += 2 + length
    return None


def _place_in_tlvs(tlvs: Mapping[int, bytes]) -> tuple[int, int, int] | None:
    if not {TLV_SAR_REFERENCE, TLV_SAR_TOTAL, TLV_SAR_SEQUENCE} <= tlvs.keys():
        return None
    reference, total, sequence = (
        int.from_bytes(tlvs[tag]) for tag in (TLV_SAR_REFERENCE, TLV_SAR_TOTAL, TLV_SAR_SEQUENCE)
    )
    return reference, total, sequence
