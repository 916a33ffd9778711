"""The sentences of 'why' and 'why not' in English and Spanish; the reasons are in gateway.policy.words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.console import words
from gateway.domain import Channel, State


@dataclass(frozen=True, slots=True)
class Phrases:
    """What stands around reasons, with {placeholders}; `what`: which fact changed."""

    may_go: str
    waits: str
    not_sent: str
    stopped: str
    prefers: str
    now_heading: str
    message: str
    of_broadcast: str
    planned: str
    attempt: str
    before_sending: str
    in_between: str
    since_then: str
    now: str
    no_verdict: str
    no_messages: str
    times: str
    person: str
    changed: str
    changed_to: str
    nothing: str
    months: str
    channels: Mapping[str, str]
    kinds: Mapping[str, str]
    states: Mapping[str, str]
    what: Mapping[str, str]

    def day(self, at: datetime, zone: ZoneInfo) -> str:
        """A day as 3 May 2026, in this zone."""
        local = at.astimezone(zone)
        return f"{local.day} {self.months.split()[local.month - 1]} {local.year}"


ENGLISH = Phrases(
    may_go="May go",
    waits="Waits until {day}, {clock}: {reason}",
    not_sent="Not sent: {reason}",
    stopped="Waits until sending is resumed: {reason}",
    prefers=", prefers {channel}",
    now_heading="If something were sent now:",
    message="Message {id} ({channel}{of}), {state}",
    of_broadcast=" of broadcast {broadcast}",
    planned="planned",
    attempt="attempt {attempt}",
    before_sending="before sending",
    in_between="in between",
    since_then="since then",
    now="now",
    no_verdict="No verdict on record: it was planned before verdicts were kept.",
    no_messages="No messages to this client yet.",
    times="Times are those of {zone}.",
    person="{name} ({kind} {external_id}, our number {id})",
    changed="{what} changed",
    changed_to="{what} changed: {was}, then {now}",
    nothing="none",
    months="Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    channels=words.CHANNELS,
    kinds={},
    states={},
    what={
        "consent": "consent",
        "address": "the address",
        "appointment": "the appointment",
        "whose-visit": "whose appointment or renewal it is",
        "preference": "the preferred method",
        "time-zone": "the time zone",
        "region": "the state or country",
        "messaging-contact": "whose addresses are used",
        "attempts": "calls and texts made in the last days",
        "earlier-steps": "the earlier steps",
        "stop": "what was stopped",
        "answer": "the answer of the recipient",
        "broadcast": "the broadcast",
        "settings": "the settings",
    },
)
SPANISH = Phrases(
    may_go="Puede ir",
    waits="Espera hasta el {day}, {clock}: {reason}",
    not_sent="No se envía: {reason}",
    stopped="Espera a que se reanuden los envíos: {reason}",
    prefers=", prefiere {channel}",
    now_heading="Si se enviara algo ahora:",
    message="Mensaje {id} ({channel}{of}), {state}",
    of_broadcast=" del envío {broadcast}",
    planned="al planificar",
    attempt="intento {attempt}",
    before_sending="antes de enviar",
    in_between="entretanto",
    since_then="desde entonces",
    now="ahora",
    no_verdict="No consta ninguna decisión: se planificó antes de que se guardaran.",
    no_messages="Todavía no hay mensajes para este cliente.",
    times="Las horas son las de {zone}.",
    person="{name} ({kind} {external_id}, nuestro número {id})",
    changed="cambió: {what}",
    changed_to="cambió: {what}: antes {was}, después {now}",
    nothing="nada",
    months="ene feb mar abr may jun jul ago sep oct nov dic",
    channels={Channel.VOICE: "Llamada", Channel.SMS: "Texto", Channel.EMAIL: "Correo", Channel.FAX: "Fax"},
    kinds={"client": "cliente", "staff": "personal"},
    states={
        State.SCHEDULED: "programado",
        State.QUEUED: "en cola",
        State.CLAIMED: "por salir",
        State.SENDING: "saliendo",
        State.ACCEPTED: "aceptado",
        State.DELIVERED: "entregado",
        State.FAILED: "fallido",
        State.UNKNOWN: "sin saber",
        State.REFUSED: "no enviado",
        State.EXPIRED: "caducado",
        State.CANCELLED: "cancelado",
    },
    what={
        "consent": "el consentimiento",
        "address": "la dirección",
        "appointment": "la cita",
        "whose-visit": "de quién es la cita o la renovación",
        "preference": "la vía preferida",
        "time-zone": "la zona horaria",
        "region": "el estado o país",
        "messaging-contact": "de quién son las direcciones que se usan",
        "attempts": "las llamadas y textos de los últimos días",
        "earlier-steps": "los pasos anteriores",
        "stop": "lo que está parado",
        "answer": "la respuesta del destinatario",
        "broadcast": "el envío",
        "settings": "los ajustes",
    },
)
BY_LANGUAGE: Mapping[str, Phrases] = {"en": ENGLISH, "es": SPANISH}
