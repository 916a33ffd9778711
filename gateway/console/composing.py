"""The form of Messaging: what was typed in it, and the broadcast that it asks for. Touches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from gateway import wording
from gateway.domain import Broadcast, Channel, MessageType, Then
from gateway.domain.message_types import TYPES, Audience
from gateway.ordering import BroadcastError, Days, moment_of, ordered
from gateway.settings import Settings
from gateway.wording.templates import NOT_TEXTS
from store.templates import Saved

Texts = dict[str, dict[str, str]]
E = TypeVar("E", MessageType, Channel)

TYPE_LABELS: Mapping[MessageType, str] = {
    MessageType.UPCOMING_APPOINTMENTS: "Client Upcoming Appointments",
    MessageType.STAFF_UPCOMING_APPOINTMENTS: "Staff Upcoming Appointments",
    MessageType.UPCOMING_RENEWALS: "Client Upcoming Renewals",
    MessageType.STAFF_UPCOMING_RENEWALS: "Staff Upcoming Renewals",
    MessageType.BIRTHDAYS: "Client Birthdays",
    MessageType.CLIENT_LIST: "Client List",
    MessageType.STAFF_LIST: "Staff List",
    MessageType.CLIENT_NOTICE: "Notice to all Clients",
    MessageType.STAFF_NOTICE: "Notice to all Staff",
}
METHODS: Mapping[Channel, str] = {
    Channel.VOICE: "Voice",
    Channel.SMS: "Text",
    Channel.EMAIL: "Email",
    Channel.FAX: "Fax",
}
SEND: Mapping[Channel, str] = {
    Channel.VOICE: "Send Voice Message",
    Channel.SMS: "Send Text Message",
    Channel.EMAIL: "Send Email Message",
    Channel.FAX: "Send Fax Message",
}
# Of a channel's field: its label, and how many lines the box has.
FIELDS: Mapping[tuple[Channel, str], tuple[str, int]] = {
    (Channel.VOICE, "person"): ("What a person hears", 5),
    (Channel.VOICE, "machine"): ("What an answering machine gets", 3),
    (Channel.SMS, "body"): ("Text", 4),
    (Channel.EMAIL, "subject"): ("Subject", 1),
    (Channel.EMAIL, "body"): ("Email", 8),
    (Channel.FAX, "subject"): ("Subject", 1),
    (Channel.FAX, "body"): ("Fax", 8),
}
PLACEHOLDERS: Mapping[str, str] = {
    "ClientName": "the recipient's whole name",
    "FirstName": "the recipient's first name",
    "ContactName": "the name of whoever is told",
    "ServiceDate": "the date of the appointment",
    "ServiceTime": "its time",
    "Service": "what it is for",
    "Clinician": "who sees the client",
    "Appointments": "all visits of the day",
    "Renewal": "what is to be renewed",
    "RenewalDate": "when it falls due",
    "Practice": "the clinic's name",
    "CallBack": "the clinic's telephone number",
}
VERSIONS: Mapping[str, str] = {
    "person": "A person hears",
    "machine": "An answering machine gets",
    "other language": "In the other language",
    "announced to staff": "Announced to staff",
    "connecting": "While connecting",
    "nobody there": "When nobody is there",
}
UNITS: Mapping[str, str] = {"m": "minutes", "h": "hours", "d": "days"}
# What may be wrong with a form, beside what checking the texts tells.
NO_START, NO_DAYS = "Choose a start date.", "Days: a number from 1 to 366."
NO_DATE, NO_TIME = "Choose a broadcast date.", "Choose a broadcast time, such as 10:00."
OVER = "The broadcast date is over: choose today or a later day."
NO_WAIT = "Say how long after the step before, such as 4 hours."
NO_LIST, NO_NAME = "Choose a list.", "Give the template a name."
OTHER_TYPE = "A template of this name is for another message type: choose another name."
WRONG = (NO_START, NO_DAYS, NO_DATE, NO_TIME, OVER, NO_WAIT, NO_LIST, NO_NAME, OTHER_TYPE)
STEPS = 2
_MINUTES = 15
_LONGEST_DAYS = 366
_LONGEST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Step:
    """What follows without an answer, as it was typed; an empty channel: nothing."""

    channel: str = ""
    wait: str = "4"
    unit: str = "h"


@dataclass(frozen=True, slots=True)
class Typed:
    """The form. `shown_type` and `shown_template`: those that its texts were shown for."""

    type: MessageType = MessageType.UPCOMING_APPOINTMENTS
    list_name: str = ""
    channel: Channel = Channel.SMS
    only_preference: bool = True
    start_date: str = ""
    days: str = "1"
    at_date: str = ""
    at_time: str = ""
    name: str = ""
    template: str = ""
    template_name: str = ""
    version: int = 0
    shown_type: str = ""
    shown_template: str = ""
    texts: Texts = field(default_factory=dict)
    steps: tuple[Step, ...] = (Step(),) * STEPS
    bundle: bool = False
    shown_bundle: bool = False

    @property
    def audience(self) -> Audience:
        """Where its recipients come from."""
        return TYPES[self.type].audience

    @property
    def has_days(self) -> bool:
        """Whether it is about days."""
        return self.audience in (Audience.APPOINTMENTS, Audience.RENEWALS, Audience.BIRTHDAYS)

    @property
    def fields(self) -> Iterator[tuple[str, str, str, str, int]]:
        """Each text's table, field, value, label and lines: the clinic's language first."""
        for table, texts in sorted(self.texts.items(), key=lambda item: item[0].count(".")):
            channel = table.partition(".")[0]
            if table in NOT_TEXTS or channel not in list(Channel):
                continue
            for name, (label, lines) in _fields_of(Channel(channel)):
                yield table, name, texts.get(name, ""), label, lines

    def hidden(self) -> Iterator[tuple[str, str]]:
        """The form again, for pages that carry it on."""
        yield from (("type", self.type.value), ("list", self.list_name), ("channel", self.channel.value))
        yield from (("sent", "1"), ("start_date", self.start_date), ("days", self.days))
        yield from (("at_date", self.at_date), ("at_time", self.at_time), ("name", self.name))
        yield from (("template", self.template), ("template_name", self.template_name))
        yield "version", str(self.version)
        yield from (("shown_type", self.shown_type), ("shown_template", self.shown_template))
        if self.only_preference:
            yield "only_preference", "1"
        if self.bundle:
            yield "bundle", "1"
        if self.shown_bundle:
            yield "shown_bundle", "1"
        for number, step in enumerate(self.steps):
            yield from ((f"then{number}", step.channel), (f"wait{number}", step.wait))
            yield f"unit{number}", step.unit
        yield from ((f"text.{table}.{name}", text) for table, name, text, _, _ in self.fields)


def _fields_of(channel: Channel) -> Iterator[tuple[str, tuple[str, int]]]:
    return ((name, told) for (of, name), told in FIELDS.items() if of is channel)


def fresh(settings: Settings, now: datetime, asked: Mapping[str, str] | None = None) -> Typed:
    """The form as it opens: reminders of tomorrow's appointments, to go soon."""
    asked = asked or {}
    soon = now.astimezone(ZoneInfo(settings.clinic.zone)) + timedelta(minutes=_MINUTES)
    soon = soon.replace(minute=soon.minute - soon.minute % _MINUTES)
    kind = _one_of(MessageType, asked.get("type", ""), MessageType.UPCOMING_APPOINTMENTS)
    return Typed(
        type=kind,
        channel=_one_of(Channel, asked.get("channel", ""), Channel.SMS),
        start_date=str(soon.date() + timedelta(days=1)),
        at_date=str(soon.date()),
        at_time=f"{soon:%H:%M}",
        template=asked.get("template", ""),
        shown_type=kind.value,
    )


def typed(form: Mapping[str, str]) -> Typed:
    """What was sent; what makes no sense is as it opens."""
    texts: Texts = {}
    for key, text in form.items():
        if key.startswith("text."):
            table, _, name = key.removeprefix("text.").rpartition(".")
            # Browsers send lines with both.
            texts.setdefault(table, {})[name] = text[:_LONGEST_TEXT].replace("\r\n", "\n")
    kind = _one_of(MessageType, form.get("type", ""), MessageType.UPCOMING_APPOINTMENTS)
    version = form.get("version", "")
    return Typed(
        type=kind,
        list_name=form.get("list", ""),
        channel=_one_of(Channel, form.get("channel", ""), Channel.SMS),
        only_preference=bool(form.get("only_preference")),
        start_date=form.get("start_date", "")[:10],
        days=form.get("days", "1")[:3],
        at_date=form.get("at_date", "")[:10],
        at_time=form.get("at_time", "")[:5],
        name=form.get("name", "")[:120],
        template=form.get("template", ""),
        template_name=form.get("template_name", "")[:64],
        version=int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0,
        shown_type=form.get("shown_type", ""),
        shown_template=form.get("shown_template", ""),
        texts=texts,
        steps=tuple(_step(form, number) for number in range(STEPS)),
        bundle=bool(form.get("bundle")),
        shown_bundle=bool(form.get("shown_bundle")),
    )


def _step(form: Mapping[str, str], number: int) -> Step:
    channel, unit = form.get(f"then{number}", ""), form.get(f"unit{number}", "h")
    return Step(
        channel if channel in list(Channel) else "",
        form.get(f"wait{number}", "4")[:4],
        unit if unit in UNITS else "h",
    )


def _one_of(kind: type[E], text: str, usual: E) -> E:
    return kind(text) if text in list(kind) else usual


def base_texts(settings: Settings, kind: MessageType, saved: Saved | None, bundle: bool) -> Texts:
    """The texts that a form begins with: those of a saved template, or those that ship."""
    if saved is not None:
        return {table: dict(texts) for table, texts in saved.texts.items()}
    texts = wording.default_templates(kind, settings.clinic.language)
    return wording.for_several(texts, settings.clinic.language) if bundle else texts


def over(base: Texts, said: Texts) -> Texts:
    """The texts with what was typed over them; what was not shown in the form stays."""
    found = {table: dict(texts) for table, texts in base.items()}
    for table, texts in said.items():
        channel, _, language = table.partition(".")
        if channel in list(Channel) and table not in NOT_TEXTS and (not language or language.isalpha()):
            known = {name for name, _ in _fields_of(Channel(channel))}
            found.setdefault(table, {}).update({k: v for k, v in texts.items() if k in known})
    return found


def in_language(texts: Texts, kind: MessageType, language: str, bundle: bool) -> Texts:
    """The same with the texts that ship in a language beside them."""
    shipped = wording.default_templates(kind, language)
    if bundle:
        shipped = wording.for_several(shipped, language)
    theirs = {f"{table}.{language}": fields for table, fields in shipped.items()}
    return theirs | texts


def wanted(settings: Settings, form: Typed, now: datetime) -> Broadcast:
    """The broadcast of a form, not looked at yet; BroadcastError says what to correct."""
    zone = ZoneInfo(settings.clinic.zone)
    first = _date(form.start_date, NO_START) if form.has_days else now.astimezone(zone).date()
    if not (form.days.isascii() and form.days.isdigit() and 1 <= int(form.days) <= _LONGEST_DAYS):
        raise BroadcastError(NO_DAYS)
    return ordered(
        settings,
        form.name.strip() or f"{TYPE_LABELS[form.type]} {first:%Y-%m-%d}",
        form.type,
        form.channel,
        form.only_preference,
        form.texts,
        Days(first, int(form.days)),
        send_at(form, zone, now),
        cascade=tuple(_then(form.steps)),
        bundle=form.bundle and form.type is MessageType.UPCOMING_APPOINTMENTS,
    )


def send_at(form: Typed, zone: ZoneInfo, now: datetime) -> datetime:
    """When it goes: at once where the time of today is over. BroadcastError for a day that is over."""
    day = _date(form.at_date, NO_DATE)
    try:
        clock = time.fromisoformat(form.at_time)
    except ValueError as error:
        raise BroadcastError(NO_TIME) from error
    if day < now.astimezone(zone).date():
        raise BroadcastError(OVER)
    moment = moment_of(datetime.combine(day, clock.replace(tzinfo=None)), zone)
    return max(moment, now)


def _date(text: str, otherwise: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BroadcastError(otherwise) from error


def _then(steps: Iterable[Step]) -> Iterator[Then]:
    for step in steps:
        if not step.channel:
            continue
        if not (step.wait.isascii() and step.wait.isdigit() and int(step.wait) > 0):
            raise BroadcastError(NO_WAIT)
        yield Then(Channel(step.channel), timedelta(**{UNITS[step.unit]: int(step.wait)}))


def shown(form: Typed, texts: Texts, saved: Saved | None) -> Typed:
    """The form with texts that were opened for its type and template."""
    name = saved.name if saved else ""
    return replace(
        form,
        texts=texts,
        template=name,
        version=saved.version if saved else 0,
        template_name=name or form.template_name,
        shown_type=form.type.value,
        shown_template=name,
        shown_bundle=form.bundle,
    )
