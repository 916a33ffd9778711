"""Looks at everything a message needs, and says what to do about what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.doctor import exchange, faxes, house, mail, texts, trunks, webhooks
from gateway.doctor.finding import Finding, Look
from gateway.domain import RingwellError
from gateway.settings import Settings

__all__ = ["Finding", "examine"]

_ROOMS = house, exchange, trunks, faxes, texts, mail, webhooks


async def examine(settings: Settings, seconds: float) -> list[Finding]:
    """Every look, each within the time limit."""
    looks = {name: look for room in _ROOMS for name, look in room.LOOKS.items()}
    found = await asyncio.gather(*(_look(part, look, settings, seconds) for part, look in looks.items()))
    return [finding for findings in found for finding in findings]


async def _look(part: str, look: Look, settings: Settings, seconds: float) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(seconds):
            found = await look(settings)
    except TimeoutError:
        found = Finding(part, False, f"no answer within {seconds:.0f} s", "see whether it runs at all")
    except (RingwellError, OSError) as error:
        found = Finding(part, False, str(error), "mend this, then look again")
    return [found] if isinstance(found, Finding) else found
