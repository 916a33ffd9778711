"""Telephones inside the clinic: a member of staff dials, listens for speech and tones, presses and speaks.

Steps: `hear` (wait until the other side speaks), `tone` (until its tone is over), `press:42#`, `say:FILE` (a
WAV file at telephone rate), `fax:FILE` (a TIFF-F), `stay:SECONDS`. After the last one the receiver
is put down.
"""

from __future__ import annotations

import asyncio
import secrets
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panoramisk import Manager

from gateway.town.errors import TownError

_READY_SECONDS = 30.0
# A call in which nothing was said leaves a recording that never becomes whole.
_CLOSING_SECONDS = 3.0
# Of a WAV file, with the octet that makes its length even.
_HEADER = 45
# Those of pjsip.conf: inside the clinic, and the telephone network outside, where T.38 is known or is not.
INSIDE, OUTSIDE, BY_SOUND = "phones", "clinic", "clinic-by-sound"


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """How a call of a member of staff went: `steps` were begun; `left` by staff or by the other side."""

    answered: bool
    steps: int = 0
    left: str = ""
    # SUCCESS or FAILED, the pages that the other side confirmed, T38 or audio.
    faxed: str = ""
    heard: Path | None = None


class Phones:
    """One AMI session that lifts receivers; `async with` it."""

    def __init__(self, folder: Path, port: int, username: str, secret: str) -> None:
        self._folder = folder
        self._manager = Manager(
            host="127.0.0.1",
            port=port,
            username=username,
            secret=secret,
            events="user,call",
            forgetable_actions=("ping", "login", "originate"),
        )
        self._calls: dict[str, asyncio.Future[PhoneCall]] = {}

    async def __aenter__(self) -> Phones:
        self._folder.mkdir(exist_ok=True)
        self._manager.register_event("UserEvent", self._on_user_event)
        await self._manager.connect()
        async with asyncio.timeout(_READY_SECONDS):
            await self._manager.authenticated_future
        if not self._manager.authenticated:
            raise TownError("the town's exchange refused its own AMI secret")
        return self

    async def __aexit__(self, *error: object) -> None:
        self._manager.close()

    async def call(
        self,
        port: int,
        extension: str,
        steps: Sequence[str],
        seconds: float = 90.0,
        side: str = INSIDE,
        caller: str = "201",
    ) -> PhoneCall:
        """Dial an extension of the exchange on this port of loopback and do these steps."""
        name = secrets.token_hex(8)
        done: asyncio.Future[PhoneCall] = asyncio.get_running_loop().create_future()
        self._calls[name] = done
        variables = {"PHONE": name, "HEARD": str(self._heard(name))}
        variables |= {f"STEP_{number}": step for number, step in enumerate(steps, 1)}
        placed = self._manager.send_action(
            {
                "Action": "Originate",
                "ActionID": name,
                "Async": "true",
                "Channel": f"PJSIP/{side}/sip:{extension}@127.0.0.1:{port}",
                "Context": "staff-phone",
                "Exten": "s",
                "Priority": "1",
                "CallerID": f"<{caller}>",
                "Timeout": "20000",
                "Variable": [f"{key}={value}" for key, value in variables.items()],
            }
        )
        # panoramisk hands what was said of the action to nobody else.
        placed.add_done_callback(lambda told: self._on_response(name, told))
        try:
            async with asyncio.timeout(seconds):
                call = await done
        finally:
            del self._calls[name]
        if call.heard is not None:
            await _closed(call.heard)
        return call

    def _heard(self, name: str) -> Path:
        return self._folder / f"{name}.wav"

    def _end(self, name: str, call: PhoneCall) -> None:
        done = self._calls.get(name)
        if done is not None and not done.done():
            done.set_result(call)

    def _on_user_event(self, manager: Manager, event: Any) -> None:
        if event.UserEvent == "TownPhoneEnded":
            left, name = event.get("Left", "") or "other", event.Phone
            faxed = event.get("Faxed", "").strip()
            self._end(name, PhoneCall(True, int(event.Step), left, faxed, self._heard(name)))

    def _on_response(self, name: str, told: asyncio.Future[Any]) -> None:
        if told.cancelled() or told.exception() is not None:
            return
        answers = told.result() if isinstance(told.result(), list) else [told.result()]
        if any(answer.get("Response") in ("Failure", "Error") for answer in answers):
            self._end(name, PhoneCall(False))


async def _closed(recording: Path) -> None:
    """Wait until it is whole: the exchange writes its length a moment after the call has ended."""
    for _ in range(round(_CLOSING_SECONDS / 0.05)):
        if await asyncio.to_thread(_is_whole, recording):
            return
        await asyncio.sleep(0.05)


def _is_whole(recording: Path) -> bool:
    try:
        with wave.open(str(recording)) as reading:
            octets = reading.getnframes() * reading.getsampwidth()
            return octets > 0 and bool(octets >= recording.stat().st_size - _HEADER)
    except (OSError, EOFError, wave.Error):
        return False
