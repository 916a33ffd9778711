"""What the doctor says of trunks: to the town, to nowhere, and with an account that nobody knows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.asterisk.instance import free_port
from gateway.doctor import examine, trunks
from gateway.doctor.trunks import Sight, judge
from gateway.settings import Settings, Trunk
from gateway.town.town import Town
from tests.exchange import clinic_exchange

WELL = Sight("Reachable", "2 ms")


async def test_each_trunk_is_told_in_plain_words(tmp_path: Path) -> None:
    async with Town(tmp_path / "town", seed=1, pace=0.2) as town:
        alive = {"host": "127.0.0.1", "port": town.address.sip, "qualify_seconds": 1}
        lines = {
            "well": alive,
            "gone": alive | {"port": free_port()},
            "stranger": alive | {"username": "clinic", "password": "wrong"},
        }
        async with clinic_exchange(tmp_path / "clinic", 0, trunks=lines):
            settings = Settings.model_validate({"instance": tmp_path / "clinic", "trunks": lines})
            found: dict[str, str] = {}

            async def told() -> bool:
                looked = {finding.part: finding for finding in await examine(settings, 10)}
                found.update({part: finding.found for part, finding in looked.items()})
                # Who does not answer is known once the time for an answer is over.
                words = {"trunk well": "answers in", "trunk stranger": "rejected", "trunk gone": "nobody"}
                return all(word in found[part] for part, word in words.items())

            async with asyncio.timeout(60):
                while not await told():  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            later = Settings.model_validate(
                {"instance": tmp_path / "clinic", "trunks": lines | {"new": alive}}
            )
            unknown = {finding.part: finding for finding in await examine(later, 10)}["trunk new"]
    assert found["trunk well"].startswith("answers in ")
    assert "offers ulaw, alaw; offers T.38" in found["trunk well"]
    assert found["trunk gone"] == f"nobody answers at 127.0.0.1:{lines['gone']['port']}"
    assert found["trunk stranger"] == "registration: rejected"
    assert "restart the gateway" in unknown.advice


@pytest.mark.parametrize("cause", trunks.REFUSALS)
def test_what_the_newest_call_of_a_trunk_met_is_explained(cause: str) -> None:
    met = [("played", {"trunk": "other"}), (cause, {"trunk": "main"}), ("played", {"trunk": "main"})]
    finding = judge("main", Trunk(), WELL, met, [])
    assert not finding.well
    assert finding.advice
    assert judge("other", Trunk(), WELL, met, []).well


def test_calls_that_analytics_blocked_are_told_as_such_though_others_went_through() -> None:
    calls = [("played", {"trunk": "main"}), ("blocked-by-analytics", {"trunk": "main"})]
    finding = judge("main", Trunk(), WELL, calls, [])
    assert finding.found == "1 of its last 2 calls were blocked by analytics"
    assert "caller ID" in finding.advice
    assert judge("other", Trunk(), WELL, calls, []).well


def test_a_trunk_tells_how_its_last_fax_went() -> None:
    by_sound = [("delivered", {"trunk": "main", "mode": "audio"})]
    assert "as sound: no T.38 there" in judge("main", Trunk(), WELL, [], by_sound).found
    assert (
        "by T.38" in judge("main", Trunk(), WELL, [], [("delivered", {"trunk": "main", "mode": "T38"})]).found
    )
    assert "faxes as sound" in judge("main", Trunk(t38=False), WELL, [], []).found
