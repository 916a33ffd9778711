"""What the doctor says about fax lines and the inboxes of faxes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.asterisk.provision import provision
from gateway.doctor import Finding, examine
from gateway.doctor.faxes import Sight, judge
from gateway.exchange import configured_instance
from gateway.settings import Settings, cache_folder

LINE: dict[str, Any] = {"host": "127.0.0.1", "port": 9, "qualify_seconds": 0}
DESK: dict[str, Any] = {"numbers": ["+12025550108"], "notify": ["desk@clinic.example"]}
RELAY: dict[str, Any] = {"host": "127.0.0.1", "port": 9, "sender": "clinic@clinic.example"}


async def look(folder: Path, **sections: object) -> dict[str, Finding]:
    settings = Settings.model_validate({"instance": folder, "relays": {"main": RELAY}} | sections)
    return {one.part: one for one in await examine(settings, 10) if one.part.startswith("fax")}


async def test_the_ways_of_a_fax_are_told(tmp_path: Path) -> None:
    assert await look(tmp_path) == {}
    found = await look(tmp_path, trunks={"a": LINE | {"max_faxes": 2}, "b": LINE | {"t38": False}})
    words = "3 at once, by T.38 over a; the exchange was not asked: it does not run"
    assert found["fax"] == Finding("fax", True, words)
    found = await look(tmp_path, trunks={"b": LINE | {"t38": False}})
    assert "as sound alone" in found["fax"].found


def take_out(folder: Path, module: str) -> None:
    (modules,) = folder.rglob("modules.conf")
    lines = modules.read_text().splitlines()
    modules.write_text("\n".join(line for line in lines if line != f"load = {module}.so"))


@asynccontextmanager
async def exchange(folder: Path, without: str = "", **trunk: object) -> AsyncIterator[None]:
    """The clinic's exchange with one trunk, perhaps without a module."""
    await asyncio.to_thread(provision, cache_folder(), lambda step, count: None)
    settings = Settings.model_validate({"instance": folder, "trunks": {"a": LINE | trunk}})
    instance = configured_instance(settings)
    await asyncio.to_thread(take_out, folder, without)
    await instance.start()
    try:
        yield
    finally:
        await instance.stop()


async def test_an_exchange_that_is_ready_for_faxes_is_told_and_one_without_t38_is_not_well(
    tmp_path: Path,
) -> None:
    async with exchange(tmp_path, t38=False):
        ready = await look(tmp_path, trunks={"a": LINE | {"t38": False}})
        changed = await look(tmp_path, trunks={"a": LINE})
    assert ready["fax"].well
    assert ready["fax"].found.endswith("; the exchange is ready for it")
    assert not changed["fax"].well
    assert changed["fax"].found == "the exchange offers no T.38 on trunk a, as is set here"
    assert "ringwell asterisk start" in changed["fax"].advice


async def test_an_exchange_without_its_fax_software_is_told(tmp_path: Path) -> None:
    async with exchange(tmp_path, without="res_fax_spandsp"):
        found = await look(tmp_path, trunks={"a": LINE})
    assert found["fax"].found == "the exchange runs without its fax software (res_fax_spandsp.so)"
    assert not found["fax"].well


async def test_an_exchange_that_is_theirs_gets_other_advice(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"instance": tmp_path, "trunks": {"a": LINE}, "asterisk": {"host": "pbx.example"}}
    )
    assert "in its modules.conf" in judge(settings, Sight(not_loaded=["res_fax"])).advice
    assert "t38_udptl = yes" in judge(settings, Sight(without_t38=["a"])).advice
    assert judge(settings, Sight()).found == "1 at once, by T.38 over a; the exchange is ready for it"


async def test_an_inbox_without_a_number_or_without_room_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await look(tmp_path, fax={"inboxes": {"desk": DESK, "none": {}}})
    assert found["fax inbox desk"].found == "takes faxes on 1 number, 1 told by email"
    assert found["fax inbox none"].advice == "set numbers in [fax.inboxes.none]"
    free = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free._replace(free=5 << 20))
    found = await look(tmp_path, fax={"inboxes": {"desk": DESK}})
    assert not found["fax inbox desk"].well
    assert "5 MB are free" in found["fax inbox desk"].found
