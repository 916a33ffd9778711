"""What the doctor says about webhooks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gateway.doctor import Finding, examine
from gateway.settings import Settings
from store import changes, migrate
from store.engine import Store
from tests.store.world import CLINIC, World


async def test_a_webhook_that_lags_is_told_with_its_trouble(tmp_path: Path) -> None:
    hook = {"url": "https://practice.example/told", "secret": "a secret of 24 letters or more"}
    settings = Settings(instance=tmp_path, webhooks={"hook": hook})

    async def look() -> Finding:
        return next(one for one in await examine(settings, 10) if one.part == "webhook hook")

    async with Store(settings.store_url) as store:
        await migrate.upgrade(store)
        await store.run(changes.write_down, True)
        await store.run(changes.register, CLINIC, "hook")
        assert (await look()).found == "knows of every change"
        await World(store, store.clock).messages(3)  # type: ignore[arg-type]
        assert (await look()).found == "3 changes not told yet"
        now = store.clock()
        await store.run(changes.claim, CLINIC, "hook", "a", now, now + timedelta(minutes=1))
        await store.run(changes.refused, CLINIC, "hook", "a", "answers 503", now)
    bad = await look()
    assert (bad.well, bad.found) == (False, "answers 503 (failures in a row: 1); 3 changes wait for it")
    assert "[webhooks.hook] url" in bad.advice
