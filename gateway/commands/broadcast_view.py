"""How a plan is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.table import Table

from gateway import wording
from gateway.broadcast import Decision
from gateway.commands.shared import local, table_of
from gateway.console import words
from gateway.console.grounds import stop_told
from gateway.domain import Broadcast, Channel, ContentError, Text
from gateway.lengths import length_of
from gateway.policy import Allow, Defer
from gateway.settings import Settings
from gateway.wording import SlotError
from store.stops import Stop


@dataclass(frozen=True, slots=True)
class Line:
    """One recipient of a plan as it is printed."""

    recipient: int
    name: str
    channel: str
    decision: str
    reason: str
    until: datetime | None
    segments: int | None = None
    step: int = 0
    missing: tuple[str, ...] = ()
    basis: str = ""
    stopped: str = ""
    # As your practice system knows them.
    client: str = ""


def word(decision: Decision) -> str:
    """A decision in a word or two, for counting."""
    if decision.is_led:
        return "told with another visit"
    match decision.verdict:
        case Allow():
            return "to send"
        case Defer(reason=reason):
            return f"later ({reason})"
        case refused:
            return f"not sent ({refused.reason})"


def line_of(decision: Decision, settings: Settings, held: Sequence[Stop] = ()) -> Line:
    """A decision as a line of the plan; a text with the segments that it takes; a stop with who and why."""
    person = decision.facts.recipient
    name = f"{person.given_name} {person.family_name}".strip()
    match decision.verdict:
        case Allow():
            verdict: tuple[str, str, datetime | None] = ("allow", "", None)
        case Defer(until=until, reason=reason):
            verdict = ("defer", reason, until)
        case refused:
            verdict = ("refuse", refused.reason, None)
    if decision.is_led:
        verdict = ("together", "told-together", None)
    segments = None if verdict[0] in ("refuse", "together") else segments_of(decision, settings)
    channel = decision.channel.value
    basis = decision.verdict.basis
    stopped = _stopped(basis, held, settings)
    return Line(
        person.id, name, channel, *verdict, segments, decision.step, _missing(decision), basis, stopped
    )


def _stopped(basis: str, held: Sequence[Stop], settings: Settings) -> str:
    """Who stopped it and why; empty of what no stop holds."""
    ground, _, number = basis.partition(":")
    return stop_told(number, held, ZoneInfo(settings.clinic.zone)) if ground == "stop" else ""


def stops_told(held: Sequence[Stop], channels: Iterable[str], settings: Settings) -> list[str]:
    """What holds these channels, whatever else their messages wait for."""
    wanted = {Channel(channel) for channel in channels}
    zone = ZoneInfo(settings.clinic.zone)
    holding = [stop for stop in held if any(stop.covers(channel) for channel in wanted)]
    return [
        f"Until 'ringwell resume' nothing leaves: {stop_told(str(one.id), held, zone)}" for one in holding
    ]


def _missing(decision: Decision) -> tuple[str, ...]:
    """The placeholders without a value, where that is why nothing is sent."""
    if not decision.verdict.basis.startswith("placeholder:"):
        return ()
    return tuple(part.partition(":")[2] for part in decision.verdict.basis.split(", "))


def segments_of(decision: Decision, settings: Settings) -> int | None:
    """As networks count them; None of what is no text, or none that can be sent."""
    if decision.channel is not Channel.SMS:
        return None
    try:
        content = wording.compose(decision.facts, decision.channel, settings.clinic)
        found = length_of(content.body, settings) if isinstance(content, Text) else None
    except (SlotError, ContentError):
        return None
    if found is None:
        return None
    return found.plain_segments if settings.texts.replace_look_alikes else found.segments


def segments_told(lines: Sequence[Line]) -> str:
    """How many segments all texts of a plan take; empty when there is no text."""
    counts = [line.segments for line in lines if line.segments]
    if not counts:
        return ""
    longer = sum(count > 1 for count in counts)
    more = f"; {longer} of them take more than one" if longer else ""
    return f"{len(counts)} texts of {sum(counts)} segments{more}"


def tally_of(lines: Sequence[Line]) -> Counter[str]:
    """How many of each decision."""
    return Counter(line.decision for line in lines)


def without_steps(wanted: Broadcast, lines: Sequence[Line]) -> str:
    """How many get one method alone although there are steps; empty when nobody does."""
    if not (wanted.cascade and wanted.only_preference):
        return ""
    alone = {line.recipient for line in lines} - {line.recipient for line in lines if line.step}
    if not alone:
        return ""
    return f"{len(alone)} with a preferred method get that alone (--everybody-by-channel: every step for all)"


def plan_table(lines: Sequence[Line], settings: Settings) -> Table:
    """The plan as a table."""
    texts = any(line.segments for line in lines)
    steps = any(line.step for line in lines)
    heads = ("Recipient", "Name", *(["Step"] * steps), "Channel", "Decision", "Reason", "Not before")
    table = table_of(*heads, *(["Segments"] * texts))
    for line in lines:
        # A stop ends when somebody ends it.
        until = local(line.until, settings) if line.until and not line.stopped else ""
        reason = words.cause(line.reason)
        if line.stopped:
            reason += f": {line.stopped}"
        if line.missing:
            reason += ": " + ", ".join(f"<{name}>" for name in line.missing)
        step = [str(line.step + 1)] * steps
        row = [line.client, line.name, *step, line.channel, line.decision, reason, until]
        table.add_row(*row, *([str(line.segments or "")] * texts))
    return table
