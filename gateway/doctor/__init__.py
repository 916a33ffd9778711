"""Looks at everything a message needs, and says what to do about what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from gateway.doctor import exchange, faxes, house, mail, texts, trunks, webhooks
from gateway.doctor.finding import Finding, Look
from gateway.domain import LineKind, RingwellError
from gateway.settings import Settings

__all__ = ["Finding", "examine", "examine_line"]

_ROOMS = house, exchange, trunks, faxes, texts, mail, webhooks


# Is told how many looks are done, of how many.
Heard = Callable[[int, int], None]


async def examine(settings: Settings, seconds: float, heard: Heard = lambda done, of: None) -> list[Finding]:
    """Every look, each within the time limit."""
    looks = {name: look for room in _ROOMS for name, look in room.LOOKS.items()}
    done = 0

    async def one(part: str, look: Look) -> Sequence[Finding]:
        nonlocal done
        found = await _look(part, look, settings, seconds)
        done += 1
        heard(done, len(looks))
        return found

    heard(0, len(looks))
    found = await asyncio.gather(*(one(part, look) for part, look in looks.items()))
    return [finding for findings in found for finding in findings]


async def examine_line(settings: Settings, kind: LineKind, name: str, seconds: float) -> list[Finding]:
    """The looks at one line of the settings; none where nothing can be tried now."""
    field, look = _LINES[kind]
    alone = {one: line for one, line in getattr(settings, field).items() if one == name}
    return list(await _look(f"{kind} {name}", look, settings.model_copy(update={field: alone}), seconds))


_LINES: dict[LineKind, tuple[str, Look]] = {
    LineKind.TRUNK: ("trunks", trunks.LOOKS["trunks"]),
    LineKind.FAX: ("trunks", faxes.LOOKS["fax"]),
    LineKind.BIND: ("binds", texts.LOOKS["binds"]),
    LineKind.RELAY: ("relays", mail.LOOKS["relays"]),
}


async def _look(part: str, look: Look, settings: Settings, seconds: float) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(seconds):
            found = await look(settings)
    except TimeoutError:
        found = Finding(part, False, f"no answer within {seconds:.0f} s", "see whether it runs at all")
    except (RingwellError, OSError) as error:
        found = Finding(part, False, str(error), "mend this, then look again")
    return [found] if isinstance(found, Finding) else found
