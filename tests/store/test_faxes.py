"""Faxes that came in: kept once with their notices, listed, read once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.domain import Channel, Direct, DirectKind, Mail
from gateway.known import known_of
from gateway.policy import ALLOW, Rules, decide
from gateway.settings import Settings
from gateway.wording import compose
from store import conversations, faxes, people
from store.faxes import Fax
from tests.store.world import CLINIC, NOON, World

FAX = Fax("1732.1", "desk", "+12025550108", "+12125552081", "LAB", 3, True, "a.pdf", NOON)
NOTICE = Direct(DirectKind.NOTICE, "A fax came in\n\nLook.", None, NOON + timedelta(days=1))
STAFF = ("one@clinic.example", "two@clinic.example")


async def _keep(world: World, fax: Fax = FAX) -> bool:
    return await world.store.run(faxes.keep, CLINIC, fax, STAFF, NOTICE, world.clock())


async def test_a_fax_is_kept_once_and_everybody_is_told_once(world: World) -> None:
    assert await _keep(world)
    assert not await _keep(world, replace(FAX, file="b.pdf"))
    (kept,) = await world.store.read(faxes.listing, CLINIC)
    assert kept == replace(FAX, id=kept.id)
    claimed = await world.claim(channel=Channel.EMAIL)
    assert sorted(item.address for item in claimed) == sorted(STAFF)


async def test_faxes_are_listed_by_inbox_and_until_somebody_reads_them(world: World) -> None:
    for call, inbox in (("1.1", "desk"), ("1.2", "lab"), ("1.3", "desk")):
        await _keep(world, replace(FAX, call=call, inbox=inbox))
    assert await world.store.read(faxes.unread, CLINIC) == {"desk": 2, "lab": 1}
    newest, older = await world.store.read(faxes.listing, CLINIC, inbox="desk")
    assert (newest.call, older.call) == ("1.3", "1.1")
    assert await world.store.run(faxes.read, CLINIC, newest.id, "ana", NOON)
    assert not await world.store.run(faxes.read, CLINIC, newest.id, "ben", NOON)
    found = await world.store.read(faxes.find, CLINIC, newest.id)
    assert found is not None
    assert (found.read_by, found.read_at) == ("ana", NOON)
    waiting = await world.store.read(faxes.listing, CLINIC, inbox="desk", unread=True)
    assert [fax.call for fax in waiting] == ["1.1"]
    assert [fax.call for fax in await world.store.read(faxes.listing, CLINIC, before=newest.id)] == [
        "1.2",
        "1.1",
    ]
    assert await world.store.read(faxes.find, CLINIC, 99) is None


async def test_what_the_other_side_says_of_itself_can_be_stored(world: World) -> None:
    assert await _keep(world, replace(FAX, station="a\0b", caller="\ud800"))


async def test_a_notice_is_an_email_that_nobodys_wishes_hold_back(world: World) -> None:
    args = (CLINIC, Channel.EMAIL, STAFF[0], 0, NOTICE, "", world.clock())
    await world.store.run(conversations.queue_direct, *args)
    await world.store.run(people.withdraw, CLINIC, STAFF[0], "text", NOON)
    claimed = await world.claim(channel=Channel.EMAIL)
    (facts,), _ = await known_of(world.store, CLINIC, claimed)
    settings = Settings()
    assert decide(facts, Channel.EMAIL, STAFF[0], world.clock(), Rules.of(settings)) == ALLOW
    mail = compose(facts, Channel.EMAIL, settings.clinic)
    assert isinstance(mail, Mail)
    assert (mail.subject, mail.text.partition("\n")[0]) == ("A fax came in", "Look.")
