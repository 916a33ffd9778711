"""Mail: the page around a text, and the appointment for the calendar; pure."""

from __future__ import annotations

import html
from datetime import timedelta

from gateway.domain import Facts, Invitation
from gateway.settings import Clinic


def invitation(facts: Facts, clinic: Clinic) -> Invitation | None:
    """The appointment for the calendar, which says no more than that there is one (rules 1.16)."""
    visit = facts.appointment
    if visit is None or not clinic.visit_minutes:
        return None
    ends_at = visit.starts_at + timedelta(minutes=clinic.visit_minutes)
    uid = f"visit-{clinic.id}-{visit.id}"
    return Invitation(uid, visit.starts_at, ends_at, clinic.name, clinic.address)


def letter(subject: str, body: str, clinic: str) -> str:
    """A plain HTML letter around the text; everything from data is escaped."""
    paragraphs = "".join(
        f'<p style="margin:0 0 16px">{html.escape(part).replace(chr(10), "<br>")}</p>'
        for part in body.split("\n\n")
    )
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{html.escape(subject)}</title></head>'
        '<body style="margin:0;background:#f4f6f8"><div style="max-width:560px;margin:0 auto;padding:24px;'
        'background:#ffffff;font:16px/1.5 sans-serif;color:#1d2939">'
        f'<div style="font-weight:bold;color:#0b3b4f;margin-bottom:16px">{html.escape(clinic)}</div>'
        f"{paragraphs}</div></body></html>"
    )
