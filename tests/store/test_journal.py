"""What people said survives that a backup of the database is restored."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, text, update

from gateway.domain import Channel, Source
from gateway.journal import Journal, JournalError, Scribe
from gateway.link import StoreLink
from gateway.policy import ALLOW, Refuse
from store import documents, journal, ledger, merging, people, stops
from store.journal import RESTORED
from store.ledger import Entry
from store.schema import consent, contact, counter, merged, recipient
from tests.channels.waiting import until
from tests.store.test_ledger import verdict
from tests.store.world import CLINIC, NOON, World

SMS = Channel.SMS
PHONE, OTHER, LATE = "+12025550107", "+12025550108", "+12025550109"


def scribe(world: World, folder: Path) -> Scribe:
    return Scribe(StoreLink(world.store), CLINIC, folder)


def restore(conn: Connection, after: int, *people_since: int) -> None:
    """The database as a backup has it that knows of nothing after this entry."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("DROP TRIGGER consent_keeps_all ON consent"))
    else:
        conn.execute(text("DROP TRIGGER consent_keeps_delete"))
    conn.execute(delete(consent).where(consent.c.id > after))
    conn.execute(update(counter).where(counter.c.name == "consent").values(next=after + 1))
    for table, column in ((recipient, recipient.c.id), (contact, contact.c.recipient)):
        conn.execute(delete(table).where(column.in_(people_since)))


async def _a_day(world: World, folder: Path) -> int:
    """Somebody withdraws, a number is put on the list, a new client withdraws; then a backup is restored."""
    rosa = await world.person("rosa", details={SMS: PHONE})
    await world.person("sam", details={SMS: OTHER})
    assert await scribe(world, folder).catch_up() == 0
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    await world.store.run(ledger.do_not_call, CLINIC, [OTHER], True, "Tara", NOON.replace(year=2020), NOON)
    late = await world.person("late", details={SMS: LATE})
    await world.store.run(people.withdraw, CLINIC, LATE, "keypress", NOON)
    assert await scribe(world, folder).catch_up() == 0
    await world.store.run(restore, 2, late)
    assert await verdict(world, rosa) == ALLOW
    return rosa


async def test_withdrawals_since_the_backup_are_taken_back_and_everything_waits(
    world: World, tmp_path: Path
) -> None:
    rosa = await _a_day(world, tmp_path)
    # Somebody imports before the gateway starts: its entries have the numbers of those that were lost.
    sam = await world.person("sam", details={SMS: OTHER}, contact_consent=True)
    waiting = await world.message(recipient=sam, address=OTHER)
    world.clock.move(days=1)
    assert await scribe(world, tmp_path).catch_up() == 4
    assert await verdict(world, rosa) == Refuse("consent-withdrawn")
    assert await verdict(world, sam) == Refuse("do-not-call")
    (stop,) = await world.store.read(stops.current, CLINIC)
    assert (stop.reason, stop.channel) == (RESTORED, None)
    await world.claim()
    assert await world.start([waiting]) == {}
    # What was taken back is as it was said, and once.
    (row,) = [row for row in await world.rows(consent, recipient=rosa) if not row["given"]]
    assert (row["at"], row["source"]) == (NOON, "text")
    before = len(await world.rows(consent))
    for _ in range(2):
        assert await scribe(world, tmp_path).catch_up() == 0
    assert len(await world.rows(consent)) == before
    assert len(await world.store.read(stops.current, CLINIC)) == 1


async def test_a_client_who_came_after_the_backup_is_bound_when_they_are_imported_again(
    world: World, tmp_path: Path
) -> None:
    await _a_day(world, tmp_path)
    await scribe(world, tmp_path).catch_up()
    late = await world.person("late", details={SMS: LATE})
    assert await verdict(world, late) == Refuse("consent-withdrawn")
    assert len(await world.rows(recipient, external_id="late")) == 1


async def test_a_restore_under_a_running_gateway_is_noticed(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.LOOK_SECONDS", 0.02)
    file = tmp_path / f"consent-{CLINIC}.journal"
    rosa = await world.person("rosa", details={SMS: PHONE})
    running = asyncio.create_task(scribe(world, tmp_path).run())
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    await until(lambda: file.exists() and b'"given":false' in file.read_bytes(), 20)
    await world.store.run(restore, 1)
    async with asyncio.timeout(60):
        while not await world.store.read(stops.current, CLINIC):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await verdict(world, rosa) == Refuse("consent-withdrawn")
    running.cancel()


async def test_clients_who_became_one_are_one_again(world: World, tmp_path: Path) -> None:
    keep = await world.person("keep", details={SMS: PHONE})
    gone = await world.person("gone", details={SMS: OTHER})
    await world.store.run(people.withdraw, CLINIC, OTHER, "text", NOON)
    await scribe(world, tmp_path).catch_up()
    await world.store.run(merging.merge, CLINIC, "keep", "gone", "Tara", NOON)
    await world.store.run(ledger.add, CLINIC, [Entry(keep, True, Source.FORM, SMS, by="Tara")], NOON)
    await scribe(world, tmp_path).catch_up()

    def back(conn: Connection) -> None:
        restore(conn, 3)
        conn.execute(delete(merged))
        values = {"kind": "client", "external_id": "gone", "given_name": "Rosie", "family_name": "Costa"}
        values |= {"clinic": CLINIC, "id": gone, "language": "en", "use_details": True}
        conn.execute(recipient.insert().values(values))

    await world.store.run(back)
    assert await verdict(world, keep) == ALLOW
    await scribe(world, tmp_path).catch_up()
    assert await world.store.read(merging.find, CLINIC, "gone") == keep
    # What was said after the merge is the last word here, too.
    assert await verdict(world, keep) == ALLOW
    entries = (await world.store.read(ledger.of_people, CLINIC, [keep]))[keep]
    assert [entry.given for entry in entries][-1] is True
    assert any(not entry.given for entry in entries)


async def test_signed_documents_are_known_again(world: World, tmp_path: Path) -> None:
    rosa = await world.person("rosa", consent=None, details={SMS: PHONE})
    await world.person("sam", details={SMS: OTHER})
    paper = ("a" * 64, "form.pdf", "application/pdf", 1234)
    number = await world.store.run(documents.add, CLINIC, rosa, *paper, "Tara", NOON)
    form = Entry(rosa, True, Source.FORM, by="Tara", document=number)
    await world.store.run(ledger.add, CLINIC, [form], NOON)
    await scribe(world, tmp_path).catch_up()
    await world.store.run(restore, 1)
    await scribe(world, tmp_path).catch_up()
    (entry,) = (await world.store.read(ledger.of_people, CLINIC, [rosa]))[rosa]
    found = await world.store.read(documents.find, CLINIC, [entry.document or 0])
    assert [(one.sha256, one.name, one.bytes) for one in found.values()] == [("a" * 64, "form.pdf", 1234)]


async def test_the_journal_is_told_in_the_order_of_the_ledger_and_in_pages(world: World) -> None:
    for number in range(5):
        await world.person(f"p{number}", details={SMS: f"+1202555020{number}"})
    await world.store.run(merging.merge, CLINIC, "p0", "p1", "Tara", NOON)
    await world.person("p9")
    whole = await world.store.read(journal.since, CLINIC, 0, 100)
    assert [record.number for record in whole] == sorted(record.number for record in whole)
    assert [record.external_id for record in whole if record.keep] == ["p1"]
    paged, after = [], 0
    while page := await world.store.read(journal.since, CLINIC, after, 2):
        paged += page
        after = page[-1].number
    assert paged == whole
    keys = [record.key for record in whole]
    assert await world.store.read(journal.known, CLINIC, [*keys, "unknown"]) == {
        record.key: record.number for record in whole
    }
    assert await world.store.run(journal.take_back, CLINIC, whole, NOON) == 0


async def test_half_a_line_that_a_crash_left_is_cut_off(world: World, tmp_path: Path) -> None:
    await world.person("rosa", details={SMS: PHONE})
    await world.person("sam", details={SMS: OTHER})
    await scribe(world, tmp_path).catch_up()
    file = tmp_path / f"consent-{CLINIC}.journal"
    assert file.stat().st_mode & 0o777 == 0o600
    whole = file.read_bytes()
    for cut in (1, 40):
        file.write_bytes(whole[:-cut])
        kept = Journal(file).last()
        assert kept is not None
        assert kept.external_id == "rosa"
        assert file.read_bytes() == whole[: whole.index(b"\n") + 1]
        await scribe(world, tmp_path).catch_up()
        assert file.read_bytes() == whole
    file.write_bytes(whole[: whole.index(b"\n") - 3])
    assert Journal(file).last() is None
    await scribe(world, tmp_path).catch_up()
    assert file.read_bytes() == whole
    file.write_bytes(b"{}\n")
    with pytest.raises(JournalError, match="damaged"):
        await scribe(world, tmp_path).catch_up()


async def test_a_full_disk_leaves_no_half_line_and_no_entry_out(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rosa = await world.person("rosa", details={SMS: PHONE})
    writing = scribe(world, tmp_path)
    await writing.catch_up()
    file = tmp_path / f"consent-{CLINIC}.journal"
    before = file.read_bytes()
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("gateway.journal.os.fsync", full)
        await writing._look()
        await writing._look()
    assert file.read_bytes() == before
    assert [record.message for record in caplog.records] == [
        "the journal of consent cannot be written: No space left on device"
    ]
    await writing.catch_up()
    await world.store.run(restore, 1)
    assert await scribe(world, tmp_path).catch_up() == 1
    assert await verdict(world, rosa) == Refuse("consent-withdrawn")


async def test_a_disk_that_is_full_after_a_restore_loses_no_withdrawal(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rosa = await _a_day(world, tmp_path)
    late = scribe(world, tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("gateway.journal.Journal.become", full)
        assert await late.catch_up() == 4
    assert await verdict(world, rosa) == Refuse("consent-withdrawn")
    assert await scribe(world, tmp_path).catch_up() == 0
    assert len(await world.store.read(stops.current, CLINIC)) == 1
