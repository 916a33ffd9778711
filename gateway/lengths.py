"""What a text costs on the binds of this installation. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.alphabet import Estimate, estimate
from gateway.settings import Bind, Settings


@dataclass(frozen=True, slots=True)
class Length(Estimate):
    """An estimate, the bind that it is for ("": there is none yet), and how that joins segments."""

    bind: str
    concatenation: str


def length_of(body: str, settings: Settings) -> Length:
    """How the networks count this text. Raises ContentError for one that can never be sent.

    For the binds that are used first; where they differ, for the one that it costs most on.
    """
    first = min((bind.priority for bind in settings.binds.values()), default=0)
    used = {name: bind for name, bind in settings.binds.items() if bind.priority == first} or {"": Bind()}
    found = [_on(name, bind, body) for name, bind in used.items()]
    return max(found, key=lambda one: one.segments)


def _on(name: str, bind: Bind, body: str) -> Length:
    told = estimate(body, gsm7_default=bind.gsm7_default)
    return Length(
        told.characters,
        told.alphabet,
        told.segments,
        told.foreign,
        told.plain_segments,
        name,
        bind.concatenation,
    )
