"""A clinic restores a backup: whoever withdrew since then gets nothing, and nothing leaves unasked."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.test_mail_returns import Clinic, clients
from tests.channels.relay_peer import RelayPeer
from tests.channels.waiting import until


@pytest.fixture
async def relay() -> AsyncIterator[RelayPeer]:
    """A relay that takes everything."""
    peer = RelayPeer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.mark.timeout(180)
async def test_what_people_said_since_the_backup_binds_after_it(tmp_path: Path, relay: RelayPeer) -> None:
    clinic = Clinic(tmp_path, relay.port)
    store, journal = (tmp_path / "instance" / name for name in ("ringwell.sqlite3", "consent-1.journal"))
    await clinic.imports("clients", clients("Ann", "Bob"))
    backup = tmp_path / "backup.sqlite3"
    shutil.copy(store, backup)
    async with clinic.open():
        await until(lambda: journal.exists() and journal.read_bytes().count(b"\n") == 2, 60)
        await clinic.says("consent", "withdraw", "Ann", "--by", "Tara")
        await until(lambda: journal.read_bytes().count(b"\n") == 3, 60)
    for name in ("", "-wal", "-shm"):
        store.with_name(store.name + name).unlink(missing_ok=True)
    shutil.copy(backup, store)
    before = journal.stat().st_ino
    await clinic.says("broadcast", "create", "Notice", "--type", "client-notice", "--channel", "email")
    async with clinic.open():
        # Written anew once everything is taken back.
        await until(lambda: journal.stat().st_ino != before, 60)
        assert relay.contents == []
        assert "Going on." in await clinic.says("resume")
        await until(lambda: relay.contents, 60)
        history = await clinic.history()
    assert history["ann@home.example"]["reason"] == "consent-withdrawn"
    assert [mail["To"].addresses[0].addr_spec for mail in relay.mails()] == ["bob@home.example"]
