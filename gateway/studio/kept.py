"""What the studio has kept, for whatever plays prompts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.link import StoreLink
from gateway.settings import Settings
from store import prompts
from voices.prompts import KeptPrompts

REFRESH_SECONDS = 1.0


async def kept_prompts(settings: Settings, link: StoreLink) -> dict[tuple[str, str], Path]:
    """The file of each prompt's name and language, as the store says now."""
    active = await link.patiently(lambda: link.store.read(prompts.active, settings.clinic.id))
    return {key: settings.recordings / f"{audio}.wav" for key, audio in active.items()}


async def follow_prompts(settings: Settings, link: StoreLink, kept: KeptPrompts) -> None:
    """Keep `kept` as the store says, until cancelled: every gateway plays what any of them has kept."""
    while True:
        kept.replace(await kept_prompts(settings, link))
        await asyncio.sleep(REFRESH_SECONDS)
