"""Staff dial the studio over two real exchanges; what they say and press is what is kept.

Calls that do not disturb each other are placed at once, so that the whole takes as long as the longest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.asterisk.playing import NotPlayedError, lead_to_studio, play_to
from gateway.rendering import library_of
from gateway.studio import guidance
from gateway.studio.acts import Line
from gateway.studio.service import Studio
from gateway.town.ledger import read_ledger
from gateway.town.phones import OUTSIDE, PhoneCall
from gateway.town.town import Town
from store.prompts import Version
from store.schema import pin_try
from tests.exchange import ami_of, running, until
from tests.studio.world import (
    EXTENSION,
    OTHER_PIN,
    World,
    clinic,
    enter,
    holds,
    record,
    same,
    samples,
    spoken,
    studio,
    versions_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEEP = ("hear", "press:1", "hear")
# Any key leads straight to the tone.
SKIP = ("hear", "press:5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(folder: Path) -> AsyncIterator[Town]:
    async with Town(folder / "town") as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(folder: Path, town: Town) -> AsyncIterator[World]:
    async with clinic(folder / "clinic", town) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_studio(world: World) -> AsyncIterator[Studio]:
    async with studio(world) as opened:
        await opened.prepared()
        yield opened


async def _said(world: World, call: PhoneCall, *lines: str, language: str = "en") -> list[str]:
    """Those of these lines that the caller heard to their end."""
    assert call.heard is not None
    heard = []
    async with library_of(world.settings) as library:
        for line in lines:
            (file,) = await library.render((guidance.spoken(Line(line), language),))
            if await asyncio.to_thread(holds, call.heard, file):
                heard.append(line)
    return heard


# --- many calls at once ---


@pytest.fixture(scope="module")
def drafts() -> list[Version]:
    """What waited between two calls of one person."""
    return []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def calls(
    world: World, open_studio: Studio, folder: Path, drafts: list[Version]
) -> Mapping[str, PhoneCall]:
    """Every scene, each with a user and a prompt of its own."""

    async def plain() -> PhoneCall:
        staff, prompt = await world.staff("11"), await world.prompt("plain", "Plain words")
        await world.ask(prompt, staff)
        voice = spoken(folder / "plain.wav", 2.5, 150)
        return await world.dial(*enter("11"), "hear", "press:1", *SKIP, *record(voice), *KEEP, "stay:8")

    async def thorough() -> PhoneCall:
        await world.staff("12")
        prompt = await world.prompt("thorough")
        first, second = (spoken(folder / f"thorough-{hertz}.wav", 2, hertz) for hertz in (120, 190))
        listen = ("hear", "stay:1", "press:3", "hear", "stay:1", "press:2")
        return await world.dial(
            *(*enter("12"), "hear", "press:999#", "hear", f"press:{prompt}#", *SKIP, *record(first), *listen),
            *(*SKIP, *record(second), "hear", "stay:4", "press:1", "hear", "stay:3"),
        )

    async def cancels() -> PhoneCall:
        await world.staff("13")
        prompt = await world.prompt("cancels")
        voice = spoken(folder / "cancels.wav", 2)
        return await world.dial(
            *enter("13"),
            "hear",
            f"press:{prompt}#",
            *SKIP,
            *record(voice),
            "hear",
            "press:*",
            "hear",
            "stay:2",
        )

    async def whispers() -> PhoneCall:
        await world.staff("14")
        prompt = await world.prompt("whispers")
        voice = spoken(folder / "whispers.wav", 2, level=0.008)
        return await world.dial(
            *enter("14"),
            "hear",
            f"press:{prompt}#",
            *record(voice),
            "hear",
            "stay:9",
            "press:1",
            "hear",
            "stay:2",
        )

    async def breaks_off() -> PhoneCall:
        await world.staff("15")
        prompt = await world.prompt("breaks-off")
        voice = spoken(folder / "breaks-off.wav", 2.5)
        await world.dial(*enter("15"), "hear", f"press:{prompt}#", *SKIP, *record(voice)[:-1])
        drafts.extend(await versions_of(world, prompt))
        return await world.dial(*enter("15"), "hear", "stay:9", "press:1", "hear", "stay:4")

    async def guesses_in_parallel() -> PhoneCall:
        await world.staff("21")
        guessing = [world.dial(*enter("21", f"{n}57193") * 3, "hear", "stay:20") for n in range(1, 6)]
        assert [call.left for call in await asyncio.gather(*guessing)] == ["other"] * 5
        return await world.dial(*enter("21"), "hear", "stay:20")

    async def guesses() -> PhoneCall:
        await world.staff("16")
        return await world.dial(*enter("16", OTHER_PIN) * 3, "hear", "stay:20")

    async def nobody() -> PhoneCall:
        return await world.dial(*enter("99", OTHER_PIN) * 3, "hear", "stay:20")

    async def silent() -> PhoneCall:
        return await world.dial("hear", "stay:60")

    scenes = (plain, thorough, cancels, whispers, breaks_off, guesses, guesses_in_parallel, nobody, silent)
    done = await asyncio.gather(*(scene() for scene in scenes))
    return {scene.__name__: call for scene, call in zip(scenes, done, strict=True)}


async def test_what_was_asked_for_is_recorded_and_kept(
    world: World, calls: Mapping[str, PhoneCall], folder: Path
) -> None:
    number = await world.prompt("plain")
    (version,) = await world.versions(number)
    assert (version.state, version.active, version.language) == ("kept", True, "en")
    assert (version.take.source, version.take.findings) == ("phone", ())
    assert version.take.seconds == pytest.approx(2.5, abs=0.4)
    assert version.take.loudness == pytest.approx(-23, abs=0.3)
    made = world.settings.recordings / f"{version.take.audio}.wav"
    assert same(folder / "plain.wav", made)
    assert calls["plain"].left == "staff"
    assert await _said(world, calls["plain"], "kept", "another-prompt") == ["kept", "another-prompt"]
    assert await world.open_tasks() == []


async def test_the_original_is_kept_beside_it(
    world: World, calls: Mapping[str, PhoneCall], folder: Path
) -> None:
    (version,) = await world.versions(await world.prompt("plain"))
    original = world.settings.recordings / version.take.original
    assert len(samples(original)) / 8000 > version.take.seconds
    assert same(original, folder / "plain.wav")


async def test_it_is_heard_back_and_may_be_recorded_again(
    world: World, calls: Mapping[str, PhoneCall], folder: Path
) -> None:
    (version,) = await world.versions(await world.prompt("thorough"))
    assert version.active
    made = world.settings.recordings / f"{version.take.audio}.wav"
    assert same(folder / "thorough-190.wav", made)
    assert not same(folder / "thorough-120.wav", made)
    heard = calls["thorough"].heard
    assert heard is not None
    assert holds(heard, made)
    assert await _said(world, calls["thorough"], "you-recorded", "kept") == ["you-recorded", "kept"]


async def test_what_is_cancelled_is_gone(world: World, calls: Mapping[str, PhoneCall]) -> None:
    assert await world.versions(await world.prompt("cancels")) == []
    assert await _said(world, calls["cancels"], "kept", "cancelled") == ["cancelled"]


async def test_what_is_wrong_is_told_before_it_is_kept(world: World, calls: Mapping[str, PhoneCall]) -> None:
    (version,) = await world.versions(await world.prompt("whispers"))
    assert (version.take.findings, version.state) == (("too-quiet",), "kept")
    heard = await _said(world, calls["whispers"], "finding-too-quiet", "finding-clipped")
    assert heard == ["finding-too-quiet"]


async def test_who_hangs_up_while_speaking_finds_a_draft_the_next_time(
    world: World, calls: Mapping[str, PhoneCall], drafts: list[Version]
) -> None:
    (draft,) = drafts
    assert (draft.state, draft.active) == ("draft", False)
    assert "cut-off" in draft.take.findings
    assert draft.take.seconds == pytest.approx(2.5, abs=0.4)
    assert await _said(world, calls["breaks_off"], "draft-waiting", "kept") == ["draft-waiting", "kept"]
    (version,) = await world.versions(draft.prompt)
    assert (version.id, version.state, version.active) == (draft.id, "kept", True)


async def test_three_wrong_pins_end_the_call_and_a_number_of_nobody_sounds_the_same(
    world: World, calls: Mapping[str, PhoneCall]
) -> None:
    for scene in ("guesses", "nobody"):
        assert calls[scene].left == "other"
        assert await _said(world, calls[scene], "wrong-too-often", "locked") == ["wrong-too-often"]


async def test_who_says_nothing_is_let_go(world: World, calls: Mapping[str, PhoneCall]) -> None:
    assert calls["silent"].left == "other"
    assert await _said(world, calls["silent"], "welcome", "goodbye") == ["welcome", "goodbye"]


async def test_nothing_is_left_behind(
    world: World, calls: Mapping[str, PhoneCall], open_studio: Studio
) -> None:
    await until(lambda: open_studio.calls == 0)
    assert list((world.settings.folder / "studio").glob("*.wav")) == []
    assert "ERROR" not in (world.exchange.folder / "log" / "messages").read_text()


# --- PINs, across calls ---


async def test_guesses_in_parallel_calls_lock_the_user_and_the_right_pin_is_not_looked_at(
    world: World, calls: Mapping[str, PhoneCall]
) -> None:
    tries = await world.rows(pin_try, number="21")
    # Three tries before the lock and the one that locks, of the fifteen that were made.
    assert len(tries) == 4
    assert not any(row["open"] for row in tries)
    right = calls["guesses_in_parallel"]
    assert right.left == "other"
    assert await _said(world, right, "locked", "which-prompt") == ["locked"]


# --- who reaches what ---


async def test_callers_on_the_trunk_never_reach_the_studio(world: World, open_studio: Studio) -> None:
    call = await world.dial("hear", "stay:2", side=OUTSIDE)
    assert not call.answered
    assert open_studio.calls == 0


@pytest.mark.parametrize("extension", ["s", "7701", "+12125550000", "2125550000", "ringwell-play", "h"])
async def test_the_staff_line_leads_to_the_studio_and_nowhere_else(
    world: World, town: Town, extension: str
) -> None:
    before = len(read_ledger(town.ledger))
    assert not (await world.dial("stay:1", extension=extension)).answered
    assert len(read_ledger(town.ledger)) == before


# --- call me and play it ---


async def test_a_telephone_of_the_clinic_is_called_and_hears_the_recording(
    world: World, town: Town, calls: Mapping[str, PhoneCall]
) -> None:
    (version,) = await world.versions(await world.prompt("plain"))
    ami = ami_of(world.exchange)
    async with running(ami.run):
        await ami.up()
        file = world.settings.recordings / f"{version.take.audio}.wav"
        await play_to(ami, "201", file, version.take.seconds)
        with pytest.raises(NotPlayedError, match="nobody answered"):
            await play_to(ami, "301", file, version.take.seconds)
        with pytest.raises(NotPlayedError, match="cannot play"):
            await play_to(ami, "202", world.settings.folder / "nothing.wav", 1)
        with pytest.raises(NotPlayedError, match="digits"):
            await play_to(ami, "201@evil", file, 1)
    await until(lambda: any(one.address == "+201" and one.ended for one in read_ledger(town.ledger)))
    (entry,) = [one for one in read_ledger(town.ledger) if one.address == "+201"]
    assert entry.seconds >= version.take.seconds - 0.2
    assert entry.voiced_seconds > 1


async def test_a_telephone_that_is_called_to_record_is_led_into_the_studio(
    world: World, town: Town, calls: Mapping[str, PhoneCall], open_studio: Studio
) -> None:
    await until(lambda: open_studio.calls == 0)
    ami = ami_of(world.exchange)
    async with running(ami.run):
        await ami.up()
        await lead_to_studio(ami, "201", EXTENSION)
        await until(lambda: open_studio.calls == 1)
        with pytest.raises(NotPlayedError, match="nobody answered"):
            await lead_to_studio(ami, "301", EXTENSION)
        with pytest.raises(NotPlayedError, match="digits"):
            await lead_to_studio(ami, "201@evil", EXTENSION)
    await until(lambda: open_studio.calls == 0)


# --- twenty at once ---


async def test_twenty_people_record_at_once_and_each_gets_their_own(
    world: World, open_studio: Studio, folder: Path
) -> None:
    await until(lambda: open_studio.calls == 0)
    voices = {f"{n}": spoken(folder / f"{n}.wav", 1.5, 100 + 7 * n) for n in range(50, 70)}
    prompts = {}
    for number in voices:
        await world.staff(number)
        prompts[number] = await world.prompt(f"prompt-{number}")

    async def take(number: str) -> PhoneCall:
        choose = ("hear", f"press:{prompts[number]}#", "hear", "press:5")
        return await world.dial(
            *enter(number), *choose, *record(voices[number]), "hear", "press:1", "hear", "stay:1"
        )

    done = await asyncio.gather(*(take(number) for number in voices))
    assert [call.left for call in done] == ["staff"] * 20
    for number in voices:
        (version,) = await world.versions(prompts[number])
        assert version.active
        made = world.settings.recordings / f"{version.take.audio}.wav"
        assert [other for other, theirs in voices.items() if same(theirs, made)] == [number]
