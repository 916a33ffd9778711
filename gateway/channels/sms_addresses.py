"""Numbers and names as SMPP writes them, and back to the way contact points are kept. Pure."""

from __future__ import annotations

import re

from gateway.channels.sms_pdu import Address

INTERNATIONAL, NATIONAL, NETWORK_SPECIFIC, ALPHANUMERIC = 1, 2, 3, 5
_DIGITS = re.compile(r"\+?[0-9]{1,20}")
_NAME = re.compile(r"[A-Za-z0-9 .&_-]{1,11}")
_LONGEST_SHORT_CODE = 6


def address_of(text: str) -> Address | None:
    """TON and NPI by kind (rules 3.10): E.164 1/1, short code 3/0, name 5/0; None for none of them."""
    if _DIGITS.fullmatch(text):
        digits = text.removeprefix("+")
        if text[0] != "+" and len(digits) <= _LONGEST_SHORT_CODE:
            return Address(NETWORK_SPECIFIC, 0, digits)
        return Address(INTERNATIONAL, 1, digits) if 7 <= len(digits) <= 15 else None
    if _NAME.fullmatch(text):
        return Address(ALPHANUMERIC, 0, text)
    return None


def number_of(address: Address, home: str) -> str:
    """An address as contact points have it: `+` and digits where it is a telephone number.

    SMSCs often leave TON at 0, or write our own country's numbers without its code: `home` is our own
    number, from which the country is taken.
    """
    text = address.digits
    if text.startswith("+") or not text.isdigit():
        return text
    if text.startswith("00") and len(text) > 9:
        return "+" + text[2:]
    if address.ton == INTERNATIONAL:
        return "+" + text
    if len(text) == 10 and home.startswith("+1") and len(home) == 12:
        return "+1" + text
    return "+" + text if 11 <= len(text) <= 15 and text[0] != "0" else text
