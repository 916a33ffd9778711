"""Ways to send a fax, from the best to the one that gets through bad lines; remembered for each number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Way:
    """Options of SendFAX (z: offer T.38, f: audio where there is none, F: audio), rate, error correction."""

    name: str
    options: str
    rate: int
    correction: bool


# Rules 6.5: T.38, then G.711, then 9600, then without error correction.
LADDER = (
    Way("t38", "zf", 14400, True),
    Way("audio", "F", 14400, True),
    Way("audio-9600", "F", 9600, True),
    Way("audio-9600-no-ecm", "F", 9600, False),
)
FIRST_IN_AUDIO = 1
# So many people in a row took a fax call: it is no fax line.
VOICES = 2


@dataclass(frozen=True, slots=True)
class Known:
    """What was learnt of a number, and how many pages of this very message it has already, covers aside."""

    rung: int = 0
    voices: int = 0
    pages: int = 0


class Memory(Protocol):
    """Kept outside, because a gateway is started anew now and then. Raises RingwellError while it is away."""

    async def recall(self, address: str, message: int) -> Known:
        """What is known of a number and a message."""

    async def learn(self, address: str, rung: int, voices: int) -> None:
        """Keep what an attempt showed of a number."""


class Forgetful:
    """Knows nothing: each fax begins at the top."""

    async def recall(self, address: str, message: int) -> Known:
        """Nothing."""
        return Known()

    async def learn(self, address: str, rung: int, voices: int) -> None:
        """Forgotten at once."""


def way_of(rung: int, *, t38: bool) -> Way:
    """The way on this rung, on a trunk that has T.38 or not."""
    lowest = 0 if t38 else FIRST_IN_AUDIO
    return LADDER[max(lowest, min(rung, len(LADDER) - 1))]
