"""A deliver_sm becomes a Receipt or a Reply. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.alphabet import coding_of, decode
from gateway.channels.sms_addresses import number_of
from gateway.channels.sms_causes import of_state, state_of_word
from gateway.channels.sms_pdu import (
    RECEIPT_CLASSES,
    TLV_NETWORK_ERROR,
    TLV_RECEIPTED_ID,
    TLV_SAR_NUMBER,
    TLV_SAR_REFERENCE,
    TLV_SAR_TOTAL,
    TLV_STATE,
    UDH_INDICATOR,
    Deliver,
    PduError,
)
from gateway.channels.sms_replies import classify
from gateway.domain import Channel, Event, Receipt, Reply, ReplyPart
from gateway.settings import Bind, IdForm

_ID = re.compile(r"\bid\s*:\s*(\S+)", re.IGNORECASE)
_STATE = re.compile(r"\bstat\w*\s*:\s*([a-z]+)", re.IGNORECASE)
_ERROR = re.compile(r"\berr\w*\s*:\s*(\w{1,16})", re.IGNORECASE)
_TEXT = re.compile(r"\btext\s*:", re.IGNORECASE)
# SMPP 3.4 has room for 64 characters; Python refuses to write a number of thousands of digits.
_LONGEST_ID = 64
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]+")


def normal_id(text: str, form: IdForm) -> str:
    """A message id so that response and receipt agree: hex or decimal, leading zeros and case aside."""
    plain = text.strip("\0 ").lower()[:_LONGEST_ID]
    if form == "hex" and _HEXADECIMAL.fullmatch(plain):
        return str(int(plain, 16))
    if _HEXADECIMAL.fullmatch(plain):
        return plain.lstrip("0") or "0"
    return plain


def known_id(text: str, form: IdForm, bind: Bind) -> str:
    """A message id as it is kept: those of another account are others, even where they read the same."""
    plain = normal_id(text, form)
    return f"{bind.account}/{plain}" if bind.account and plain else plain


def event_of(deliver: Deliver, bind: Bind, at: datetime) -> Event | None:
    """What the SMSC tells us; None for what needs no record (intermediate states)."""
    if _is_receipt(deliver):
        return _receipt(deliver, bind, at)
    if deliver.esm_class & RECEIPT_CLASSES:
        return None
    return _reply(deliver, bind, at)


def _is_receipt(deliver: Deliver) -> bool:
    # By class or TLV, never by the look of the text: anybody can type "id:… stat:DELIVRD".
    kind = deliver.esm_class & RECEIPT_CLASSES
    return kind in (0x04, 0x20) or TLV_RECEIPTED_ID in deliver.tlvs


def _receipt(deliver: Deliver, bind: Bind, at: datetime) -> Receipt | None:
    told = _TEXT.split(deliver.body.decode("latin-1"), maxsplit=1)[0]
    found = _ID.search(told)
    named = deliver.tlvs.get(TLV_RECEIPTED_ID, b"").partition(b"\0")[0].decode("latin-1")
    named = known_id(named or (found[1] if found else ""), bind.receipt_ids, bind)
    state = _state(deliver, told)
    if not named or state is None:
        raise PduError("a delivery receipt names no message or no state")
    outcome = of_state(state, _error(deliver, told), bind.number_errors)
    if outcome is None:
        return None
    address, other = _about(deliver, bind.source)
    return Receipt(Channel.SMS, outcome, at, remote_id=named, address=address, other_address=other)


def _error(deliver: Deliver, told: str) -> str:
    """In words, or else as the network's own code (its kind of network, then two octets)."""
    if found := _ERROR.search(told):
        return found[1]
    code = deliver.tlvs.get(TLV_NETWORK_ERROR, b"")
    return str(int.from_bytes(code[1:], "big")) if len(code) == 3 else ""


def _state(deliver: Deliver, told: str) -> int | None:
    tlv = deliver.tlvs.get(TLV_STATE, b"")
    if len(tlv) == 1:
        return tlv[0]
    word = _STATE.search(told)
    return state_of_word(word[1]) if word else None


def _about(deliver: Deliver, home: str) -> tuple[str, str]:
    """The recipient's number: the source of a receipt, or its destination where the SMSC keeps the roles.

    Where neither is our own, it may be either: the second, too.
    """
    source, destination = number_of(deliver.source, home), number_of(deliver.destination, home)
    if _same(source, home):
        return destination, ""
    return source, "" if _same(destination, home) else destination


def _same(one: str, other: str) -> bool:
    return one.lstrip("+") == other.lstrip("+")


def _reply(deliver: Deliver, bind: Bind, at: datetime) -> Reply | ReplyPart:
    header, body = b"", deliver.body
    if deliver.esm_class & UDH_INDICATOR and body:
        header, body = body[1 : body[0] + 1], body[body[0] + 1 :]
    coding = coding_of(deliver.data_coding, gsm7_default=bind.gsm7_default)
    address = number_of(deliver.source, bind.source)
    place = _place_in_header(header) or _place_in_tlvs(deliver.tlvs)
    if place is None:
        return _heard(address, at, decode(body, coding))
    return ReplyPart(Channel.SMS, address, at, *place, body, coding)


def joined(parts: Sequence[ReplyPart]) -> Reply:
    """The whole text of its parts, in whatever order they came; of one that lacks some, what is there."""
    ordered = sorted(parts, key=lambda part: part.number)
    # Octets first: networks cut characters of UCS-2 in two.
    text = decode(b"".join(part.octets for part in ordered), ordered[0].coding)
    return _heard(ordered[0].address, max(part.at for part in parts), text)


def _heard(address: str, at: datetime, text: str) -> Reply:
    plain = _CONTROL.sub(" ", text).strip()
    return Reply(Channel.SMS, classify(plain), address, at, plain)


_MOST_PARTS = 32


def _place_in_header(header: bytes) -> tuple[int, int, int] | None:
    """(reference, total, number) from a user data header (3GPP TS 23.040, 9.2.3.24.1 and .8)."""
    at = 0
    while at + 1 < len(header):
        kind, length = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + length]
        if (kind, len(value)) in ((0x00, 3), (0x08, 4)):
            return _possible(int.from_bytes(value[:-2], "big"), value[-2], value[-1])
        at += 2 + length
    return None


def _place_in_tlvs(tlvs: Mapping[int, bytes]) -> tuple[int, int, int] | None:
    values = [tlvs.get(tag, b"") for tag in (TLV_SAR_REFERENCE, TLV_SAR_TOTAL, TLV_SAR_NUMBER)]
    if [len(value) for value in values] != [2, 1, 1]:
        return None
    reference, total, number = (int.from_bytes(value, "big") for value in values)
    return _possible(reference, total, number)


def _possible(reference: int, total: int, number: int) -> tuple[int, int, int] | None:
    """None for a text that is whole, and for what no telephone would send: it is read as it is."""
    return (reference, total, number) if 1 < total <= _MOST_PARTS and 1 <= number <= total else None
