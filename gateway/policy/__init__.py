"""May this message go now? Pure functions on plain data; the same ones preview a plan and bind at dispatch.

Refusal beats deferral; the latest deferral wins. Reason codes are stable: screens and reports rely on them.
"""

from gateway.policy.address import Place, place_of
from gateway.policy.contents import binds, unfit
from gateway.policy.decision import decide, limits_on
from gateway.policy.rules import Rules
from gateway.policy.subject import NOTICE_LIFE, expiry
from gateway.policy.verdict import ALLOW, Allow, Defer, Refuse, Verdict

__all__ = [
    "ALLOW",
    "NOTICE_LIFE",
    "Allow",
    "Defer",
    "Place",
    "Refuse",
    "Rules",
    "Verdict",
    "binds",
    "decide",
    "expiry",
    "limits_on",
    "place_of",
    "unfit",
]
