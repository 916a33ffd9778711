"""What kind of line a telephone number is, by the numbering plans alone: nothing is dialled to find out."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, number_type, parse

from gateway.domain import Channel
from gateway.policy.verdict import Refuse
from gateway.settings import LineSettings


class Line(StrEnum):
    """What matters of a kind of line."""

    MOBILE = "mobile"
    MOBILE_OR_LANDLINE = "mobile or landline"
    LANDLINE = "landline"
    NOWHERE = "nowhere"
    PREMIUM = "premium"
    EMERGENCY = "emergency"
    IMPOSSIBLE = "impossible"


_LINES = {
    PhoneNumberType.MOBILE: Line.MOBILE,
    PhoneNumberType.PAGER: Line.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: Line.MOBILE_OR_LANDLINE,
    PhoneNumberType.FIXED_LINE: Line.LANDLINE,
    PhoneNumberType.PREMIUM_RATE: Line.PREMIUM,
    PhoneNumberType.SHARED_COST: Line.PREMIUM,
    PhoneNumberType.UNKNOWN: Line.IMPOSSIBLE,
}
# Emergency and service numbers of every plan are shorter than any number of a person.
_SHORT = 6


_NORTH_AMERICAN = re.compile(r"\+1[2-9][0-9]{9}")


def line_of(number: str) -> Line:
    """The kind of line; `NOWHERE`: one that is bound to no place and is no mobile, such as toll-free."""
    if _NORTH_AMERICAN.fullmatch(number):
        return _north_american(number[2:-3])
    return _line_of(number)


# The plan of +1 hands out blocks of a thousand numbers at the finest: one look tells of all of them.
@lru_cache(maxsize=1 << 17)
def _north_american(block: str) -> Line:
    return _of_kind(number_type(PhoneNumber(country_code=1, national_number=int(block + "000"))))


# Each number is asked for at least when planned and when it leaves.
@lru_cache(maxsize=1 << 17)
def _line_of(number: str) -> Line:
    if len(number.removeprefix("+")) <= _SHORT:
        return Line.EMERGENCY
    try:
        return _of_kind(number_type(parse(number, None)))
    except NumberParseException:
        return Line.IMPOSSIBLE


def _of_kind(kind: int) -> Line:
    return _LINES.get(kind, Line.NOWHERE)


def about_line(channel: Channel, number: str, settings: LineSettings) -> Refuse | None:
    """Whether such a line may be used on this channel."""
    if channel is Channel.EMAIL:
        return None
    line = line_of(number)
    if line is Line.EMERGENCY:
        return Refuse("emergency-number", basis="address")
    if line is Line.IMPOSSIBLE and not settings.impossible_dialled:
        return Refuse("impossible-number", basis="setting:policy.lines.impossible_dialled")
    if line is Line.PREMIUM and not settings.premium_dialled:
        return Refuse("premium-number", basis="setting:policy.lines.premium_dialled")
    if channel is Channel.SMS and line is Line.LANDLINE and not settings.landlines_get_texts:
        return Refuse("landline", basis="setting:policy.lines.landlines_get_texts")
    return None
