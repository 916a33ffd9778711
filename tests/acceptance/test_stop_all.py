"""Stop-all in mid-broadcast: within a second nothing more leaves, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.demo.clinic import Household
from gateway.demo.rehearsal import Plan, Rehearsal
from gateway.town.ledger import Entry, read_ledger
from tests.acceptance.world import said, told, until, world

MANY = (Household(30, "voice", voice=0), Household(40, "text"), Household(40, "email"))
SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.timeout(240)


async def ringwell(held: Rehearsal, *words: str) -> str:
    """What the command says."""
    arguments = (sys.executable, "-m", "gateway", *words, "--config", str(held.config))
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    answer, _ = await process.communicate()
    assert process.returncode == 0
    return answer.decode()


def calls(held: Rehearsal) -> list[Entry]:
    return [entry for entry in read_ledger(held.ledger) if entry.kind == "call"]


@pytest.mark.parametrize("cut", [False, True], ids=["running calls may end", "running calls are hung up"])
async def test_after_a_stop_nothing_more_leaves_and_after_resuming_all_is_done_once(
    tmp_path: Path, cut: bool
) -> None:
    plan = Plan(MANY, pace=0.5, texts_per_second=8, calls_per_second=2)
    async with world(tmp_path, plan) as (held, store):
        await held.start_daemon()
        await until(lambda: len(calls(held)) >= 6)
        shown = json.loads(await ringwell(held, "calls", "--json"))
        await ringwell(held, "stop", "--reason", "wrong list", *(["--hang-up"] if cut else []))
        stopped = datetime.now(UTC)
        up = {entry.id for entry in calls(held) if entry.ended is None}
        assert up
        await until(lambda: said(held, "voice is stopped") and all(entry.ended for entry in calls(held)))
        quiet = datetime.now(UTC)
        running = [entry for entry in calls(held) if entry.id in up]
        ends = [entry.ended - stopped for entry in running if entry.ended is not None]
        if cut:
            assert max(ends) < 3 * SECOND
            assert {entry.hung_up_by for entry in running} == {"caller"}
        else:
            assert max(ends) > 2 * SECOND
        await asyncio.sleep(max(0.0, 3 - (datetime.now(UTC) - stopped).total_seconds()))
        late = [entry for entry in read_ledger(held.ledger) if entry.at > stopped + 2 * SECOND]
        assert late == []
        assert "Going on." in await ringwell(held, "resume")
        report = await told(store, held)
    assert len(shown) >= 4
    assert {row["stage"] for row in shown} <= {
        "dialling",
        "ringing",
        "playing the message",
        "listening who it is",
    }
    assert not any(entry.address in str(shown) for entry in report.town)
    assert report.agreement.clean, report.agreement.findings
    assert any(entry.at > quiet for entry in report.town)
    assert report.agreement.unknown == 0


async def test_who_looks_is_told_why_everything_is_stopped(tmp_path: Path) -> None:
    async with world(tmp_path, Plan((Household(2, "text"),))) as (held, _):
        assert "Nothing is stopped." in await ringwell(held, "resume")
        await ringwell(held, "stop", "--reason", "wrong list", "--channel", "sms", "--by", "Ito")
        arguments = (sys.executable, "-m", "gateway", "doctor", "--config", str(held.config), "--json")
        process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
        answer, _ = await process.communicate()
        assert b"sms is stopped since" in answer
        assert b"by Ito: wrong list" in answer
        assert "Still stopped: sms" in await ringwell(held, "resume", "--channel", "voice")
