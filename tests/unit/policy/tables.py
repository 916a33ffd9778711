"""Tables of cases: markdown that a lawyer can read, and what its words mean to the policy."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.domain import (
    BroadcastClass,
    Channel,
    ConsentEntry,
    Contact,
    Facts,
    MessageType,
    Occasion,
    Party,
    Purpose,
    RecipientKind,
    State,
    Step,
    Then,
)
from gateway.policy import Allow, Defer, Refuse, Rules, Verdict
from gateway.settings import PolicySettings
from tests.unit.factory import ADDRESSES, BROADCAST, NOON, PERSON, facts

FOLDER = Path(__file__).parent / "cases"
_CHANNELS = {"call": Channel.VOICE, "text": Channel.SMS, "mail": Channel.EMAIL, "fax": Channel.FAX}


@dataclass(frozen=True)
class Case:
    """A line of a table: what is given, what is to be sent, and what follows."""

    where: str
    given: str
    when: str
    then: str


def cases(name: str) -> list[Case]:
    """The lines of every table in one file, each with its line number."""
    return list(_read(FOLDER / f"{name}.md"))


def _read(file: Path) -> Iterator[Case]:
    for number, line in enumerate(file.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and cells[0] != "given" and not set(line) <= set("|-: "):
            yield Case(f"{file.name}:{number}", *cells)


def said(verdict: Verdict, zone: ZoneInfo | None = None) -> str:
    """A verdict as the tables write it, with times as this zone's clocks show them."""
    match verdict:
        case Allow(basis=basis):
            return f"sent ({basis})" if basis else "sent"
        case Defer(until=until, reason=reason, basis=basis):
            at = until.astimezone(zone or UTC)
            return f"waits until {at:%Y-%m-%d %H:%M}{'' if zone else ' UTC'}: {reason} ({basis})"
        case Refuse(reason=reason, basis=basis):
            return f"{reason} ({basis})" if basis else reason


# --- consent ---

_ENTRY = re.compile(
    r"(?P<id>\d+) (?P<given>given|withdrawn)"
    r"(?: for (?P<channel>calls|texts|mails|faxes))?"
    r"(?: at (?P<address>\S+))?"
    r"(?: for (?P<purpose>marketing|family))?"
    r"(?: by (?P<party>the client|the contact))?"
    r"(?: in document (?P<document>\d+))?"
    r"(?P<everyone> about the address)?"
    r"(?: from (?P<source>\S+))?"
)
_PLURALS = {"calls": Channel.VOICE, "texts": Channel.SMS, "mails": Channel.EMAIL, "faxes": Channel.FAX}


def ledger(text: str) -> tuple[ConsentEntry, ...]:
    """The entries of `1 given; 2 withdrawn for texts`."""
    return () if text == "nothing" else tuple(_entry(part.strip()) for part in text.split(";"))


def _entry(text: str) -> ConsentEntry:
    found = _ENTRY.fullmatch(text)
    assert found is not None, f"not an entry: {text}"
    address = {"hers": ADDRESSES[Channel.SMS], None: None}.get(found["address"], found["address"])
    return ConsentEntry(
        int(found["id"]),
        found["given"] == "given",
        _PLURALS[found["channel"]] if found["channel"] else None,
        address,
        Purpose(found["purpose"] or "messaging"),
        found["source"] or "form",
        Party(found["party"].removeprefix("the ")) if found["party"] else None,
        bool(found["everyone"]),
        int(found["document"]) if found["document"] else None,
    )


_CLASSES = {
    None: BroadcastClass.HEALTH,
    "other": BroadcastClass.OTHER,
    "marketing": BroadcastClass.MARKETING,
    "emergency": BroadcastClass.EMERGENCY,
}


def message(text: str) -> tuple[Facts, Channel]:
    """The facts and channel of `text of marketing to the contact`."""
    words = re.fullmatch(r"(\w+)(?: of (marketing|emergency|other))?(?: to (staff|the contact))?", text)
    assert words is not None, f"not a message: {text}"
    kind = _CLASSES[words[2]]
    person = PERSON
    if words[3] == "staff":
        person = replace(person, kind=RecipientKind.STAFF)
    elif words[3]:
        person = replace(person, through=Party.CONTACT)
    known = facts(broadcast=replace(BROADCAST, broadcast_class=kind), recipient=person)
    return known, _CHANNELS[words[1]]


# --- everything else: what is given is said in clauses, each of which changes one thing of a usual day ---


@dataclass
class World:
    """A client of New York on Tuesday 24 November 2026 at eleven, to be told of a visit nine days later."""

    facts: Facts
    channel: Channel
    now: datetime = NOON
    settings: dict[str, Any] = field(default_factory=dict)
    written_down: str | None = None
    clinic_region: str = "US-NY"

    @property
    def zone(self) -> ZoneInfo:
        """By whose clocks the times of the table are."""
        return ZoneInfo(self.facts.recipient.zone or "America/New_York")

    @property
    def rules(self) -> Rules:
        """The settings that ship, and what the case changes of them."""
        windows = PolicySettings.model_validate(self.settings)
        return Rules("America/New_York", windows, clinic_region=self.clinic_region)

    def at(self, text: str) -> datetime:
        """The moment that a clock of the client shows."""
        return datetime.fromisoformat(text).replace(tzinfo=self.zone).astimezone(UTC)

    def person(self, **changes: Any) -> None:
        """Change something of the client."""
        self.facts = replace(self.facts, recipient=replace(self.facts.recipient, **changes))

    def order(self, **changes: Any) -> None:
        """Change something of the broadcast."""
        self.facts = replace(self.facts, broadcast=replace(self.facts.broadcast, **changes))

    def visit(self, **changes: Any) -> None:
        """Change something of the appointment."""
        assert self.facts.appointment is not None
        self.facts = replace(self.facts, appointment=replace(self.facts.appointment, **changes))


def world(given: str, when: str) -> World:
    """What a line of a table describes."""
    known, channel = message(when)
    found = World(known, channel)
    found.order(starts_from=None, starts_until=None, send_at=datetime(2026, 1, 1, tzinfo=UTC))
    found.visit(starts_at=NOON + timedelta(days=9))
    for clause in filter(None, (one.strip() for one in given.split(";"))):
        _take(found, clause)
    return found


def _take(found: World, clause: str) -> None:
    for pattern, change in _CLAUSES:
        words = re.fullmatch(pattern, clause)
        if words is not None:
            change(found, words)
            return
    raise AssertionError(f"nobody knows what this means: {clause}")


def _made(found: World, words: re.Match[str]) -> None:
    before = found.now - timedelta(**{words[3] if words[3].endswith("s") else words[3] + "s": int(words[2])})
    found.facts = replace(found.facts, contacted=(*found.facts.contacted, *[before] * int(words[1])))


def _set(found: World, words: re.Match[str]) -> None:
    *path, last = words[1].split(".")[1:]
    table = found.settings
    for name in path:
        table = table.setdefault(name, {})
    table[last] = tomllib.loads(f"it = {words[2]}")["it"]


def _reached_at(found: World, words: re.Match[str]) -> None:
    channels = [_CHANNELS[words[1]]] if words[1] != "everything" else list(Channel)
    contacts = dict(found.facts.contacts)
    for channel in channels:
        contacts[channel] = Contact(1, channel, words[2])
    found.facts = replace(found.facts, contacts=contacts)


def _said_by(found: World, words: re.Match[str]) -> None:
    found.facts = replace(found.facts, consents=(*found.facts.consents, _entry(words[0])))


def _listed(found: World, words: re.Match[str]) -> None:
    listed = _entry(f"{words[1]} withdrawn at hers about the address from do-not-call")
    listed = listed._replace(at=datetime.fromisoformat(words[2]).replace(tzinfo=UTC))
    found.facts = replace(found.facts, consents=(*found.facts.consents, listed))


def _renewal(found: World, words: re.Match[str]) -> None:
    begins, whose = found.at(words[2]), 8 if words[1] else PERSON.id
    ends = begins + timedelta(days=1)
    day = Occasion(6, begins.date(), begins, ends, "Licence", words[3] or "open", whose)
    found.facts = replace(found.facts, occasion=day, appointment=None)
    found.order(type=MessageType.UPCOMING_RENEWALS)


def _step(found: World, words: re.Match[str]) -> None:
    channel, sent = _CHANNELS[words[1]], found.now - timedelta(hours=int(words[3]))
    found.order(channel=channel, cascade=(Then(found.channel, timedelta(hours=4)),))
    found.facts = replace(found.facts, steps=(Step(channel, State(words[2]), sent, sent),))


def _about(**changes: Any) -> Callable[[World, re.Match[str]], None]:
    def change(found: World, _words: re.Match[str]) -> None:
        found.facts = replace(found.facts, **changes)

    return change


_CLAUSES: tuple[tuple[str, Callable[[World, re.Match[str]], None]], ...] = (
    (r"a usual day", lambda found, words: None),
    (r"it is (\d\S+ \d\d:\d\d)", lambda found, words: setattr(found, "now", found.at(words[1]))),
    (r"lives in (\S+)", lambda found, words: found.person(region=words[1])),
    (r"has clocks of (\S+)", lambda found, words: found.person(zone=words[1])),
    (r"the clinic is in (\S+)", lambda found, words: setattr(found, "clinic_region", words[1])),
    (r"(\d+) attempts? (\d+) (minute|hour|day)s? before", _made),
    (r"nothing on record", _about(consents=())),
    (r"(\d+) listed on (\S+)", _listed),
    (r"\d+ (?:given|withdrawn).*", _said_by),
    (r"the visit is at (\d\S+ \d\d:\d\d)", lambda found, words: found.visit(starts_at=found.at(words[1]))),
    (r"the visit is (cancelled|completed)", lambda found, words: found.visit(status=words[1])),
    (r"the visit is another client's", lambda found, words: found.visit(client=8)),
    (r"the visit is hers as staff", lambda found, words: found.visit(client=8, staff=7)),
    (r"the visit was confirmed", lambda found, words: found.visit(confirmed_at=found.now)),
    (r"no visit", _about(appointment=None)),
    (r"a renewal( of another)? falls due on (\S+)(?:, (done))?", _renewal),
    (
        r"the broadcast is about (\S+)",
        lambda found, words: found.order(
            starts_from=found.at(words[1]), starts_until=found.at(words[1]) + timedelta(days=1)
        ),
    ),
    (
        r"the broadcast goes at (\d\S+ \d\d:\d\d)",
        lambda found, words: found.order(send_at=found.at(words[1])),
    ),
    (r"the broadcast was cancelled", lambda found, words: found.order(state="cancelled")),
    (r"the (call|text|mail|fax) before it was (\w+) (\d+) hours ago", _step),
    (
        r"answered: (\S+)",
        lambda found, words: setattr(found, "facts", replace(found.facts, answered=words[1])),
    ),
    (r"(call|text|mail|fax|everything) goes to (\S+)", _reached_at),
    (r"no address", _about(contacts={})),
    (r"prefers (call|text|mail|fax)", lambda found, words: found.person(preferred=_CHANNELS[words[1]])),
    (r"to all by that method", lambda found, words: found.order(only_preference=False)),
    (r"planned for (\S+)", lambda found, words: setattr(found, "written_down", words[1])),
    (r"sending is stopped", _about(stop=4)),
    (r"(policy\.\S+) = (.+)", _set),
)
