"""Somebody calls back while the gateway is away: the front desk answers, and nothing is said of anybody."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.asterisk.ami import Ami
from gateway.asterisk.callers import Callers
from gateway.asterisk.live import calls_in_progress
from gateway.town.households import number
from gateway.town.ledger import read_ledger
from gateway.town.phones import OUTSIDE
from gateway.town.town import Town
from tests.exchange import ami_of, clinic_exchange, running, until

DESK, CALLER = "250", "+12125550072"


async def test_the_front_desk_answers_while_the_gateway_is_away(tmp_path: Path) -> None:
    async with Town(tmp_path / "town", seed=1, pace=0.3) as town, town.phones() as phones:
        line = {"host": "127.0.0.1", "port": town.address.phones}
        sections = {"callback": {"enabled": True}, "staff_line": line, "voice": {"front_desk": DESK}}
        async with clinic_exchange(tmp_path / "clinic", town.address.sip, **sections) as exchange:
            port = exchange.identity().sip_port
            call = await phones.call(port, "12025550100", ["stay:15"], side=OUTSIDE, caller=CALLER)
        assert call.answered
        assert [entry.address for entry in read_ledger(town.ledger)] == [f"+{DESK}"]


async def test_without_a_front_desk_the_call_just_ends(tmp_path: Path) -> None:
    async with Town(tmp_path / "town", seed=1, pace=0.3) as town, town.phones() as phones:
        sections = {"callback": {"enabled": True}}
        async with clinic_exchange(tmp_path / "clinic", town.address.sip, **sections) as exchange:
            port = exchange.identity().sip_port
            call = await phones.call(port, "12025550100", ["stay:15"], side=OUTSIDE, caller=CALLER)
        assert call.left == "other"
        assert read_ledger(town.ledger) == []


async def test_a_front_desk_over_the_trunk_takes_a_line_of_it_while_it_rings_and_talks(
    tmp_path: Path,
) -> None:
    counts: list[tuple[str, int]] = []
    async with Town(tmp_path / "town", seed=1, pace=0.3) as town, town.phones() as phones:
        sections = {"callback": {"enabled": True}, "voice": {"front_desk": number(1)}}
        async with clinic_exchange(tmp_path / "clinic", town.address.sip, **sections) as exchange:
            ami = ami_of(exchange)
            Callers(ami, lambda endpoint, count: counts.append((endpoint, count)))
            async with running(ami.run):
                await ami.up()
                port = exchange.identity().sip_port
                steps = ["stay:6"]
                calling = phones.call(port, "12025550100", steps, side=OUTSIDE, caller=CALLER)
                call = asyncio.create_task(calling)
                await until(lambda: ("trunk-town", 2) in counts)
                async with asyncio.timeout(60):
                    while "talking to the front desk" not in await stages(ami):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                await call
                await until(lambda: counts[-1] == ("trunk-town", 0))


async def stages(ami: Ami) -> list[str]:
    return [call.stage for call in await calls_in_progress(ami)]
