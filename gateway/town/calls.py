"""Calls and faxes as the exchange's own events tell them, turned into ledger entries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from gateway.town.audio import Heard, measure
from gateway.town.households import kind_of_call
from gateway.town.ledger import Entry, Ledger, ended

# MixMonitor writes from a thread of its own, a little after the hangup.
_FILE_SETTLES_SECONDS = 0.1
_FILE_TRIES = 30


@dataclass(frozen=True, slots=True)
class CallEnd:
    """The dialplan's last word on a call (TownCallEnded in exchange.conf)."""

    address: str
    caller: str
    result: str
    began: datetime
    answered: datetime | None
    spoken_to: datetime | None
    ended: datetime
    hung_up_by: str
    pressed: str
    recording: Path | None
    pages: int
    station: str
    error: str


def read_end(event: Mapping[str, str]) -> CallEnd:
    """The event taken apart; header names as the dialplan writes them."""
    recording, status = event.get("Recording", ""), event.get("FaxStatus", "")
    return CallEnd(
        address=event["Address"],
        caller=event["Caller"],
        result=event["Result"],
        began=_moment(event["Began"]),
        answered=_moment(event["Answered"]) if event.get("Answered") else None,
        spoken_to=_moment(event["Heard"]) if event.get("Heard") else None,
        ended=_moment(event["Ended"]),
        hung_up_by=event.get("Left", "") or "caller",
        pressed=event.get("Pressed", ""),
        recording=Path(recording) if recording else None,
        pages=int(event.get("Pages", "") or 0),
        station=event.get("Station", ""),
        error="" if status == "SUCCESS" else event.get("FaxError", "") or status,
    )


class CallBook:
    """Follows each call by the exchange's name for it; one entry a call."""

    def __init__(self, ledger: Ledger, keep: bool = False) -> None:
        self._ledger = ledger
        self._keep = keep
        self._entries: dict[str, Entry] = {}
        self._digits: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def began(self, call: str, event: Mapping[str, str]) -> None:
        """A telephone starts to ring."""
        kind = kind_of_call(event["Address"])
        entry = Entry(
            id=self._ledger.new_id(kind),
            kind=kind,
            at=_moment(event["Began"]),
            ended=None,
            address=event["Address"],
            caller=event["Caller"],
            result="ringing",
        )
        self._entries[call] = entry
        self._ledger.write(entry)

    def digit(self, call: str, digit: str) -> None:
        """The household heard a key of the caller's."""
        self._digits[call] = self._digits.get(call, "") + digit

    def ended(self, call: str, event: Mapping[str, str]) -> None:
        """The call is over: measure what was recorded, then write the entry for good."""
        end = read_end(event)
        begun = self._entries.pop(call, None)
        kind = kind_of_call(end.address)
        entry = Entry(
            id=begun.id if begun else self._ledger.new_id(kind),
            kind=kind,
            at=end.began,
            ended=end.ended,
            address=end.address,
            caller=end.caller,
            result=end.result,
            answered=end.answered,
            spoken_to=end.spoken_to,
            pressed=end.pressed,
            digits=self._digits.pop(call, ""),
            hung_up_by=end.hung_up_by,
        )
        if not end.recording:
            self._ledger.write(entry)
        elif kind == "fax":
            self._ledger.write(_fax(entry, end))
        else:
            self._spawn(entry, end.recording)

    async def cut(self) -> None:
        """The exchange is gone: calls that were up ended with it; wait until all are in the ledger."""
        for entry in self._entries.values():
            self._ledger.write(ended(entry, hung_up_by="exchange"))
        self._entries.clear()
        self._digits.clear()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _spawn(self, entry: Entry, recording: Path) -> None:
        task = asyncio.create_task(self._finish(entry, recording))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, entry: Entry, recording: Path) -> None:
        heard = await _settled(recording)
        kept = await asyncio.to_thread(_keep_or_drop, recording, self._keep or entry.result == "voicemail")
        self._ledger.write(
            replace(entry, seconds=heard.seconds, voiced_seconds=heard.voiced_seconds, recording=kept)
        )


async def _settled(recording: Path) -> Heard:
    """What the recording holds once it has stopped growing."""
    size = None
    for _ in range(_FILE_TRIES):
        previous, size = size, _size(recording)
        if size == previous:
            break
        await asyncio.sleep(_FILE_SETTLES_SECONDS)
    return await asyncio.to_thread(measure, recording)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _keep_or_drop(recording: Path, keep: bool) -> str:
    """The name of a recording that stays; "" for one that is deleted or never was."""
    if keep and recording.exists():
        return str(recording)
    recording.unlink(missing_ok=True)
    return ""


def _fax(entry: Entry, end: CallEnd) -> Entry:
    received = end.recording is not None and end.recording.exists()
    return replace(
        entry,
        pages=end.pages,
        station=end.station,
        error=end.error,
        file=str(end.recording) if received else "",
    )


def _moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC)
