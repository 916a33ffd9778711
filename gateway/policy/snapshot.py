"""What a verdict was made from, in a short line that is kept with it; later, what differed between two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zlib import crc32

from gateway.domain import Channel, Facts, Party

# The letters of the line. Nothing in it names anybody: addresses and entries are there as checksums.
LEDGER, SETTINGS, ADDRESS, CONSENTS = "l", "s", "a", "e"
VISIT, PREFERS, ZONE, REGION, THROUGH = "v", "p", "z", "g", "w"
MADE, STEPS, ANSWERED, BROADCAST = "n", "t", "q", "b"
STOP, TRIED, OWNER = "h", "y", "o"


def snapshot(facts: Facts, channel: Channel, consent_as_of: int, rules: str) -> str:
    """The version of the facts: ledger and settings by position, the rest by value or checksum.

    `rules`: the version of the settings (Rules.version).
    """
    # On the way of every text: put together by hand, and what is as usual is left out.
    contact = facts.contacts.get(channel)
    line = f"{LEDGER}{consent_as_of} {SETTINGS}{rules} {CONSENTS}{_entries(facts)}"
    if contact is not None:
        line += f" {ADDRESS}{_sum(contact.address)}"
    if (visit := facts.appointment or facts.occasion) is not None:
        line += f" {VISIT}{int(visit.starts_at.timestamp())}.{_word(visit.status)}"
        if not visit.is_of(facts.recipient.id):
            line += f" {OWNER}another"
    if facts.contacted:
        line += f" {MADE}{len(facts.contacted)}"
    if facts.broadcast.state == "cancelled":
        line += f" {BROADCAST}{facts.broadcast.state}"
    return line + _of_recipient(facts) + _of_cascade(facts)


def _of_recipient(facts: Facts) -> str:
    person, line = facts.recipient, ""
    if person.preferred is not None:
        line += f" {PREFERS}{person.preferred}"
    if person.zone is not None:
        line += f" {ZONE}{_word(person.zone)}"
    if person.region is not None:
        line += f" {REGION}{_word(person.region)}"
    if person.through is not Party.CLIENT:
        line += f" {THROUGH}{person.through}"
    return line


def _of_cascade(facts: Facts) -> str:
    line = ""
    if facts.steps or facts.overtaken:
        went = [f"{step.channel}-{step.state}" for step in facts.steps] + ["overtaken"] * facts.overtaken
        line += f" {STEPS}{'.'.join(went)}"
    if facts.stop is not None:
        line += f" {STOP}{facts.stop}"
    if facts.tried:
        line += f" {TRIED}yes"
    if answered := facts.answered or (facts.steps and _confirmed(facts)):
        line += f" {ANSWERED}{_word(answered)}"
    return line


def _confirmed(facts: Facts) -> str | None:
    visit = facts.appointment
    return "confirmed" if visit is not None and visit.confirmed_at is not None else None


def _entries(facts: Facts) -> str:
    return _sum(",".join([f"{entry.id}{'+' if entry.given else '-'}" for entry in facts.consents]))


def _sum(text: str) -> str:
    return f"{crc32(text.encode()):08x}"


def _word(text: str) -> str:
    return "-".join(text.split())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A kept line, taken apart."""

    parts: dict[str, str]

    @classmethod
    def read(cls, line: str | None) -> Snapshot:
        """Nothing is known of a verdict that was kept without one."""
        return cls({part[0]: part[1:] for part in (line or "").split()})

    @property
    def ledger(self) -> int | None:
        """The number that the next consent entry had."""
        found = self.parts.get(LEDGER, "")
        return int(found) if found.isdigit() else None

    @property
    def settings(self) -> int | None:
        """The last change of settings that was in force."""
        found = self.parts.get(SETTINGS, "").partition(".")[0]
        return int(found) if found.isdigit() else None

    @property
    def rules(self) -> str:
        """The checksum of the settings that decide: other settings may have changed without it."""
        return self.parts.get(SETTINGS, "").partition(".")[2]

    @property
    def visit(self) -> tuple[datetime, str] | None:
        """When the appointment began, and how it stood."""
        moment, _, status = self.parts.get(VISIT, "").partition(".")
        return (datetime.fromtimestamp(int(moment), UTC), status) if moment else None

    def part(self, letter: str) -> str | None:
        """One of the facts as the line has it."""
        return self.parts.get(letter)


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that was not the same any more; checksums are not shown."""

    what: str
    was: str | None = None
    now: str | None = None


# What may be shown of a change, and what is known of it only as a checksum.
_SHOWN = {
    PREFERS: "preference",
    ZONE: "time-zone",
    REGION: "region",
    THROUGH: "messaging-contact",
    MADE: "attempts",
    STEPS: "earlier-steps",
    ANSWERED: "answer",
    BROADCAST: "broadcast",
    STOP: "stop",
}
_HIDDEN = {CONSENTS: "consent", ADDRESS: "address", OWNER: "whose-visit"}


def changes(before: Snapshot, after: Snapshot) -> list[Change]:
    """What differed between two verdicts; nothing of one that was kept without its facts."""
    if not before.parts or not after.parts:
        return []
    found = [Change(what) for letter, what in _HIDDEN.items() if before.part(letter) != after.part(letter)]
    if before.visit != after.visit:
        found.append(Change("appointment", _visit(before), _visit(after)))
    found += [
        Change(what, before.part(letter), after.part(letter))
        for letter, what in _SHOWN.items()
        if before.part(letter) != after.part(letter)
    ]
    if before.rules != after.rules:
        found.append(Change("settings"))
    return found


def _visit(of: Snapshot) -> str | None:
    """As data: the moment in ISO 8601, and how it stood unless it was booked."""
    if of.visit is None:
        return None
    moment, status = of.visit
    return moment.isoformat() if status == "booked" else f"{moment.isoformat()} {status}"
