"""What a verdict rests on, in words: a line of the ledger, a setting, an appointment, a stop."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.console import words
from gateway.domain import Channel, Source
from gateway.policy.snapshot import MADE, Snapshot
from gateway.settings import Settings
from gateway.settings.changing import plain_value
from gateway.settings.table import told
from store.settings import Change
from store.stops import Stop
from store.verdicts import Judged
from store.why import Line

# How consent was given or withdrawn.
HOW: Mapping[str, str] = {
    Source.FORM: "on a form",
    Source.STAFF: "by staff",
    Source.IMPORT: "by an import",
    Source.KEY: "by a key in a call",
    Source.TEXT: "by text",
    Source.EMAIL: "by email",
    Source.FAX: "by fax",
    Source.AMBIGUOUS: "by a CANCEL that may mean the visit alone",
    Source.CLARIFIED: "because CANCEL turned out to mean the visit",
    Source.SHARED_ADDRESS: "by somebody with the same number or mailbox",
}
# What was learnt of an address: when it must not be used, and when it may be again.
LEARNT: Mapping[str, tuple[str, str]] = {
    Source.DO_NOT_CALL: (
        "the number was put on the do-not-call list",
        "the number left the do-not-call list",
    ),
    Source.BOUNCE: ("mail to the address came back", "mail reaches the address again"),
    Source.COMPLAINT: ("the mailbox complained about our mail", "the complaint was taken back"),
    Source.DEACTIVATED: ("the number was given up by its owner", "the number is in use again"),
    Source.INVALID: ("the number does not exist", "the number exists"),
    Source.NO_TEXTS: ("the number takes no texts", "the number takes texts"),
    Source.CORRECTED: ("the address was found wrong", "the address was corrected"),
}
SENT: Mapping[str, str] = {
    Channel.VOICE: "calls may be made",
    Channel.SMS: "texts may be sent",
    Channel.EMAIL: "mails may be sent",
    Channel.FAX: "faxes may be sent",
}
_PURPOSES = {"marketing": "to marketing ", "family": "to sharing one message with the family "}


def line_told(line: Line, zone: ZoneInfo) -> str:
    """An entry of the consent ledger: "consent withdrawn by text on 3 May 2026, entry 57"."""
    by = f" ({line.by})" if line.by else ""
    on = f"on {day(line.at, zone)}{by}, entry {line.id}"
    if line.source in LEARNT:
        return f"{LEARNT[line.source][line.given]}, {on}"
    done = "given" if line.given else "withdrawn"
    whose = "of the messaging contact " if line.party == "contact" else ""
    channel = f"for {_plural(line.channel)} " if line.channel else ""
    purpose = _PURPOSES.get(line.purpose, "")
    how = HOW.get(line.source, words.readable(line.source).lower())
    signed = ", with a signed document" if line.document else ""
    return f"consent {whose}{purpose}{channel}{done} {how} {on}{signed}"


def _plural(channel: str) -> str:
    return words.CHANNELS.get(channel, channel).lower() + ("es" if channel == Channel.FAX else "s")


def day(at: datetime, zone: ZoneInfo) -> str:
    """A day as 3 May 2026, in the clinic's zone."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def ground_told(
    of: Judged,
    lines: Mapping[int, Line],
    settings: Settings,
    zone: ZoneInfo,
    changes: Sequence[Change] = (),
) -> str:
    """What a verdict rests on; empty where it needs no more words than its reason.

    `changes` of settings, the newest first: a setting is told as it was at that verdict.
    """
    ground, _, ref = of.basis.partition(":")
    if ground == "entry" and ref.isdigit():
        line = lines.get(int(ref))
        return line_told(line, zone) if line else f"entry {ref} of the consent ledger"
    facts = Snapshot.read(of.facts)
    if ground == "setting":
        last = facts.settings or 0
        newest = next((one for one in changes if one.name == ref and one.id <= last), None)
        later = any(one.name == ref and one.id > last for one in changes)
        return setting_told(ref, settings, zone, newest, later)
    if ground == "appointment" and facts.visit is not None:
        moment, status = facts.visit
        local = moment.astimezone(zone)
        return f"appointment {ref} on {day(moment, zone)} at {local:%H:%M}, {status}"
    if ground == "attempts":
        return f"{facts.part(MADE) or 0} calls and texts in the last eight days"
    return _OTHERS.get(ground, "").format(ref=ref.replace(", placeholder:", ", "))


_OTHERS = {
    "appointment": "appointment {ref}",
    "stop": "stop {ref}, by 'ringwell stop'",
    "address": "the address on record",
    "client": "the client's details",
    "broadcast": "broadcast {ref}",
    "reply": "an answer to reply {ref}",
    "placeholder": "no value for {ref}",
    "renewal": "renewal {ref}",
    "rule": "rule {ref}, which was added after that time",
}


def setting_told(
    name: str, settings: Settings, zone: ZoneInfo, newest: Change | None = None, later: bool = False
) -> str:
    """A setting with its value: "texts may be sent from 08:00 to 21:00, setting policy.sms.opens".

    `newest`: the change that set it; `later`: it was changed again since, so that today's value says nothing.
    """
    if newest is not None:
        return change_told(newest, zone)
    if later:
        return f"setting {name} as it was in the settings file"
    parts = name.split(".")
    if len(parts) == 3 and parts[0] == "policy" and parts[1] in SENT and parts[2] in ("opens", "closes"):
        window = getattr(settings.policy, parts[1])
        return f"{SENT[parts[1]]} from {window.opens:%H:%M} to {window.closes:%H:%M}, setting {name}"
    try:
        return f"setting {name} is {told(plain_value(settings, name))}"
    except (KeyError, TypeError):
        return f"setting {name}"


def change_told(change: Change, zone: ZoneInfo) -> str:
    """A change of a setting: who set what, when, and why."""
    value = "given back to the settings file"
    if change.value is not None:
        value = f"set to {told(json.loads(change.value))}"
    note = f": {change.note}" if change.note else ""
    return f"setting {change.name} {value} by {change.by} on {day(change.at, zone)}{note}"


def stop_told(number: str | None, stops: Sequence[Stop], zone: ZoneInfo) -> str:
    """Who stopped what, when and why; None: it was lifted."""
    if number is None:
        return "sending goes on: nothing is stopped any more"
    stop = next((one for one in stops if str(one.id) == number), None)
    if stop is None:
        return f"stop {number}, which was lifted"
    what = f"{_plural(stop.channel)} were" if stop.channel else "everything was"
    return f"{what} stopped by {stop.by} on {day(stop.since, zone)}: {stop.reason}"
