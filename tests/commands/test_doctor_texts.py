"""What the doctor says about text providers and campaigns."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.channels import sms_pdu
from gateway.doctor import Finding, examine
from gateway.settings import Settings
from store import migrate, quotas
from store.engine import Store
from tests.channels.smsc_peer import SmscPeer
from tests.channels.test_sms_line import BOUND, raw_smsc


async def _look(folder: Path, **bind: object) -> dict[str, Finding]:
    campaign = {"brand": "clinic", "per_day": 100}
    settings = Settings(instance=folder, binds={"main": bind}, campaigns={"reminders": campaign})
    return {one.part: one for one in await examine(settings, 10)}


async def test_a_bind_is_tried_and_nothing_is_sent(tmp_path: Path) -> None:
    peer = SmscPeer()
    await peer.start()
    found = (await _look(tmp_path, port=peer.port, mode="pair"))["bind main"]
    assert found.well
    assert "a transmitter and a receiver, without encryption" in found.found
    await peer.stop()
    assert len(peer.binds) == 2
    assert peer.got == []
    away = (await _look(tmp_path, port=peer.port))["bind main"]
    assert not away.well
    assert "[binds.main]" in away.advice


async def test_a_refused_bind_is_told_in_words_with_what_to_do(tmp_path: Path) -> None:
    for status, well, words in ((0x0E, False, "password"), (0x05, True, "")):
        async with raw_smsc(sms_pdu.response(BOUND, status, 1)) as (port, _):
            found = (await _look(tmp_path, port=port))["bind main"]
        assert found.well is well
        assert words in found.advice


async def test_what_the_day_leaves_is_told(tmp_path: Path) -> None:
    async with Store(Settings(instance=tmp_path).store_url) as store:
        await migrate.upgrade(store)
        zone = ZoneInfo(Settings().clinic.zone)
        today = store.clock().astimezone(zone).date()
        await store.run(quotas.reserve, 1, "clinic", today, 100, 40)
        some = (await _look(tmp_path))["campaign reminders"]
        await store.run(quotas.reserve, 1, "clinic", today, 100, 60)
        spent = (await _look(tmp_path))["campaign reminders"]
    assert (some.well, spent.well) == (True, False)
    assert "40 of the day's 100" in some.found
    assert "midnight" in spent.advice
