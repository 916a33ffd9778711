"""Texts as octets: GSM-7 with its extension table, Latin-1 or UCS-2, in segments; and back. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.channels.errors import ContentError, UnsafeValueError

# 3GPP TS 23.038, 6.2.1: the default alphabet by septet; 0x1B announces the extension table.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
ESCAPE = 0x1B
# Characters to septets, written as the Latin-1 characters of the same value: str.translate is quick.
_TO_GSM = {ord(char): chr(septet) for septet, char in enumerate(_BASIC) if septet != ESCAPE}
_TO_GSM |= {ord(char): chr(ESCAPE) + chr(septet) for septet, char in _EXTENSION.items()}
_GSM_TEXT = re.compile("[" + re.escape("".join(map(chr, _TO_GSM))) + "]*")
_UNSAFE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u2028\u2029]")

GSM7, LATIN1, UCS2 = 0, 3, 8
# data_coding -> octets of a text that fits in one segment, octets of each segment of a longer one.
_ROOM = {GSM7: (160, 153), LATIN1: (140, 134), UCS2: (140, 134)}
_MOST_SEGMENTS = 255


@dataclass(frozen=True, slots=True)
class Segments:
    """A text ready for submit_sm: one body for each segment, without user data headers."""

    data_coding: int
    bodies: tuple[bytes, ...]


def check_text(body: str) -> None:
    """Raise ContentError for a text that can never be sent."""
    if not body.strip():
        raise ContentError("the text is empty")
    if _UNSAFE.search(body):
        raise UnsafeValueError("the text holds a control character: remove it from the template or the data")
    segment(body, gsm7_default=True)


def segment(body: str, *, gsm7_default: bool) -> Segments:
    """Encode and split; `gsm7_default` says that data_coding 0 means GSM-7 on this bind (rules 3.9)."""
    coding, octets = _encode(body, gsm7_default)
    whole, part = _ROOM[coding]
    if len(octets) <= whole:
        return Segments(coding, (octets,))
    bodies = tuple(_split(octets, part, coding))
    if len(bodies) > _MOST_SEGMENTS:
        raise ContentError(f"the text needs {len(bodies)} segments, more than the {_MOST_SEGMENTS} possible")
    return Segments(coding, bodies)


def _encode(body: str, gsm7_default: bool) -> tuple[int, bytes]:
    if gsm7_default and _GSM_TEXT.fullmatch(body):
        return GSM7, body.translate(_TO_GSM).encode("latin-1")
    if not gsm7_default and max(body, default="") <= "\xff":
        return LATIN1, body.encode("latin-1")
    try:
        return UCS2, body.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise ContentError("the text holds half a character (a lone surrogate)") from error


def _split(octets: bytes, room: int, coding: int) -> list[bytes]:
    bodies, start = [], 0
    while start < len(octets):
        end = min(start + room, len(octets))
        if end < len(octets):
            end -= _torn(octets, end, coding)
        bodies.append(octets[start:end])
        start = end
    return bodies


def _torn(octets: bytes, end: int, coding: int) -> int:
    """How many octets before `end` belong to the character that a cut there would tear."""
    if coding == GSM7 and octets[end - 1] == ESCAPE:
        return 1
    if coding == UCS2 and 0xD8 <= octets[end - 2] <= 0xDB:
        return 2
    return 0


def concatenation_header(reference: int, total: int, number: int) -> bytes:
    """User data header of segment `number` (from 1) of `total`: one method per bind, this one (rules 3.8)."""
    return bytes((5, 0, 3, reference & 0xFF, total, number))


def decode(body: bytes, data_coding: int, *, gsm7_default: bool) -> str:
    """The characters of a received body; what is not a character becomes U+FFFD, never an error."""
    if data_coding == UCS2:
        return body.decode("utf-16-be", "replace")
    if data_coding in (1, LATIN1) or not gsm7_default:
        return body.decode("latin-1")
    characters = []
    octets = iter(body)
    for octet in octets:
        if octet == ESCAPE:
            characters.append(_EXTENSION.get(next(octets, 0x20), " "))
        else:
            characters.append(_BASIC[octet] if octet < len(_BASIC) else "\N{REPLACEMENT CHARACTER}")
    return "".join(characters)
