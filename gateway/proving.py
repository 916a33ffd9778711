"""The proof of delivery of a fax, from what is on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.documents.proof import Proof, picture_of
from gateway.domain import RingwellError, State
from gateway.settings import Clinic, Settings, cache_folder
from store import history
from store.history import Entry

NO_PICTURE = "No picture of the first page is kept any more."


class NoProofError(RingwellError):
    """There is no such fax, or it was not delivered."""


def fax_folder() -> Path:
    """Where rendered faxes and the pictures of those that were delivered are."""
    return cache_folder() / "faxes"


def proof_of(conn: Connection, settings: Settings, number: int) -> Proof:
    """The proof of a message that was delivered as a fax; NoProofError says why there is none."""
    clinic = settings.clinic
    found = history.entry(conn, clinic.id, number)
    if found is None or found.channel != "fax":
        raise NoProofError(f"message {number} is no fax")
    if found.state is not State.DELIVERED:
        raise NoProofError(f"fax {number} was not delivered: its state is {found.state.value}")
    tries = history.attempts(conn, clinic.id, [number])
    return _proof(found, tries, clinic)


def _proof(found: Entry, tries: list[dict[str, Any]], clinic: Clinic) -> Proof:
    last = tries[-1]
    said: Mapping[str, Any] = last["evidence"]
    lines = [
        ("To", found.name or "somebody without a name"),
        ("Fax number", found.address or ""),
        ("Answered as", str(said.get("station", "")) or "a machine that gave no number"),
        ("Sent", _moment(last["started_at"], clinic)),
        ("Pages", _pages(tries)),
        ("On the line", f"{said.get('seconds', 0)} seconds by {said.get('mode', '')}"),
        ("Rate", f"{said.get('rate', 0)} bit/s"),
        ("Message", f"{found.id}, attempt {last['number']} of {len(tries)}"),
    ]
    for earlier in tries[:-1]:
        pages = earlier["evidence"].get("pages", 0)
        brought = f", {pages} pages arrived" if pages else ""
        lines.append(("Before", f"{_moment(earlier['started_at'], clinic)}: {earlier['cause']}{brought}"))
    document = Path(str(said.get("document", ""))).name
    picture = picture_of(fax_folder() / document) if document else None
    return Proof(clinic.name, "Report of a delivered fax", lines, picture, NO_PICTURE)


def _pages(tries: Sequence[Mapping[str, Any]]) -> str:
    """Those of all calls: after a break only the missing pages are sent, under a cover again."""
    brought = [int(one["evidence"].get("pages", 0)) for one in tries]
    calls = sum(pages > 0 for pages in brought)
    parts = f" in {calls} calls, a cover in each" if calls > 1 else ""
    return f"{sum(brought)}{parts}, each confirmed by the other side"


def _moment(at: datetime, clinic: Clinic) -> str:
    return at.astimezone(ZoneInfo(clinic.zone)).strftime("%Y-%m-%d %H:%M:%S %Z")
