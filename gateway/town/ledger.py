"""The town's own ledger: what really arrived, written from the town's side alone.

`ledger.jsonl` holds one JSON object a line and is only ever appended to. An entry that grows (a call that
is answered and then ends, a text whose receipt is delivered) is written again under the same `id`; the last
line of an id is the truth, and `read_ledger` returns one Entry for each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Kind = Literal["call", "text", "mail", "fax"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One contact as the town saw it; `ended` is None while more of it is to come."""

    id: str
    kind: Kind
    at: datetime
    ended: datetime | None
    address: str
    caller: str
    result: str
    # calls; `seconds` of sound from the caller were recorded, `voiced_seconds` of them were not silence;
    # `spoken_to`: when a household that listens first heard the caller speak
    answered: datetime | None = None
    spoken_to: datetime | None = None
    seconds: float = 0.0
    voiced_seconds: float = 0.0
    pressed: str = ""
    digits: str = ""
    hung_up_by: str = ""
    recording: str = ""
    # texts
    text: str = ""
    segments: int = 0
    parts: int = 0
    source: str = ""
    message_id: str = ""
    message_ids: tuple[str, ...] = ()
    receipt: str = ""
    reply: str = ""
    # mails; `message_id` is the Message-ID header, `sender` the From header ("from" in JSON), `bounce` the
    # reply that the clinic was told later
    subject: str = ""
    size: int = 0
    sender: str = ""
    code: str = ""
    bounce: str = ""
    # faxes
    pages: int = 0
    station: str = ""
    error: str = ""
    file: str = ""


_COMMON = ("id", "kind", "at", "ended", "address", "caller", "result")
_CALL = (
    "answered",
    "spoken_to",
    "seconds",
    "voiced_seconds",
    "pressed",
    "digits",
    "hung_up_by",
    "recording",
)
_FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "call": (*_COMMON, *_CALL),
    "text": (
        *_COMMON,
        "text",
        "segments",
        "parts",
        "source",
        "message_id",
        "message_ids",
        "receipt",
        "reply",
    ),
    "mail": (*_COMMON, "message_id", "subject", "size", "sender", "code", "bounce"),
    "fax": (*_COMMON, "answered", "hung_up_by", "pages", "station", "error", "file"),
}
_TIMES = ("at", "ended", "answered", "spoken_to")


def to_json(entry: Entry) -> dict[str, Any]:
    """The fields of this kind of entry as they stand in the file and in reports."""
    row = {("from" if name == "sender" else name): getattr(entry, name) for name in _FIELDS[entry.kind]}
    return row | {name: _stamp(row[name]) for name in _TIMES if name in row}


def from_json(row: Mapping[str, Any]) -> Entry:
    """The Entry of one line; unknown names are left out."""
    values = {("sender" if name == "from" else name): value for name, value in row.items()}
    values |= {name: datetime.fromisoformat(values[name]) for name in _TIMES if values.get(name)}
    if "message_ids" in values:
        values["message_ids"] = tuple(values["message_ids"])
    known = {field.name for field in fields(Entry)}
    return Entry(**{name: value for name, value in values.items() if name in known})


def read_ledger(path: Path) -> list[Entry]:
    """Every contact, in the order in which they began to be written; [] before the first."""
    if not path.exists():
        return []
    entries: dict[str, Entry] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):  # the last line may still be on its way to the file
                entry = from_json(json.loads(line))
                entries[entry.id] = entry
    return list(entries.values())


class Ledger:
    """Appends entries, each flushed at once."""

    def __init__(self, path: Path) -> None:
        self._count = len(read_ledger(path))
        self._file = path.open("a", encoding="utf-8")

    def new_id(self, kind: Kind) -> str:
        """A name for an entry that is unique in this file, also over restarts of the town."""
        self._count += 1
        return f"{kind}-{self._count:07d}"

    def write(self, entry: Entry) -> None:
        """Append the entry as it stands now."""
        self._file.write(json.dumps(to_json(entry), ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def ended(entry: Entry, **changes: Any) -> Entry:
    """The entry finished now, with these changes."""
    return replace(entry, ended=datetime.now(UTC), **changes)


def _stamp(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None
