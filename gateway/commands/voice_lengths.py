"""How long the calls of a broadcast play, and the rendering of all they need."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.broadcast import Decision
from gateway.commands.shared import console, progress
from gateway.domain import Channel
from gateway.link import StoreLink
from gateway.policy import Refuse
from gateway.render import Needs, render_all, seconds
from gateway.rendering import library_of, sayings_of
from gateway.settings import Settings
from gateway.studio.kept import kept_prompts
from store.engine import Store
from voices.errors import VoiceError
from voices.library import VoiceLibrary
from voices.prompts import KeptPrompts

LISTENERS = {"person": "a person", "machine": "an answering machine"}


@dataclass(frozen=True, slots=True)
class Length:
    """How many seconds one version of the calls plays, or why that is not known."""

    version: str
    shortest: float = 0.0
    longest: float = 0.0
    trouble: str = ""


@asynccontextmanager
async def library(settings: Settings, store: Store) -> AsyncIterator[VoiceLibrary]:
    """The voices and prompts of this installation."""
    kept = KeptPrompts(await kept_prompts(settings, StoreLink(store)))
    async with library_of(settings, kept) as found:
        yield found


def needs_of(settings: Settings) -> Needs:
    """An empty count for this clinic."""
    return Needs(settings.clinic, sayings_of(settings))


def counted(needs: Needs, decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions with every call counted in; those that cannot be said are refused."""
    return [_counted(needs, decision) for decision in decisions]


def _counted(needs: Needs, decision: Decision) -> Decision:
    if decision.channel is not Channel.VOICE or isinstance(decision.verdict, Refuse):
        return decision
    trouble = needs.add(decision.facts)
    return decision._replace(verdict=Refuse(f"content-unusable: {trouble}")) if trouble else decision


async def measured(found: VoiceLibrary, needs: Needs) -> list[Length]:
    """The shortest and the longest call of each version, by their texts."""
    return [await _length(found, needs, version) for version in needs.longest]


async def _length(found: VoiceLibrary, needs: Needs, version: str) -> Length:
    try:
        shortest = await seconds(found, needs.shortest[version])
        longest = await seconds(found, needs.longest[version])
    except VoiceError as error:
        return Length(version, trouble=str(error))
    return Length(version, min(shortest, longest), max(shortest, longest))


def tell(lengths: Sequence[Length], most: float) -> None:
    """Print the lengths, with a warning above the limit."""
    for length in lengths:
        who = LISTENERS[length.version]
        if length.trouble:
            console.print(
                f"what {who} hears cannot be rendered: {length.trouble}", style="red", soft_wrap=True
            )
            continue
        console.print(f"{who} hears {length.shortest:.0f} to {length.longest:.0f} seconds")
        if length.longest > most:
            console.print(f"this is more than the {most:.0f} seconds that a call may take", style="yellow")


async def rendered(settings: Settings, found: VoiceLibrary, needs: Needs) -> Counter[str]:
    """Render everything, with a progress bar; how many sounds failed for which reason."""
    with progress() as bar:
        task = bar.add_task("rendering", total=len(needs.parts), counts="")
        return await render_all(
            found, needs.parts, settings.voice.workers + 1, lambda: bar.update(task, advance=1)
        )
