"""Verdicts per second of `policy.decide` on plain data, one core: a clinic's realistic mix.

Each of 20,000 recipients with numbers of their own is judged as in a message's life: when planned, when
claimed, and once more just before it starts. A tenth each has withdrawn, is in a state with hours of its
own, was called before, or lives where it is night. Seconds are those of the processor: nothing waits.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from datetime import timedelta

from gateway import policy
from gateway.domain import Channel, ConsentEntry, Contact, Facts
from gateway.policy import Rules
from gateway.settings import PolicySettings
from tests.bench.measure import report
from tests.unit.factory import NOON, PERSON, facts

RECIPIENTS = 20_000
TURNS = 5
BAR = 50_000
_CHANNELS = (Channel.VOICE, Channel.SMS, Channel.SMS, Channel.EMAIL)


def _mix() -> list[tuple[Facts, Channel]]:
    return [(_one(number), _CHANNELS[number % 4]) for number in range(RECIPIENTS)]


def _one(number: int) -> Facts:
    phone = f"+1212{2_000_000 + number}"
    addresses = {Channel.VOICE: phone, Channel.SMS: phone, Channel.EMAIL: f"c{number}@example.org"}
    known = facts(
        contacts={channel: Contact(number, channel, address) for channel, address in addresses.items()},
        consents=(ConsentEntry(3 * number + 1, True), ConsentEntry(3 * number + 2, True, Channel.SMS)),
        recipient=replace(PERSON, id=number),
    )
    match number % 10:
        case 0:
            return replace(known, consents=(*known.consents, ConsentEntry(3 * number + 3, False)))
        case 1:
            return replace(known, recipient=replace(known.recipient, region="US-TX"))
        case 2:
            made = tuple(NOON - timedelta(hours=hours) for hours in (2, 30, 75, 100))
            return replace(known, contacted=made)
        case 3:
            return replace(known, recipient=replace(known.recipient, zone="Asia/Tokyo"))
    return known


def _verdicts(mix: list[tuple[Facts, Channel]], rules: Rules) -> float:
    """Verdicts per second of the three looks at each message."""
    begin = time.process_time()
    for seconds in (0, 5, 6):
        now = NOON + timedelta(seconds=seconds)
        for known, channel in mix:
            policy.decide(known, channel, known.contacts[channel].address, now, rules)
    return 3 * len(mix) / (time.process_time() - begin)


def main() -> None:
    """Print the ratio of verdicts per second to the bar's, and the first turn's: numbers not seen before."""
    mix, rules = _mix(), Rules("America/New_York", PolicySettings())
    turns = [_verdicts(mix, rules) for _ in range(TURNS)]
    rate = statistics.median(turns)
    report("decide", rate / BAR, 1.0, verdicts_per_second=round(rate), first_turn=round(turns[0]))


if __name__ == "__main__":
    main()
