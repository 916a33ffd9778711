"""A verdict as it is kept: its kind, its reason, what it rests on, and the version of the facts."""

from __future__ import annotations

from datetime import datetime

from gateway.domain import Channel, Facts
from gateway.policy import Allow, Defer, Refuse, Rules, Verdict
from gateway.policy.snapshot import snapshot
from store.verdicts import ALLOW, DEFER, REFUSE, Judged


def judged(
    verdict: Verdict, facts: Facts, channel: Channel, consent_as_of: int, at: datetime, rules: Rules
) -> Judged:
    """The verdict of that moment, with the facts that it was made from."""
    made_from = snapshot(facts, channel, consent_as_of, rules.version)
    match verdict:
        case Allow(basis=basis):
            return Judged(ALLOW, at, basis=basis, facts=made_from)
        case Defer(until=until, reason=reason, basis=basis):
            return Judged(DEFER, at, reason, until, basis, made_from)
        case Refuse(reason=reason, basis=basis):
            return Judged(REFUSE, at, reason, basis=basis, facts=made_from)
