"""What is wrong with a recording, as words that programs share; people's words are made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Finding(StrEnum):
    """What somebody should know before a recording is kept."""

    SILENT = "silent"
    CLIPPED = "clipped"
    TOO_QUIET = "too-quiet"
    TOO_SHORT = "too-short"
    MOSTLY_SILENCE = "mostly-silence"
    CUT_OFF = "cut-off"


# With one of these there is nothing to keep.
HOPELESS = frozenset({Finding.SILENT})


@dataclass(frozen=True, slots=True)
class Mastered:
    """A prompt that was made of a recording: seconds, loudness in LUFS before and after, what was found."""

    seconds: float
    recorded_seconds: float
    recorded_loudness: float
    loudness: float
    form: str
    findings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is something to keep."""
        return not HOPELESS & set(self.findings)


def read_mastered(told: dict[str, Any]) -> Mastered:
    """What a recording process answered."""
    return Mastered(**told | {"findings": tuple(Finding(name) for name in told["findings"])})
