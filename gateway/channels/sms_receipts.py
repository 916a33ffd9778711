"""A deliver_sm becomes a Receipt or a Reply. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from gateway.channels.sms_addresses import number_of
from gateway.channels.sms_causes import of_state, state_of_word
from gateway.channels.sms_encoding import decode
from gateway.channels.sms_pdu import (
    RECEIPT_CLASSES,
    TLV_RECEIPTED_ID,
    TLV_STATE,
    UDH_INDICATOR,
    Deliver,
    PduError,
)
from gateway.channels.sms_replies import classify
from gateway.domain import Channel, Event, Receipt, Reply
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
    named = named or (found[1] if found else "")
    state = _state(deliver, told)
    if not named or state is None:
        raise PduError("a delivery receipt names no message or no state")
    error = _ERROR.search(told)
    outcome = of_state(state, error[1] if error else "")
    if outcome is None:
        return None
    return Receipt(
        Channel.SMS,
        outcome,
        at,
        remote_id=normal_id(named, bind.receipt_ids),
        address=_about(deliver, bind.source),
    )


def _state(deliver: Deliver, told: str) -> int | None:
    tlv = deliver.tlvs.get(TLV_STATE, b"")
    if len(tlv) == 1:
        return tlv[0]
    word = _STATE.search(told)
    return state_of_word(word[1]) if word else None


def _about(deliver: Deliver, home: str) -> str:
    """The recipient's number: the source of a receipt, or its destination where the SMSC keeps the roles."""
    source = number_of(deliver.source, home)
    ours = source.lstrip("+") == home.lstrip("+")
    return number_of(deliver.destination, home) if ours else source


def _reply(deliver: Deliver, bind: Bind, at: datetime) -> Reply:
    body = deliver.body
    if deliver.esm_class & UDH_INDICATOR and body:
        body = body[body[0] + 1 :]
    text = _CONTROL.sub(" ", decode(body, deliver.data_coding, gsm7_default=bind.gsm7_default)).strip()
    return Reply(Channel.SMS, classify(text), number_of(deliver.source, bind.source), at, text)
