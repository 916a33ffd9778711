"""The two commands of a newcomer: the demo ends clean, and its report tells everything."""

from __future__ import annotations

import asyncio
import json
import sys

import pytest

from gateway import settings
from gateway.asterisk.provision import provision


@pytest.mark.timeout(280)
async def test_the_demo_ends_within_four_minutes_with_both_ledgers_in_agreement(tmp_path):
    await asyncio.to_thread(provision, settings.cache_folder(), lambda step, count: None)
    report = tmp_path / "report.json"
    with (tmp_path / "said.txt").open("wb") as said:
        demo = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "demo", "--once"),
            *("--folder", str(tmp_path / "demo"), "--report", str(report)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        code = await asyncio.wait_for(demo.wait(), 240)
    told = json.loads(report.read_text())
    assert (told["findings"], set(told["agreement"].values())) == ([], {0})
    assert code == 0
    assert {entry["kind"] for entry in told["town"]} == {"call", "text", "mail", "fax"}
    assert {message["channel"] for message in told["messages"]} == {"voice", "sms", "email", "fax"}
    assert told["versions"]["asterisk"].startswith("22.")
    # The opt-outs of the first broadcast were heard by the town, and held in the second.
    second = [message for message in told["messages"] if message["broadcast"] == 2]
    refused = [message for message in second if message["reason"] == "consent-withdrawn"]
    assert len(refused) == 4
    wished = [entry for entry in told["town"] if entry.get("pressed") == "9" or entry.get("reply") == "STOP"]
    assert len({entry["address"] for entry in wished}) == 4
