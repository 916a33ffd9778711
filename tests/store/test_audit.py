"""The audit log: a line for each deed, and a chain that shows what was changed or removed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete, update

from store import audit
from store.accounts_tables import audit as table
from store.audit import BEGINNING, Broken, Deed, Wanted
from tests.store.world import CLINIC, World

# Another clinic of the same database.
ELSEWHERE = 2


async def _lines(world: World, count: int = 5) -> None:
    for number in range(1, count + 1):
        deed = Deed(number % 2, "Ada", "client-viewed", f"client:{number}", {"é": number})
        await world.store.run(audit.append, CLINIC, deed, world.clock.move(minutes=1))


async def test_each_line_carries_the_hash_of_the_one_before(world: World) -> None:
    await _lines(world)
    newest, *_, first = await world.store.read(audit.lines, CLINIC, Wanted(), 10)
    assert (newest.id, newest.about, newest.detail) == (5, "client:5", '{"é": 5}')
    assert first.previous == BEGINNING
    assert await world.store.read(audit.verify, CLINIC) == (5, None)


async def test_an_empty_log_is_whole_and_each_clinic_has_its_own(world: World) -> None:
    await _lines(world)
    assert await world.store.read(audit.verify, ELSEWHERE) == (0, None)
    assert await world.store.read(audit.lines, ELSEWHERE, Wanted(), 10) == []


async def test_lines_are_found_by_who_what_about_what_and_when(world: World) -> None:
    await _lines(world)
    await world.store.run(audit.append, CLINIC, Deed(7, "Bob", "signed-in"), world.clock.move(hours=1))
    now = world.clock()

    async def found(wanted: Wanted) -> list[int]:
        return [line.id for line in await world.store.read(audit.lines, CLINIC, wanted, 10)]

    assert await found(Wanted(account=7)) == [6]
    assert await found(Wanted(action="client-viewed", account=1)) == [5, 3, 1]
    assert await found(Wanted(about="client:2")) == [2]
    assert await found(Wanted(since=now)) == [6]
    assert await found(Wanted(until=now - timedelta(hours=1))) == [4, 3, 2, 1]
    page = await world.store.read(audit.lines, CLINIC, Wanted(), 2, 4)
    assert [line.id for line in page] == [3, 2]
    assert await world.store.read(audit.actions, CLINIC) == ["client-viewed", "signed-in"]


def _change(conn: Connection, **values: object) -> None:
    conn.execute(update(table).where(table.c.id == 3).values(**values))


def _remove(conn: Connection) -> None:
    conn.execute(delete(table).where(table.c.id == 3))


def _forge(conn: Connection) -> None:
    """A line rewritten with a hash of its own that fits it."""
    line = audit.lines(conn, CLINIC, Wanted(about="client:3"), 1)[0]
    changed = audit.Entry(
        line.id, line.at, line.account, "Eve", line.action, line.about, line.detail, line.previous, ""
    )
    _change(conn, actor="Eve", hash=changed.expected())


@pytest.mark.parametrize(
    ("tamper", "broken"),
    [
        (lambda conn: _change(conn, actor="Eve"), Broken(3, "changed")),
        (lambda conn: _change(conn, detail="{}"), Broken(3, "changed")),
        (lambda conn: _change(conn, account=9), Broken(3, "changed")),
        (lambda conn: _change(conn, about="client:4"), Broken(3, "changed")),
        (_remove, Broken(3, "missing")),
        (_forge, Broken(4, "out of order")),
    ],
    ids=["who", "detail", "number", "about", "removed", "forged"],
)
async def test_whatever_was_tampered_with_is_found(world: World, tamper: object, broken: Broken) -> None:
    await _lines(world)
    await world.store.run(tamper)  # type: ignore[arg-type]
    count, found = await world.store.read(audit.verify, CLINIC)
    assert (count, found) == (broken.id - 1, broken)


async def test_a_long_log_is_verified_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_PAGE", 2)
    await _lines(world)
    assert await world.store.read(audit.verify, CLINIC) == (5, None)
    await world.store.run(_remove)
    assert (await world.store.read(audit.verify, CLINIC))[1] == Broken(3, "missing")


async def test_what_fails_leaves_no_line_and_no_gap(world: World) -> None:
    def failing(conn: Connection) -> None:
        audit.append(conn, CLINIC, Deed(1, "Ada", "client-changed"), world.clock())
        raise ValueError("the change itself failed")

    await _lines(world, 1)
    with pytest.raises(ValueError, match="itself"):
        await world.store.run(failing)
    await _lines(world, 1)
    assert await world.store.read(audit.verify, CLINIC) == (2, None)
