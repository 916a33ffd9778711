"""Fax machines of the town call the clinic, on the two real exchanges; nothing that was confirmed is lost.

All that can wait for each other is called at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import pytest_asyncio
from PIL import Image

from gateway import faxing
from gateway.asterisk.ami import Ami, AmiError
from gateway.asterisk.arrivals import Arrival, Arrivals
from gateway.asterisk.instance import Instance
from gateway.asterisk.provision import provision
from gateway.documents.fax import FaxRenderer, Sender
from gateway.domain import FaxImage, FaxLetter
from gateway.exchange import configured_instance, fax_folder
from gateway.faxing import FaxDesk
from gateway.link import StoreLink
from gateway.settings import Settings, cache_folder
from gateway.town.households import number
from gateway.town.phones import BY_SOUND, OUTSIDE, PhoneCall, Phones
from gateway.town.town import Town
from store import faxes, migrate
from store.engine import Store
from store.faxes import Fax
from store.schema import direct, message
from tests.callback.test_calling_back import Answering
from tests.channels.waiting import until_true
from tests.exchange import CALLER, ami_of, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLINIC = 1
FAX_LINE, VOICE_LINE = "+12025550108", "+12025550100"
LAB, OTHER_LAB = number(0, 0, 81), number(0, 0, 82)
LETTER = FaxLetter("Front desk", "Results", "All is well.\fA second page.")


@dataclass
class World:
    settings: Settings
    store: Store
    phones: Phones
    exchange: Instance
    ami: Ami
    letter: FaxImage
    page: FaxImage

    async def call(
        self, step: str, dialled: str = FAX_LINE, caller: str = LAB, side: str = OUTSIDE
    ) -> PhoneCall:
        """Somebody in the town calls a number of the clinic's."""
        port = self.exchange.identity().sip_port
        return await self.phones.call(port, dialled, [step], side=side, caller=caller)

    async def fax(self) -> PhoneCall:
        """A machine sends a page."""
        return await self.call(f"fax:{self.page.tiff}")

    def desk(self, arrivals: Arrivals | None = None) -> FaxDesk:
        spool, kept = fax_folder(self.settings), self.settings.received_faxes
        return FaxDesk(self.settings, StoreLink(self.store), arrivals or Arrivals(self.ami), spool, kept)

    async def kept(self, count: int) -> list[Fax]:
        """Once so many faxes are kept."""
        await until_true(partial(self._has, count))
        return await self.store.read(faxes.listing, CLINIC)

    async def _has(self, count: int) -> bool:
        return len(await self.store.read(faxes.listing, CLINIC)) >= count

    async def waiting(self, count: int) -> list[Arrival]:
        """What waits at the exchange, once it is so many: it is told there after the call has ended."""

        async def there() -> bool:
            return len(await Arrivals(self.ami).waiting()) == count

        await until_true(there)
        return await Arrivals(self.ami).waiting()

    async def all_taken(self) -> bool:
        """Whether nothing waits at the exchange."""
        return not await Arrivals(self.ami).waiting()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("receiving")
    await asyncio.to_thread(provision, cache_folder(), lambda step, count: None)
    renderer = FaxRenderer(folder / "cache", Sender("Lab", LAB, LAB), date.today)
    image = await renderer.render(LETTER)
    page = await renderer.render(FaxLetter("", "", "One page."), cover=False)
    async with Town(folder / "town", seed=1, pace=0.3) as town, town.phones() as phones:
        inbox: dict[str, Any] = {"title": "Front desk", "notify": ["desk@clinic.example"]}
        inbox |= {"numbers": [FAX_LINE], "shared_numbers": [VOICE_LINE]}
        settings = Settings.model_validate(
            {
                "instance": folder / "clinic",
                "trunks": {"town": {"port": town.address.sip, "qualify_seconds": 0}},
                "relays": {"main": {"host": "127.0.0.1", "port": 1, "sender": "clinic@clinic.example"}},
                "callback": {"enabled": True},
                "fax": {"inboxes": {"desk": inbox}},
            }
        )
        exchange = configured_instance(settings)
        await exchange.start()
        try:
            async with Store(settings.store_url) as store:
                await migrate.upgrade(store)
                ami = ami_of(exchange)
                async with Answering(settings, store, exchange), running(ami.run):
                    await ami.up()
                    yield World(settings, store, phones, exchange, ami, image, page)
        finally:
            await exchange.stop()


async def test_a_fax_becomes_a_pdf_in_the_inbox_of_its_number_by_t38_sound_or_after_its_tone(
    world: World,
) -> None:
    step = f"fax:{world.letter.tiff}"
    async with running(world.desk().run):
        straight, toned, by_sound = await asyncio.gather(
            world.call(step), world.call(step, VOICE_LINE, OTHER_LAB), world.call(step, side=BY_SOUND)
        )
        found = await world.kept(3)
        await until_true(world.all_taken)
    pages = world.letter.pages
    assert [call.faxed for call in (straight, toned)] == [f"SUCCESS {pages} T38"] * 2
    assert by_sound.faxed == f"SUCCESS {pages} audio"
    assert sorted((fax.dialled, fax.caller) for fax in found) == sorted(
        [(FAX_LINE, LAB), (FAX_LINE, LAB), (VOICE_LINE, OTHER_LAB)]
    )
    for fax in found:
        assert (fax.inbox, fax.pages, fax.whole) == ("desk", world.letter.pages, True)
        _assert_same_pages(world.settings.received_faxes / fax.file, world.letter.tiff)
    assert list(fax_folder(world.settings).iterdir()) == []


def _assert_same_pages(pdf: Path, tiff: Path) -> None:
    document = pypdfium2.PdfDocument(pdf)
    with Image.open(tiff) as sent:
        assert len(document) == getattr(sent, "n_frames", 1)
        for page in range(len(document)):
            sent.seek(page)
            # The sender's header line is not on the sheet that it read in.
            there, here = (_ink(image) for image in (document[page].render().to_pil(), sent))
            assert abs(there - here) < 0.2 * here
            assert abs(document[page].get_width() - 612) < 4, "as wide as a sheet of paper"
            assert abs(document[page].get_height() - 792) < 20
    document.close()


def _ink(page: Image.Image) -> float:
    levels = page.convert("L").histogram()
    return 1 - sum(level * count for level, count in enumerate(levels)) / (255 * sum(levels))


async def test_staff_are_told_by_email_that_says_nothing_about_anybody(world: World) -> None:
    rows = await world.store.read(
        lambda conn: (
            conn.execute(
                message.join(direct, (message.c.id == direct.c.message)).select().order_by(message.c.id)
            )
            .mappings()
            .all()
        )
    )
    assert [(row["channel"], row["address"], row["kind"]) for row in rows] == [
        ("email", "desk@clinic.example", "notice")
    ] * 3
    for row in rows:
        assert row["body"].startswith("A fax came in for Front desk\n\nA fax of 3 pages came in")
        assert not any(one in row["body"] for one in (LAB, LAB[-4:], OTHER_LAB, FAX_LINE))


async def test_a_fax_that_came_while_the_gateway_was_away_is_kept_once(world: World) -> None:
    before = len(await world.kept(3))
    call = await world.fax()
    assert call.faxed == "SUCCESS 1 T38"
    (waiting,) = await world.waiting(1)
    # Kept by a life that died before the exchange was told to forget it.
    desk = world.desk()
    await desk._keep(waiting, fax_folder(world.settings) / f"{waiting.id}.tif")
    async with running(world.desk().run):
        await world.kept(before + 1)
        await until_true(world.all_taken)
    assert len(await world.kept(before + 1)) == before + 1


async def test_a_call_that_brings_no_page_is_no_fax(world: World) -> None:
    before = len(await world.kept(0))
    await world.call("stay:2")
    async with running(world.desk().run):
        await until_true(world.all_taken)
    assert len(await world.kept(0)) == before


async def test_while_the_disk_is_full_faxes_are_refused_and_taken_when_there_is_room(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gateway.faxing")
    monkeypatch.setattr(faxing, "LOOK_SECONDS", 0.2)
    free = shutil.disk_usage(world.settings.folder)
    before = len(await world.kept(0))
    async with running(world.desk().run):
        monkeypatch.setattr(shutil, "disk_usage", lambda path: free._replace(free=1 << 20))
        await _until_room(world, "no")
        assert not (await world.fax()).answered
        assert "almost full" in caplog.text
        monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
        await _until_room(world, "yes")
        assert (await world.fax()).faxed == "SUCCESS 1 T38"
        assert len(await world.kept(before + 1)) == before + 1
    assert "has room again" in caplog.text


async def _until_room(world: World, room: str) -> None:
    async def said() -> bool:
        return await world.ami.value("RW_FAX_ROOM") == room

    await until_true(said)


async def test_a_disk_that_takes_no_pdf_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(await world.kept(0))
    await world.fax()
    # Since long ago, as after a week without room: nothing that waits is swept as abandoned.
    await _make_old(world)
    folder = world.settings.received_faxes
    held = folder.rename(folder.with_name("held"))
    folder.touch()
    monkeypatch.setattr(faxing, "LOOK_SECONDS", 0.2)
    caplog.set_level(logging.ERROR, "gateway.faxing")

    async def said() -> bool:
        return "cannot be kept" in caplog.text

    async with running(world.desk().run):
        await until_true(said)
        folder.unlink()
        held.rename(folder)
        assert len(await world.kept(before + 1)) == before + 1
        await until_true(world.all_taken)


async def _make_old(world: World) -> Path:
    (waiting,) = await world.waiting(1)
    tiff = fax_folder(world.settings) / f"{waiting.id}.tif"
    os.utime(tiff, (0, 0))
    return tiff


async def test_after_an_outage_the_desk_loses_nothing_while_the_exchange_is_not_up_yet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(await world.kept(0))
    await world.fax()
    tiff = await _make_old(world)
    abandoned = tiff.with_name("7.7.tif")
    abandoned.touch()
    os.utime(abandoned, (0, 0))
    monkeypatch.setattr(faxing, "LOOK_SECONDS", 0.05)
    looks = 0

    class Away(Arrivals):
        async def waiting(self) -> list[Arrival]:
            nonlocal looks
            looks += 1
            raise AmiError("the exchange is not up yet")

    early = world.desk(Away(world.ami))

    async def looked_often() -> bool:
        return looks > 3

    async with running(early.run):
        await until_true(looked_often)
    assert tiff.exists()
    async with running(world.desk().run):
        assert len(await world.kept(before + 1)) == before + 1

        async def swept() -> bool:
            return not tiff.exists() and not abandoned.exists()

        await until_true(swept)


async def test_a_fax_that_the_disk_cut_off_is_kept_as_not_whole_and_an_unreadable_one_put_aside(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(await world.kept(0))
    await asyncio.gather(world.call(f"fax:{world.letter.tiff}"), world.call(f"fax:{world.page.tiff}"))
    waiting = {arrival.report.pages: arrival.id for arrival in await world.waiting(2)}
    spool = fax_folder(world.settings)
    cut, bad = (spool / f"{waiting[image.pages]}.tif" for image in (world.letter, world.page))
    cut.write_bytes(cut.read_bytes()[:-200])
    bad.write_bytes(b"no fax")
    caplog.set_level(logging.ERROR, "gateway.faxing")
    async with running(world.desk().run):
        newest, *_ = await world.kept(before + 1)
        await until_true(world.all_taken)
    assert (newest.pages, newest.whole) == (world.letter.pages - 1, False)
    assert len(await world.kept(0)) == before + 1
    (aside,) = world.settings.received_faxes.glob("*.tif")
    assert aside.read_bytes() == b"no fax"
    assert str(aside) in caplog.text


async def test_numbers_are_of_one_inbox_and_shared_ones_need_call_backs() -> None:
    line = {"numbers": [CALLER]}
    for wrong, words in (
        ({"a": line, "b": line}, "belongs to"),
        ({"a": {"shared_numbers": [CALLER]}}, "shared_numbers need"),
        ({"a": {"notify": ["a@b.example"]}}, "notify needs a mail relay"),
        ({"a": {"numbers": ["2025550100"]}}, "is not a telephone number"),
        ({"a": {"notify": ["a b@c"]}}, "is not an email address"),
    ):
        with pytest.raises(ValueError, match=words):
            Settings.model_validate({"fax": {"inboxes": wrong}})
