"""Calls in progress and how far each is, asked of the exchange when somebody looks: it costs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from gateway.asterisk import results, variables
from gateway.asterisk.ami import Ami, AmiError, AmiRefusedError, Event
from gateway.domain import LiveCall, parse_attempt_id

# The dialplan's stages in the words of the live view.
STAGES: Mapping[str, str] = {
    "checking": "being asked who calls",
    "answered": "answered",
    "detecting": "listening who it is",
    "machine": "waiting for the beep",
    "leaving": "leaving a voicemail",
    "left": "voicemail left",
    "left-more": "voicemail left",
    "playing": "playing the message",
    "played": "waiting for a key",
    "confirmed": "confirmed",
    "visit-cancelled": "visit cancelled",
    "opted-out": "opted out",
    "transferring": "connecting to the front desk",
    "sending": "sending the fax",
    "sent": "fax sent",
}
_TALKING = "talking to the front desk"
_SENDING, _TRANSFERRING = "sending", "transferring"
_ASKED = ("RW_STAGE", variables.TRUNK, variables.FAX_PAGES, variables.ATTEMPT)


async def calls_in_progress(ami: Ami) -> list[LiveCall]:
    """Our calls that are up, oldest message first; none while the exchange is away (told elsewhere)."""
    asked = ",".join(_ASKED)
    try:
        rows = await ami.ask({"Action": "Status", "Variables": asked, "AllVariables": "false"}, many=True)
        sending = any(_variables(row).get("RW_STAGE") == _SENDING for row in rows)
        pages = await _pages(ami) if sending else {}
    except AmiError:
        return []
    calls = [call for row in rows if (call := _of(row, pages)) is not None]
    return sorted(calls, key=lambda call: call.message)


async def _pages(ami: Ami) -> dict[str, str]:
    """Which page each fax is at, by channel."""
    rows = await ami.ask({"Action": "FAXSessions"}, many=True)
    found = {}
    for row in rows:
        number = row.get("SessionNumber")
        if not number:
            continue
        # A fax that ended meanwhile is not there to be asked.
        with suppress(AmiRefusedError):
            asked = {"Action": "FAXSession", "SessionNumber": str(number)}
            event = await ami.event(asked, {"Event": "FAXSession", "SessionNumber": str(number)})
            found[str(row.get("Channel"))] = str(event.get("PageNumber", ""))
    return found


def _of(row: Event, pages: Mapping[str, str]) -> LiveCall | None:
    id, known = str(row.get("Uniqueid", "")), _variables(row)
    attempt = known.get(variables.ATTEMPT, "")
    clinic, message, _ = parse_attempt_id(id) or parse_attempt_id(attempt) or (0, 0, 0)
    back = parse_attempt_id(id) is None
    if back and not known.get("RW_STAGE"):
        return None
    trunk = known.get(variables.TRUNK) or _came_over(str(row.get("Channel")))
    seconds = results.number(str(row.get("Seconds", "")))
    return LiveCall(
        id if not back else attempt, clinic, message, _stage(row, known, pages), trunk, back, seconds
    )


def _stage(row: Event, known: Mapping[str, str], pages: Mapping[str, str]) -> str:
    page, stage = pages.get(str(row.get("Channel"))), known.get("RW_STAGE", "")
    if page:
        return f"sending page {page} of {known.get(variables.FAX_PAGES, '?')}"
    if stage == _TRANSFERRING and row.get("BridgeID"):
        return _TALKING
    return STAGES.get(stage) or _ringing(str(row.get("ChannelStateDesc", "")))


def _came_over(channel: str) -> str:
    """The trunk of a call that came in, by the name of its channel."""
    return channel.removeprefix("PJSIP/").rpartition("-")[0].removeprefix(variables.trunk_endpoint(""))


def _variables(row: Event) -> dict[str, str]:
    said = row.get("Variable", ())
    return dict(_pairs([said] if isinstance(said, str) else said))


def _pairs(said: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in said:
        name, _, value = line.partition("=")
        # The exchange's word for a variable that is not set.
        yield name, "" if value == "(null)" else value


def _ringing(state: str) -> str:
    return "ringing" if state == "Ringing" else "dialling"
