"""Calls in progress as data: what the exchange says of each, beside the message that it is about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.console.words import mask
from gateway.domain import Channel, LiveCall
from store import history
from store.engine import Store
from store.history import Entry

# What is shown of a row's kind.
KINDS: Mapping[str, str] = {"call": "Call", "fax": "Fax", "call-back": "Call back"}
Calls = Callable[[], Awaitable[Sequence[LiveCall]]]


@dataclass(frozen=True, slots=True)
class Row:
    """A call or fax that is up; `address` is masked, `seconds` count from when it was dialled.

    Of a call-back it is not known at first what it is about: message 0, without a name.
    """

    message: int
    kind: str
    name: str
    address: str
    trunk: str
    stage: str
    seconds: int


async def rows_of(store: Store, clinic: int, calls: Calls) -> list[Row]:
    """The calls of this clinic."""
    found = [call for call in await calls() if call.clinic in (clinic, 0)]
    about = await store.read(history.entries_of, clinic, [call.message for call in found])
    now = store.clock()
    return [_row(call, about.get(call.message), now) for call in found if call.back or call.message in about]


def _row(call: LiveCall, entry: Entry | None, now: datetime) -> Row:
    kind, seconds = "call-back", call.seconds
    if entry is not None and not call.back:
        kind = "fax" if entry.channel == Channel.FAX else "call"
        seconds = max(0, int((now - entry.started_at).total_seconds())) if entry.started_at else 0
    name, address = (entry.name, mask(entry.address)) if entry is not None else ("", "")
    return Row(call.message, kind, name, address, call.trunk, call.stage, seconds)
