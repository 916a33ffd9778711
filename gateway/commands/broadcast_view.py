"""How a plan is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.table import Table

from gateway.broadcast import Decision
from gateway.console import words
from gateway.policy import Allow, Defer


@dataclass(frozen=True, slots=True)
class Line:
    """One recipient of a plan as it is printed."""

    recipient: int
    name: str
    channel: str
    decision: str
    reason: str
    until: datetime | None


def word(decision: Decision) -> str:
    """A decision in a word or two, for counting."""
    match decision.verdict:
        case Allow():
            return "to send"
        case Defer(reason=reason):
            return f"later ({reason})"
        case refused:
            return f"not sent ({refused.reason})"


def line_of(decision: Decision) -> Line:
    """A decision as a line of the plan."""
    person = decision.facts.recipient
    name = f"{person.given_name} {person.family_name}".strip()
    match decision.verdict:
        case Allow():
            verdict: tuple[str, str, datetime | None] = ("allow", "", None)
        case Defer(until=until, reason=reason):
            verdict = ("defer", reason, until)
        case refused:
            verdict = ("refuse", refused.reason, None)
    return Line(person.id, name, decision.channel.value, *verdict)


def tally_of(lines: Sequence[Line]) -> Counter[str]:
    """How many of each decision."""
    return Counter(line.decision for line in lines)


def plan_table(lines: Sequence[Line]) -> Table:
    """The plan as a table."""
    table = Table("Client", "Name", "Channel", "Decision", "Reason", "Not before")
    for line in lines:
        until = line.until.strftime("%Y-%m-%d %H:%M UTC") if line.until else ""
        reason = words.cause(line.reason)
        table.add_row(str(line.recipient), line.name, line.channel, line.decision, reason, until)
    return table
