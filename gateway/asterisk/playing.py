"""Calls a telephone of the clinic: "call me and play it", "call me to record"."""

from __future__ import annotations

import asyncio
import re
import secrets
from pathlib import Path

from gateway.asterisk import variables
from gateway.asterisk.agi import sound_name
from gateway.asterisk.ami import Ami, Event
from gateway.domain import RingwellError

RING_SECONDS = 30
_NOBODY = "nobody answered, or the extension does not exist"
_EXTENSION = re.compile(r"[0-9*#]{1,20}")


class NotPlayedError(RingwellError):
    """The file was not played to its end; the message says why."""


async def play_to(ami: Ami, extension: str, file: Path, seconds: float) -> None:
    """Ring an extension of the clinic's exchange and play a file of so many seconds; NotPlayedError."""
    _check(extension)
    name = secrets.token_hex(8)
    end: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def heard(event: Event) -> None:
        if (said := _end(event, name)) and not end.done():
            end.set_result(said)

    ami.listen(heard, lambda: None)
    await ami.originate(
        {
            "ActionID": name,
            "ChannelId": f"play-{name}",
            "Channel": f"PJSIP/{extension}@{variables.STAFF_LINE}",
            "Context": variables.PLAY_CONTEXT,
            "Exten": "s",
            "Priority": "1",
            "Timeout": str(RING_SECONDS * 1000),
            "Variable": [
                f"{variables.PLAY_FILE}={sound_name(file)}",
                f"{variables.PLAY_ID}={name}",
            ],
        }
    )
    try:
        async with asyncio.timeout(RING_SECONDS + seconds + 10):
            said = await end
    except TimeoutError as error:
        raise NotPlayedError("the exchange does not say how the call ended") from error
    if said != "SUCCESS":
        raise NotPlayedError(said)


async def lead_to_studio(ami: Ami, extension: str, studio: str) -> None:
    """Ring an extension of the clinic's exchange; whoever takes it is in the studio. NotPlayedError."""
    _check(extension)
    name = secrets.token_hex(8)
    taken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def heard(event: Event) -> None:
        ours = event.get("Event") == "OriginateResponse" and event.get("ActionID") == name
        if ours and not taken.done():
            taken.set_result(event.get("Response") == "Success")

    ami.listen(heard, lambda: None)
    await ami.originate(
        {
            "ActionID": name,
            "ChannelId": f"studio-{name}",
            "Channel": f"PJSIP/{extension}@{variables.STAFF_LINE}",
            "Context": variables.STAFF_CONTEXT,
            "Exten": studio,
            "Priority": "1",
            "Timeout": str(RING_SECONDS * 1000),
        }
    )
    try:
        async with asyncio.timeout(RING_SECONDS + 10):
            if not await taken:
                raise NotPlayedError(_NOBODY)
    except TimeoutError as error:
        raise NotPlayedError("the exchange does not say how the call ended") from error


def _check(extension: str) -> None:
    if not _EXTENSION.fullmatch(extension):
        raise NotPlayedError("an extension is made of digits, * and #")


def _end(event: Event, name: str) -> str:
    """`SUCCESS`, or why it was not played; empty for an event of something else."""
    match event.get("Event"):
        case "UserEvent" if event.get("Play") == name:
            return "SUCCESS" if event.get("Status") == "SUCCESS" else "the exchange cannot play the recording"
        case "OriginateResponse" if event.get("ActionID") == name and event.get("Response") == "Failure":
            return _NOBODY
        case "Hangup" if event.get("Uniqueid") == f"play-{name}":
            up = event.get("ChannelStateDesc") == "Up"
            return "the receiver was put down before the end" if up else _NOBODY
    return ""
