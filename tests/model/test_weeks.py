"""Random weeks of a clinic: nobody is contacted who must not be, and nobody is left out who may be.

RINGWELL_MODEL_WEEKS plays so many weeks, RINGWELL_MODEL_SEED one of them again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gateway.policy import decision
from gateway.policy.verdict import ALLOW
from store import migrate
from store.engine import Store
from tests.model.clinic import Week
from tests.model.oracle import FoundError
from tests.store.world import Clock

TICKS = 60
_SEED = os.environ.get("RINGWELL_MODEL_SEED")
_WEEKS = int(os.environ.get("RINGWELL_MODEL_WEEKS", "4"))
SEEDS = [int(_SEED)] if _SEED else range(1, _WEEKS + 1)
# Enough for whatever is wrong in every week.
TRIES = 12
CAPS_OFF = {"policy": {"caps": {"a_day": 0, "a_week": 0}}}
ALWAYS = {"opens": "00:00", "closes": "00:00"}
WINDOW_OFF = {"policy": {"voice": ALWAYS, "sms": ALWAYS}}


async def _play(folder: Path, seed: int, settings: dict[str, Any] | None = None, ticks: int = TICKS) -> Week:
    clock = Clock()
    async with Store(f"sqlite:///{folder}/{seed}.db", clock) as store:
        await migrate.upgrade(store)
        week = Week(store, clock, seed, settings)
        try:
            await week.play(ticks)
        except FoundError as error:
            lines = "\n".join(week.log[-400:])
            raise FoundError(f"RINGWELL_MODEL_SEED={seed}: {error}\n{lines}") from error
    return week


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
async def test_in_a_random_week_exactly_those_are_contacted_who_may_be(seed: int, tmp_path: Path) -> None:
    week = await _play(tmp_path, seed)
    assert week.oracle.sends > 5


async def _first_found(folder: Path, settings: dict[str, Any] | None = None, finds: str = "") -> str:
    """The first fault with these words that a week finds."""
    found = "nothing was found"
    for seed in range(1, TRIES):
        try:
            await _play(folder, seed, settings)
        except FoundError as error:
            found = str(error).partition("\n")[0]
            if finds in found:
                return found
    return found


@pytest.mark.parametrize(
    ("settings", "finds"), [(CAPS_OFF, "above the cap"), (WINDOW_OFF, "outside the window")]
)
async def test_a_gateway_without_a_rule_is_found(
    settings: dict[str, Any], finds: str, tmp_path: Path
) -> None:
    assert finds in await _first_found(tmp_path, settings, finds)


async def test_a_gateway_that_asks_for_no_consent_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision, "about_consent", lambda *_: ALLOW)
    found = await _first_found(tmp_path)
    assert "no consent" in found or "withdrawn" in found
