"""Somebody opts out while an import writes: whichever comes first, they are left alone afterwards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from gateway.domain import Channel, RecipientKind, Reply, ReplyKind
from store import people, receipts, register
from store.engine import Store
from store.people import Person
from tests.store.world import CLINIC, NOON, World

PHONE = "+12025550107"
IN_BETWEEN = 0.5


def _row(consent: bool) -> Person:
    return Person(
        RecipientKind.CLIENT, "p1", "Rosa", "Costa", "en", details={Channel.SMS: PHONE}, consent=consent
    )


def _opt_out(conn: Connection) -> None:
    asked = Reply(Channel.SMS, ReplyKind.OPT_OUT, PHONE, NOON, "STOP")
    receipts.add_reply(conn, CLINIC, asked, PHONE, None, None)
    people.withdraw(conn, CLINIC, PHONE, "text", NOON)


def _elsewhere(url: str, work: Callable[[Connection], object]) -> threading.Thread:
    async def main() -> None:
        async with Store(url) as store:
            await store.run(work)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    return thread


@pytest.mark.parametrize("known", [True, False])
async def test_an_opt_out_during_an_import_is_not_undone_by_it(world: World, url: str, known: bool) -> None:
    if known:
        await world.store.run(register.save_people, CLINIC, [_row(False)], NOON)
    other: list[threading.Thread] = []

    def importing(conn: Connection) -> None:
        register.save_people(conn, CLINIC, [_row(True)], NOON)
        other.append(_elsewhere(url, _opt_out))
        # It either ends before the import is committed, or waits for that.
        other[0].join(IN_BETWEEN)

    await world.store.run(importing)
    await asyncio.to_thread(other[0].join)
    (person,) = await world.store.read(people.holders, CLINIC, PHONE)
    assert (await world.ledger(person))[-1] == (False, "text")


async def test_an_import_waits_for_an_opt_out_that_is_being_written(world: World, url: str) -> None:
    imported: list[threading.Thread] = []

    def opting_out(conn: Connection) -> None:
        _opt_out(conn)
        imported.append(
            _elsewhere(url, lambda other: register.save_people(other, CLINIC, [_row(True)], NOON))
        )
        imported[0].join(IN_BETWEEN)

    await world.person("neighbour")
    await world.store.run(opting_out)
    await asyncio.to_thread(imported[0].join)
    (person,) = await world.store.read(people.holders, CLINIC, PHONE)
    assert (await world.ledger(person))[-1] == (False, "address-opted-out")
