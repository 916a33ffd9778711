"""What a verdict rests on, briefly in Spanish: which entry, setting, appointment or stop it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from gateway.console.grounds import LEARNT
from gateway.console.phrases import SPANISH
from gateway.settings.table import told as value_told
from store.settings import Change
from store.why import Line

_GROUNDS = {
    "entry": "asiento {ref} del registro de consentimientos",
    "setting": "ajuste {ref}",
    "appointment": "cita {ref}",
    "attempts": "llamadas y textos de los últimos ocho días",
    "stop": "parada {ref}, por 'ringwell stop'",
    "address": "la dirección que consta",
    "client": "los datos del cliente",
    "broadcast": "envío {ref}",
    "reply": "contesta al mensaje {ref}",
    "placeholder": "falta el valor de {ref}",
    "renewal": "renovación {ref}",
}


def ground_told(basis: str, lines: Mapping[int, Line], zone: ZoneInfo) -> str:
    """What a verdict rests on; empty where there is nothing to name."""
    ground, _, ref = basis.partition(":")
    line = lines.get(int(ref)) if ground == "entry" and ref.isdigit() else None
    if line is not None:
        return line_told(line, zone)
    return _GROUNDS.get(ground, "").format(ref=ref.replace(", placeholder:", ", "))


def line_told(line: Line, zone: ZoneInfo) -> str:
    """An entry of the consent ledger."""
    on = f"el {SPANISH.day(line.at, zone)}, asiento {line.id}"
    if line.source in LEARNT:
        return f"anotado {on}"
    return f"consentimiento {'dado' if line.given else 'retirado'} {on}"


def change_told(change: Change, zone: ZoneInfo) -> str:
    """A change of a setting: who set what, and when."""
    value = "devuelto al archivo"
    if change.value is not None:
        value = f"puesto a {value_told(json.loads(change.value))}"
    return f"ajuste {change.name} {value} por {change.by} el {SPANISH.day(change.at, zone)}"


def stop_told(number: str | None) -> str:
    """What was stopped; None: it was lifted."""
    return "ya no hay nada parado" if number is None else _GROUNDS["stop"].format(ref=number)
