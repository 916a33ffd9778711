"""An exchange that was there before us: whether it fits, tried and not assumed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence

from gateway.asterisk import variables
from gateway.asterisk.ami import Ami, AmiError, Event
from gateway.doctor.finding import Finding, Look
from gateway.exchange import connection
from gateway.settings import Settings

# Of our own dialplan; without one of them calls end at once.
CONTEXTS = (
    variables.CALL_CONTEXT,
    variables.FAX_CONTEXT,
    variables.HANGUP_CONTEXT,
    variables.FORGET_CONTEXT,
    variables.DETECT_CONTEXT,
)
PART = "exchange test call"
CALL_SECONDS = 6.0
SIP_PORT = 5060
_PAGE = "see docs/external-asterisk.md"


async def _fits(settings: Settings) -> Sequence[Finding]:
    if not settings.asterisk.host:
        return []
    async with connection(settings) as ami:
        return [await _version(ami), await _dialplan(ami), await _test_call(ami, settings), *_files(settings)]


async def _version(ami: Ami) -> Finding:
    try:
        (answer,) = await ami.ask({"Action": "CoreSettings"})
    except AmiError as error:
        return Finding("exchange rights", False, str(error), f"give our user write = {_RIGHTS}; {_PAGE}")
    return Finding("exchange version", True, str(answer.get("AsteriskVersion", "unknown")))


_RIGHTS = "originate,call,reporting"


async def _dialplan(ami: Ami) -> Finding:
    missing = []
    for context in CONTEXTS:
        try:
            await ami.ask({"Action": "ShowDialPlan", "Context": context}, many=True)
        except AmiError:
            missing.append(context)
    if missing:
        words = f"without {', '.join(missing)}"
        return Finding("exchange dialplan", False, words, f"#include ringwell/extensions.conf there; {_PAGE}")
    return Finding("exchange dialplan", True, "has our contexts")


async def _test_call(ami: Ami, settings: Settings) -> Finding:
    """A call of the exchange to itself, where nobody is: its end must carry the SIP status."""
    name = f"doctor-{secrets.token_hex(6)}"
    told: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

    def heard(event: Event) -> None:
        if event.get("Event") == "Hangup" and event.get("Uniqueid") == name and not told.done():
            told.set_result(event)

    ami.listen(heard, lambda: None)
    here = f"sip:ringwell-test@{settings.asterisk.host}:{settings.asterisk.sip_port or SIP_PORT}"
    trunk = next(iter(settings.trunks.items()), None)
    if trunk is None:
        return Finding(PART, True, "not tried: there is no trunk to call with")
    endpoint = variables.trunk_endpoint(trunk[0], trunk[1].endpoint)
    call = {"ActionID": name, "ChannelId": name, "Channel": f"PJSIP/{endpoint}/{here}"}
    await ami.originate(call | {"Application": "NoOp", "Timeout": str(int(CALL_SECONDS * 1000))})
    try:
        return judge(await asyncio.wait_for(told, CALL_SECONDS))
    except TimeoutError:
        words = f"the endpoint {endpoint} places no call, or its end is not told"
        return Finding(PART, False, words, f"#include ringwell/pjsip.conf there, or set 'endpoint'; {_PAGE}")


def judge(hangup: Event) -> Finding:
    """What the end of the test call says of the exchange: pure."""
    sip = str(hangup.get("TechCause", ""))
    if not sip.isdigit():
        words = "the end of a call does not carry TechCause, so outcomes cannot be told apart"
        return Finding(PART, False, words, "update that Asterisk to a release of November 2025 or later")
    return Finding(PART, True, f"ended with SIP {sip}, as it should")


def _files(settings: Settings) -> list[Finding]:
    if settings.asterisk.sounds_port:
        where = f"{settings.asterisk.gateway} port {settings.asterisk.sounds_port}"
        return [Finding("exchange sounds", True, f"fetched from {where}; no faxes then")]
    return [Finding("exchange sounds", True, "read as files: both run on one machine")]


LOOKS: Mapping[str, Look] = {"exchange": _fits}
