"""Trunks: what the exchange says of each, and what its last calls and faxes met."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.asterisk import variables
from gateway.asterisk.ami import Ami, AmiRefusedError
from gateway.channels import voice_causes
from gateway.doctor.finding import Finding, Look
from gateway.domain import Channel
from gateway.exchange import connection, is_there
from gateway.settings import Settings, Trunk
from store import lines, migrate
from store.engine import Store

# So many of the newest attempts tell how a trunk is doing.
NEWEST = 500
# What a trunk's own refusal means, in words.
REFUSALS: Mapping[str, tuple[str, str]] = {
    voice_causes.REFUSES_US.cause: (
        "refuses us (SIP 401, 403 or 407)",
        "see user name and password, and whether the provider lets this address in",
    ),
    voice_causes.NO_MEDIA.cause: (
        "refuses our codecs (SIP 488 or 606)",
        "ask the provider which codecs it takes, and set 'codecs'; it must be one of G.711",
    ),
    voice_causes.CONGESTION.cause: (
        "takes no more calls (SIP 503 or congestion)",
        "ask the provider for its limits, and lower 'max_calls' or 'calls_per_second'",
    ),
    voice_causes.SILENT.cause: (
        "does not answer calls",
        "see host and port, and whether a firewall lets SIP and its answers through",
    ),
    voice_causes.FORBIDDEN.cause: (
        "forbids the number (SIP 403)",
        "ask the provider which numbers and caller IDs it allows",
    ),
}
_UNREACHABLE = "see host and port; a provider that never answers OPTIONS needs qualify_seconds = 0"
_NOT_YET_THERE = "restart the gateway: its exchange was started before this trunk was set"
_NOT_THERE = (
    "see that its pjsip.conf has an endpoint of the name in 'endpoint', with an AOR that has a contact, and "
    "that it loads func_pjsip_endpoint, func_pjsip_aor and func_pjsip_contact"
)
_BLOCKED = (
    "the networks take our calls for unwanted ones (SIP 603 Network Blocked, 607 or 608): register the "
    "caller ID with their analytics, and ask the provider to sign calls (STIR/SHAKEN, attestation A)"
)
_NAME = re.compile(r"[A-Za-z0-9_.@+-]{1,80}")
_REJECTED = "see user name and password: the provider rejects the registration"
_UNREGISTERED = "the provider did not answer the registration: see host, port and firewall"


@dataclass(frozen=True, slots=True)
class Sight:
    """What the exchange says of a trunk; empty words where it says nothing."""

    contact: str = ""
    milliseconds: str = ""
    registration: str = ""


Recent = Sequence[tuple[str, Mapping[str, Any]]]


async def _trunks(settings: Settings) -> Sequence[Finding]:
    if not settings.trunks or not is_there(settings):
        return []  # told by the look at the exchange
    endpoints = {name: variables.trunk_endpoint(name, one.endpoint) for name, one in settings.trunks.items()}
    async with connection(settings) as ami:
        registered = await _registrations(ami)
        sights = {name: await _sight(ami, line, registered) for name, line in endpoints.items()}
    calls, faxes = await _lately(settings, Channel.VOICE), await _lately(settings, Channel.FAX)
    return [judge(name, trunk, sights[name], calls, faxes) for name, trunk in settings.trunks.items()]


async def _registrations(ami: Ami) -> dict[str, str]:
    answers = await ami.ask({"Action": "PJSIPShowRegistrationsOutbound"}, many=True)
    rows = [row for row in answers if row.get("Event") == "OutboundRegistrationDetail"]
    return {str(row["ObjectName"]): str(row["Status"]) for row in rows}


async def _sight(ami: Ami, endpoint: str, registered: Mapping[str, str]) -> Sight:
    contact = ""
    for aor in await _aors(ami, endpoint):
        contact = contact or await ami.value(f"PJSIP_AOR({aor},contact)")
    if not contact:
        return Sight(registration=registered.get(endpoint, ""))
    status = await ami.value(f"PJSIP_CONTACT({contact},status)")
    took = await ami.value(f"PJSIP_CONTACT({contact},rtt)")
    milliseconds = f"{int(took) / 1000:.0f} ms" if took.isdigit() else ""
    return Sight(status, milliseconds, registered.get(endpoint, ""))


async def _aors(ami: Ami, endpoint: str) -> list[str]:
    """The AORs of an endpoint: of its own name in our lines, of any in those of another exchange."""
    with suppress(AmiRefusedError):
        named = await ami.value(f"PJSIP_ENDPOINT({endpoint},aors)")
        # Characters of a function's arguments have no place in a name.
        if found := [aor.strip() for aor in named.split(",") if _NAME.fullmatch(aor.strip())]:
            return found
    return [endpoint]


async def _lately(settings: Settings, channel: Channel) -> Recent:
    async with Store(settings.store_url) as store:
        if await migrate.current(store) != migrate.newest():
            return []  # told by the look at the store
        return await store.read(lines.recent, settings.clinic.id, channel, NEWEST)


def judge(name: str, trunk: Trunk, sight: Sight, calls: Recent, faxes: Recent) -> Finding:
    """What all of it says of one trunk: pure. What is wrong now comes before what went wrong lately."""
    part = f"trunk {name}"
    if not sight.contact:
        advice = _NOT_THERE if trunk.endpoint else _NOT_YET_THERE
        return Finding(part, False, "the exchange does not know it", advice)
    if sight.contact == "Unreachable":
        return Finding(part, False, f"nobody answers at {trunk.host}:{trunk.port}", _UNREACHABLE)
    if sight.registration not in ("", "Registered"):
        advice = _REJECTED if sight.registration == "Rejected" else _UNREGISTERED
        return Finding(part, False, f"registration: {sight.registration.lower()}", advice)
    newest = next((cause for cause, evidence in [*calls, *faxes] if evidence.get("trunk") == name), "")
    if newest in REFUSALS:
        found, advice = REFUSALS[newest]
        return Finding(part, False, found, advice)
    mine = [cause for cause, evidence in calls if evidence.get("trunk") == name]
    if blocked := mine.count(voice_causes.BLOCKED.cause):
        return Finding(
            part, False, f"{blocked} of its last {len(mine)} calls were blocked by analytics", _BLOCKED
        )
    return Finding(part, True, "; ".join(_good(name, trunk, sight, faxes)))


def _good(name: str, trunk: Trunk, sight: Sight, faxes: Recent) -> list[str]:
    found = [f"answers in {sight.milliseconds}" if sight.milliseconds else "not asked for signs of life"]
    found += ["registered"] if sight.registration else []
    found.append(f"offers {', '.join(trunk.codecs)}")
    modes = [evidence.get("mode") for _, evidence in faxes if evidence.get("trunk") == name]
    modes = [str(mode) for mode in modes if mode]
    if not trunk.t38:
        found.append("faxes as sound")
    elif modes:
        found.append("its last fax went " + ("by T.38" if modes[0] == "T38" else "as sound: no T.38 there"))
    else:
        found.append("offers T.38")
    return found


LOOKS: Mapping[str, Look] = {"trunks": _trunks}
