"""Plays recordings to the detection of answering machines in the running exchange."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

from gateway.asterisk import variables
from gateway.asterisk.ami import Ami, AmiError, Event
from gateway.domain import RingwellError

# AMD gives up after 20 s at most; the rest is for a busy machine.
_SECONDS = 40.0


class TrialError(RingwellError):
    """A recording could not be played to the detection; the message says why."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What AMD made of a recording: `status` MACHINE, HUMAN or NOTSURE, its cause, and how long it took."""

    status: str
    cause: str
    seconds: float

    @property
    def is_machine(self) -> bool:
        """Whether a call would take it for a machine: what is not sure is a person."""
        return self.status == "MACHINE"


class Trials:
    """`at_once` recordings are played together; more of them would make a busy exchange hesitate."""

    def __init__(self, ami: Ami, at_once: int) -> None:
        self._ami = ami
        self._slots = asyncio.Semaphore(at_once)
        self._open: dict[str, asyncio.Future[Heard]] = {}
        ami.listen(self._on_event, lambda: None)

    async def hear(self, file: Path, arguments: str) -> Heard:
        """What AMD with these arguments makes of a file at telephone rate; TrialError."""
        name = secrets.token_hex(8)
        told: asyncio.Future[Heard] = asyncio.get_running_loop().create_future()
        async with self._slots:
            self._open[name] = told
            try:
                await self._ami.originate(_headers(name, file, arguments))
                async with asyncio.timeout(_SECONDS):
                    return await told
            except TimeoutError as error:
                raise TrialError("the exchange does not say what it heard: see 'ringwell doctor'") from error
            except AmiError as error:
                raise TrialError(f"the exchange did not play {file.name}: {error}") from error
            finally:
                del self._open[name]

    def _on_event(self, event: Event) -> None:
        told = self._open.get(event.get("Trial", ""))
        if event.get("UserEvent") != variables.TRIAL_EVENT or told is None or told.done():
            return
        milliseconds = int(event.get("To", "0")) - int(event.get("From", "0"))
        told.set_result(Heard(event.get("Status", ""), event.get("Cause", ""), milliseconds / 1000))


def _headers(name: str, file: Path, arguments: str) -> dict[str, str | list[str]]:
    escaped = arguments.replace(",", "\\,")
    return {
        "ActionID": name,
        "ChannelId": f"trial-{name}",
        "OtherChannelId": f"trial-{name}-plays",
        "Channel": f"Local/s@{variables.TRIAL_PLAYS_CONTEXT}/n",
        "Context": variables.TRIAL_HEARS_CONTEXT,
        "Exten": "s",
        "Priority": "1",
        "Variable": [
            f"{variables.TRIAL}={name}",
            f"{variables.TRIAL_FILE}={file.with_suffix('')}",
            f"{variables.DETECT}={escaped}",
        ],
    }
