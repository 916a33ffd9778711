"""Texts as octets: GSM-7 with its extension table, Latin-1 or UCS-2, in segments; and back. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.domain import ContentError, UnsafeValueError

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
    """User data header of segment `number` (from 1) of `total`."""
    return bytes((5, 0, 3, reference & 0xFF, total, number))


# Characters that look like one that GSM-7 has: what word processors make of what was typed.
_LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u0060\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys(
            "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f", " "
        ),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", ""),
        **dict.fromkeys("\u2022\u00b7\u2219", "*"),
        "\t": " ",
        "\u2026": "...",
        "\u2044": "/",
        "\u2039": "<",
        "\u203a": ">",
    }
)


def plainer(body: str) -> str:
    """The text with plain characters for look-alikes, where they alone keep it from GSM-7; else itself."""
    plain = body.translate(_LOOK_ALIKES)
    return plain if _GSM_TEXT.fullmatch(plain) else body


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a text costs: `segments` in its `alphabet`, and how many it would need in plain characters.

    `foreign`: the characters that the bind's own alphabet (GSM-7 or Latin-1) does not have, each once.
    """

    characters: int
    alphabet: str
    segments: int
    foreign: str
    plain_segments: int


def estimate(body: str, *, gsm7_default: bool = True) -> Estimate:
    """How networks count this text. Raises ContentError for one that can never be sent."""
    check_text(body)
    text = segment(body, gsm7_default=gsm7_default)
    plain = segment(plainer(body), gsm7_default=gsm7_default)
    foreign = "".join(dict.fromkeys(char for char in body if not _is_usual(char, gsm7_default)))
    names = {GSM7: "GSM-7", LATIN1: "Latin-1", UCS2: "UCS-2"}
    return Estimate(len(body), names[text.data_coding], len(text.bodies), foreign, len(plain.bodies))


def _is_usual(char: str, gsm7_default: bool) -> bool:
    return ord(char) in _TO_GSM if gsm7_default else char <= "\xff"


def coding_of(data_coding: int, *, gsm7_default: bool) -> str:
    """The name of the alphabet that a data_coding means on a bind, for `decode`."""
    if data_coding == UCS2:
        return "ucs-2"
    return "latin-1" if data_coding in (1, LATIN1) or not gsm7_default else "gsm-7"


def decode(body: bytes, coding: str) -> str:
    """The characters of a received body; what is not a character becomes U+FFFD, never an error."""
    if coding == "ucs-2":
        return body.decode("utf-16-be", "replace")
    if coding == "latin-1":
        return body.decode("latin-1")
    characters = []
    octets = iter(body)
    for octet in octets:
        if octet == ESCAPE:
            characters.append(_EXTENSION.get(next(octets, 0x20), " "))
        else:
            characters.append(_BASIC[octet] if octet < len(_BASIC) else "\N{REPLACEMENT CHARACTER}")
    return "".join(characters)
