"""What the running gateway lends to the console: its lines, and the doctor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.domain import Finding, Line, LineKind

# Is told how many looks are done, of how many.
Heard = Callable[[int, int], None]


async def _no_lines() -> Sequence[Line]:
    return ()


async def _no_examination(heard: Heard) -> Sequence[Finding]:
    return ()


async def _no_test(kind: LineKind, name: str) -> Sequence[Finding]:
    return ()


@dataclass(frozen=True, slots=True)
class Running:
    """By default what there is where no gateway runs: no line, and a doctor who finds nothing."""

    lines: Callable[[], Awaitable[Sequence[Line]]] = _no_lines
    examine: Callable[[Heard], Awaitable[Sequence[Finding]]] = _no_examination
    test: Callable[[LineKind, str], Awaitable[Sequence[Finding]]] = _no_test
