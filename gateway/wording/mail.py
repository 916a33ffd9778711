"""Mail: the clinic's letterhead around a text, and the appointment for the calendar; pure.

Mail programs know little of the web: tables for the layout, styles in each element, nothing that is fetched.
Colours come in pairs of text and ground, so that a program that turns them dark turns both.
"""

from __future__ import annotations

import html
import re
from datetime import timedelta
from functools import lru_cache

from gateway.domain import LOGO, Facts, Invitation
from gateway.settings import Clinic

_GROUND, _PAPER, _INK, _FAINT = "#f4f6f8", "#fdfdfd", "#1d2939", "#475467"
_FONT = "font-family:Arial,Helvetica,sans-serif"
_TABLE = 'role="presentation" cellpadding="0" cellspacing="0" border="0"'
_WIDTH = 600
_TITLE, _TEXT = "\0title\0", "\0text\0"


def invitation(facts: Facts, clinic: Clinic) -> Invitation | None:
    """The appointment for the calendar, which says no more than that there is one (rules 1.16)."""
    visit = facts.appointment
    if visit is None or not clinic.visit_minutes or facts.together:
        # One event cannot stand for several visits.
        return None
    ends_at = visit.starts_at + timedelta(minutes=clinic.visit_minutes)
    uid = f"visit-{clinic.id}-{visit.id}"
    gone = visit.status != "booked"
    place = ", ".join(clinic.address_lines)
    return Invitation(uid, visit.starts_at, ends_at, clinic.name, place, cancelled=gone)


def letter(subject: str, body: str, clinic: Clinic, language: str) -> str:
    """The text under the clinic's letterhead; everything from data is escaped."""
    before_title, before_text, end = _paper(clinic, language)
    # Short lines travel as they are; one of more than 998 characters would have to be encoded.
    paragraphs = "".join(
        f'\n<p style="margin:0 0 16px 0">{html.escape(part).replace(chr(10), "<br>")}</p>'
        for part in body.split("\n\n")
    )
    return f"{before_title}{html.escape(subject)}{before_text}{paragraphs}{end}"


def letter_text(body: str, clinic: Clinic) -> str:
    """The same without HTML: the letterhead's words below the text, unless it ends with them."""
    body = body.rstrip()
    name = [] if body.endswith(clinic.name) else ["", clinic.name]
    return "\n".join([body, *name, *clinic.address_lines, clinic.callback])


def readable_on(ground: str) -> str:
    """White or black, whichever is read more easily on a colour (WCAG 2: at least 4.5 to 1)."""
    return "#ffffff" if contrast(ground, "#ffffff") >= contrast(ground, "#000000") else "#000000"


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 counts it, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=32)
def _paper(clinic: Clinic, language: str) -> tuple[str, str, str]:
    """What is the same in all letters: before the title, before the text, and after it."""
    page = (
        f'<!doctype html><html lang="{html.escape(language)}"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">'
        f'<meta name="supported-color-schemes" content="light dark"><title>{_TITLE}</title></head>\n'
        f'<body bgcolor="{_GROUND}" style="margin:0;padding:0;{_pair(_GROUND, _INK)}">\n'
        f'<table {_TABLE} width="100%" bgcolor="{_GROUND}" style="{_pair(_GROUND, _INK)}"><tr>\n'
        f'<td align="center" style="padding:16px 8px"><table {_TABLE} width="{_WIDTH}" bgcolor="{_PAPER}" '
        f'style="width:100%;max-width:{_WIDTH}px;{_pair(_PAPER, _INK)}">'
        f"{_head(clinic)}{_row(_PAPER, _INK, 16, _TEXT)}{_foot(clinic)}</table></td></tr>\n"
        "</table></body></html>"
    )
    before_title, rest = page.split(_TITLE)
    before_text, end = rest.split(_TEXT)
    return before_title, before_text, end


def _head(clinic: Clinic) -> str:
    name = html.escape(clinic.name)
    logo = ""
    if clinic.logo:
        style = "display:block;height:48px;width:auto;max-width:100%;border:0;margin:0 0 8px 0"
        logo = f'<img src="cid:{LOGO}" alt="{name}" height="48" style="{style}">'
    words = f'{logo}<span style="font-size:20px;font-weight:bold">{name}</span>'
    return _row(clinic.colour, readable_on(clinic.colour), 20, words)


def _foot(clinic: Clinic) -> str:
    dialled = re.sub(r"[^0-9+]", "", clinic.callback)
    link = f'<a href="tel:{dialled}" style="color:{_FAINT}">{html.escape(clinic.callback)}</a>'
    lines = [html.escape(line) for line in (clinic.name, *clinic.address_lines)]
    return _row(_PAPER, _FAINT, 14, "<br>".join([*lines, link]))


def _row(ground: str, ink: str, size: int, content: str) -> str:
    style = f"padding:20px 24px;{_pair(ground, ink)};{_FONT};font-size:{size}px;line-height:1.5"
    return f'\n<tr><td bgcolor="{ground}" style="{style}">{content}</td></tr>'


def _pair(ground: str, ink: str) -> str:
    return f"background-color:{ground};color:{ink}"
