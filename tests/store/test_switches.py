"""Lines that are switched off, for every gateway of the clinic."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain import Finding, Line, LineKind, LineLook, LineState
from gateway.link import StoreLink
from gateway.switchboard import Switchboard
from store import checkups, switches
from store.switches import Off
from tests.store.world import CLINIC, NOON, World

BIND = LineKind.BIND


async def _off(world: World, name: str = "main", reason: str = "invoices", clinic: int = CLINIC) -> None:
    await world.store.run(switches.turn_off, clinic, BIND, name, reason, "Ada", world.clock())


async def test_a_line_is_off_with_a_reason_until_it_is_switched_on(world: World) -> None:
    await _off(world)
    await _off(world, reason="still invoices")
    await _off(world, name="other", clinic=CLINIC + 1)
    assert await world.store.read(switches.switched_off, CLINIC) == [
        Off(BIND, "main", "still invoices", "Ada", NOON)
    ]
    assert not await world.store.run(switches.turn_on, CLINIC, BIND, "other")
    assert await world.store.run(switches.turn_on, CLINIC, BIND, "main")
    assert await world.store.read(switches.switched_off, CLINIC) == []


@dataclass
class OneLine:
    """A line that only remembers."""

    on: bool = True

    def look(self) -> LineLook:
        return LineLook("here", LineState.UP if self.on else LineState.OFF, "", 0, 1)

    def switch(self, on: bool) -> None:
        self.on = on


async def test_the_lines_of_a_gateway_follow_the_switches(world: World) -> None:
    trunk, bind, trouble = OneLine(), OneLine(), ""
    lines = {(LineKind.TRUNK, "main"): trunk, (BIND, "main"): bind}
    board = Switchboard(StoreLink(world.store), CLINIC, lines, lambda: trouble)
    await _off(world)
    await _off(world, name="of another gateway")
    await board.follow()
    assert (trunk.on, bind.on) == (True, False)
    trouble = "the exchange is away"
    first, second = await board.looks()
    assert first == Line(LineKind.TRUNK, "main", LineLook("here", LineState.DOWN, trouble, 0, 1))
    assert second.look.state is LineState.OFF
    await world.store.run(switches.turn_on, CLINIC, BIND, "main")
    await board.follow()
    assert bind.on


async def test_what_the_doctor_found_last_is_kept_for_each_gateway(world: World) -> None:
    found = [Finding("store", True, "sqlite"), Finding("relay main", False, "away", "see host")]
    assert await world.store.read(checkups.last, CLINIC, "a") is None
    await world.store.run(checkups.keep, CLINIC, "a", "Ada", [], world.clock())
    await world.store.run(checkups.keep, CLINIC, "a", "Ben", found, world.clock())
    assert await world.store.read(checkups.last, CLINIC, "b") is None
    assert await world.store.read(checkups.last, CLINIC, "a") == checkups.Checkup("Ben", NOON, tuple(found))
