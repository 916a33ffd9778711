"""Staff dial the studio over two real exchanges; what they recorded is what is kept and played back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.town.town import Town
from tests.studio.world import World, clinic, enter, holds, record, samples, spoken, studio

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(folder: Path) -> AsyncIterator[World]:
    async with Town(folder / "town") as town, clinic(folder / "clinic", town) as made, studio(made):
        yield made


async def test_a_recording_is_played_back_and_kept(world: World, folder: Path) -> None:
    staff, number = await world.staff("42"), await world.prompt("greeting")
    voice = spoken(folder / "greeting.wav", 2.5)
    call = await world.dial(
        *enter("42"), "hear", f"press:{number}#", *record(voice), "hear", "stay:5", "press:1", "stay:1.5"
    )
    (version,) = await world.versions(number)
    assert (version.state, version.active, version.language) == ("kept", True, "en")
    assert (version.take.staff, version.take.source) == (staff, "phone")
    assert version.take.seconds == pytest.approx(2.5, abs=0.5)
    made = world.settings.recordings / f"{version.take.audio}.wav"
    assert holds(voice, made) or holds(made, voice) or len(samples(made))
    assert call.heard is not None
    assert holds(call.heard, made)
    assert call.left == "staff"
