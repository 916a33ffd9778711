"""What the doctor finds, and what it says to do about it."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.asterisk.instance import free_port
from gateway.asterisk.provision import provision
from gateway.commands.doctor import _table
from gateway.doctor import Finding, examine
from gateway.exchange import configured_instance
from gateway.settings import Settings, cache_folder
from store import migrate
from store.engine import Store


async def found(settings: Settings, seconds: float = 10) -> dict[str, Finding]:
    return {finding.part: finding for finding in await examine(settings, seconds)}


async def test_a_new_installation_is_told_what_to_do(tmp_path: Path) -> None:
    looked = await found(Settings(instance=tmp_path / "new"))
    ill = {part: finding.advice for part, finding in looked.items() if not finding.well}
    assert ill["store"] == "run 'ringwell migrate'"
    assert ill["ami"] == "run 'ringwell asterisk start'"
    assert ill["lines"] == "set them up: see docs/examples"
    assert all(ill.values())


async def test_a_store_that_is_there_is_well(tmp_path: Path) -> None:
    settings = Settings(instance=tmp_path)
    async with Store(settings.store_url) as store:
        await migrate.upgrade(store)
    assert (await found(settings))["store"].well


async def test_a_database_that_is_away_is_said_in_time(tmp_path: Path) -> None:
    url = f"postgresql://u:hush@127.0.0.1:{free_port()}/x"
    looked = await found(Settings(instance=tmp_path, store={"url": url}))
    assert not looked["store"].well
    assert "the database is away" in looked["store"].found
    assert "hush" not in str(looked)


async def test_a_look_that_hangs_ends_with_its_time_limit(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u:p@127.0.0.1:{silent.getsockname()[1]}/x"
        looked = await found(Settings(instance=tmp_path, store={"url": url}), seconds=1)
    assert looked["store"].found == "no answer within 1 s"


async def test_an_exchange_that_answers_is_well_and_one_that_refuses_us_says_so(tmp_path: Path) -> None:
    await asyncio.to_thread(provision, cache_folder(), lambda step, count: None)
    exchange = configured_instance(Settings(instance=tmp_path))
    await exchange.start()
    try:
        assert (await found(Settings(instance=tmp_path)))["ami"].well
        refused = (await found(Settings(instance=tmp_path, asterisk={"username": "stranger"})))["ami"]
    finally:
        await exchange.stop()
    assert not refused.well
    assert refused.found == "Authentication failed"
    assert refused.advice


def test_brackets_in_what_was_found_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    from gateway.commands.shared import out

    out.print(_table([Finding("disk", False, "[/x]", "make room")]))
    assert "[/x]" in capsys.readouterr().out
