"""Webhooks: how far each program is behind, and what it last answered."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.doctor.finding import Finding, Look
from gateway.settings import Settings
from store import changes, migrate
from store.engine import Store


async def _webhooks(settings: Settings) -> Sequence[Finding]:
    if not settings.webhooks:
        return []
    async with Store(settings.store_url) as store:
        if await migrate.current(store) != migrate.newest():
            return []  # told by the look at the store
        return [await _webhook(store, settings.clinic.id, name) for name in settings.webhooks]


async def _webhook(store: Store, clinic: int, name: str) -> Finding:
    waiting, failures, trouble = await store.read(changes.lag, clinic, name)
    part = f"webhook {name}"
    if failures:
        words = f"{trouble} (failures in a row: {failures}); {waiting} changes wait for it"
        return Finding(part, False, words, f"see whether its program runs, and [webhooks.{name}] url")
    return Finding(part, True, f"{waiting} changes not told yet" if waiting else "knows of every change")


LOOKS: dict[str, Look] = {"webhooks": _webhooks}
