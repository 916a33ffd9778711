"""The lines out of the building, as they are looked at and switched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LineKind(StrEnum):
    """What kind of line; a fax line is what a trunk carries of faxes."""

    TRUNK = "trunk"
    BIND = "bind"
    RELAY = "relay"
    FAX = "fax"


class LineState(StrEnum):
    """How a line is; PAUSED: it is there, and takes nothing for a while."""

    UP = "up"
    PAUSED = "paused"
    DOWN = "down"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class LineLook:
    """One look at a line of this gateway.

    `trouble`: a cause or words, empty while all is well; `busy` of `most` are under way; `per_second` 0: as
    quickly as it goes; `sent` and `failed` in the last hour since the start; `last_error` is a cause.
    """

    where: str
    state: LineState
    trouble: str
    busy: int
    most: int
    per_second: float = 0.0
    sent: int = 0
    failed: int = 0
    last_error: str = ""
    last_error_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line by kind and name of its settings."""

    kind: LineKind
    name: str
    look: LineLook
