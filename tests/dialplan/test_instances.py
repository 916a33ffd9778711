"""Exchanges with folders, ports and secrets of their own, which outlive whoever started them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from gateway.asterisk import processes
from gateway.asterisk.instance import Instance, free_port
from gateway.asterisk.provision import provision
from gateway.asterisk.runtime import AsteriskError, Runtime
from gateway.exchange import configured_instance
from gateway.settings import Settings, SettingsError, cache_folder
from tests.exchange import until


@pytest_asyncio.fixture
async def instance(tmp_path: Path) -> AsyncIterator[Instance]:
    await asyncio.to_thread(provision, cache_folder(), lambda step, count: None)
    made = configured_instance(Settings(instance=tmp_path))
    yield made
    await made.stop()


async def test_a_name_that_leads_to_the_clinics_own_exchange_is_refused_at_the_start(tmp_path: Path) -> None:
    await asyncio.to_thread(provision, cache_folder(), lambda step, count: None)
    lines = {"trunks": {"main": {"host": socket.gethostname()}}}
    address = socket.getaddrinfo(socket.gethostname(), None)[0][4][0]
    settings = Settings.model_validate({"instance": tmp_path, "staff_line": {"host": address}} | lines)
    with pytest.raises(SettingsError, match=r"setting staff_line\.host and trunks\.main"):
        configured_instance(settings)


async def test_an_exchange_starts_once_and_stops_once(instance: Instance) -> None:
    assert instance.pid() is None
    assert await instance.start() is True
    first = instance.pid()
    assert await instance.start() is False
    assert instance.pid() == first
    assert await instance.stop() is True
    assert instance.pid() is None
    assert await instance.stop() is False


async def test_it_keeps_ports_and_secret_over_restarts(instance: Instance, tmp_path: Path) -> None:
    await instance.start()
    again = configured_instance(Settings(instance=tmp_path))
    assert again.identity() == instance.identity()
    assert again.pid() == instance.pid()
    await again.stop()
    assert Instance(instance.folder).identity() == instance.identity()


async def test_a_process_has_ended_only_with_its_last_thread() -> None:
    leaves_a_thread = (
        "import ctypes, sys, threading\n"
        "threading.Thread(target=sys.stdin.read).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", leaves_a_thread), stdin=asyncio.subprocess.PIPE
    )
    told = Path(f"/proc/{process.pid}/stat")
    await until(lambda: told.read_text().rpartition(")")[2].split()[0] == "Z", 20)
    assert not await processes.gone([process.pid], 0.2)
    assert process.stdin is not None
    process.stdin.close()
    assert await processes.gone([process.pid], 10)
    await process.wait()


async def test_ports_that_somebody_took_are_chosen_anew(instance: Instance) -> None:
    before = instance.identity()
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", before.ami_port)
    async with server:
        assert Instance(instance.folder).identity().ami_port != before.ami_port


async def test_ports_of_the_settings_replace_those_of_an_earlier_life(tmp_path: Path) -> None:
    before = Instance(tmp_path).identity()
    assert Instance(tmp_path).identity(sip_port=before.sip_port) == before
    wanted = free_port()
    assert Instance(tmp_path).identity(ami_port=wanted).ami_port == wanted


async def test_a_wanted_port_that_is_taken_is_named(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(AsteriskError, match=rf"asterisk.ami_port: port {port} is taken"):
            Instance(tmp_path).identity(ami_port=port)


async def test_an_identity_that_a_power_cut_tore_is_chosen_anew(tmp_path: Path) -> None:
    Instance(tmp_path).identity()
    for torn in ("", "{", "[]", "{}"):
        (tmp_path / "identity.json").write_text(torn)
        assert Instance(tmp_path).pid() is None
        assert Instance(tmp_path).identity().secret


def silent_asterisk(root: Path) -> Runtime:
    """A program in Asterisk's place that says nothing and does not end."""
    program = root / "lib64" / "ld-linux-x86-64.so.2"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho $$ >>{root}/started\nexec sleep 600\n")
    program.chmod(0o755)
    return Runtime(root)


@pytest.mark.parametrize("doing", ["start", "ask"])
async def test_no_process_is_left_behind_by_who_gives_up(tmp_path: Path, doing: str) -> None:
    instance = Instance(tmp_path / "instance", silent_asterisk(tmp_path / "root"))
    instance.configure({})
    task = asyncio.create_task(instance.start() if doing == "start" else instance.ask("core show uptime"))
    started = tmp_path / "root" / "started"
    await until(lambda: started.exists() and started.read_text().endswith("\n"))
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


async def test_a_start_that_is_given_up_leaves_no_exchange_behind(instance: Instance) -> None:
    task = asyncio.create_task(instance.start())
    await until(lambda: instance.pid() is not None)
    task.cancel()
    await asyncio.wait({task})
    assert instance.pid() is None


async def test_two_exchanges_live_side_by_side(instance: Instance, tmp_path: Path) -> None:
    other = configured_instance(Settings(instance=tmp_path / "other"))
    try:
        await asyncio.gather(instance.start(), other.start())
        one, two = instance.identity(), other.identity()
        assert instance.pid() != other.pid()
        assert {one.ami_port, one.sip_port}.isdisjoint({two.ami_port, two.sip_port})
        assert one.secret != two.secret
    finally:
        await other.stop()


def test_secrets_are_for_us_alone(instance: Instance) -> None:
    assert stat.S_IMODE(instance.folder.stat().st_mode) == 0o700
    for file in (*(instance.folder / "etc").iterdir(), instance.folder / "identity.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


_STARTER = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.exchange import open_exchange
from gateway.settings import Settings
async def main():
    await open_exchange(Settings(instance=Path(sys.argv[1])))
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_it_outlives_a_gateway_that_was_killed_and_is_found_again(
    instance: Instance, tmp_path: Path
) -> None:
    starter = await asyncio.create_subprocess_exec(sys.executable, "-c", _STARTER, str(tmp_path))
    assert await starter.wait() == -signal.SIGKILL
    pid = instance.pid()
    assert pid is not None
    assert await instance.start() is False
    assert instance.pid() == pid


async def test_two_starters_start_one_exchange(instance: Instance, tmp_path: Path) -> None:
    again = configured_instance(Settings(instance=tmp_path))
    assert sorted(await asyncio.gather(instance.start(), again.start())) == [False, True]
    assert processes_of(instance) == [instance.pid()]
    await again.stop()
    assert processes_of(instance) == []


async def test_one_whose_starter_was_killed_before_it_wrote_its_number_down_is_found(
    instance: Instance,
) -> None:
    await instance.start()
    pid = instance.pid()
    (Path(instance.identity().run_folder) / "asterisk.pid").rename(instance.folder / "later.pid")
    assert instance.pid() is None
    starting = asyncio.create_task(instance.start())
    await asyncio.sleep(0)
    (instance.folder / "later.pid").rename(Path(instance.identity().run_folder) / "asterisk.pid")
    assert await starting is False
    assert processes_of(instance) == [pid]


def processes_of(instance: Instance) -> list[int]:
    """Whoever runs with this instance's configuration, asked of the system."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if str(instance.config) in words and "-rx" not in words and process.info["status"] != "zombie":
            found.append(process.pid)
    return found


async def test_one_that_does_not_listen_is_killed(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.asterisk.instance.STOP_SECONDS", 0.3)
    await instance.start()
    pid = instance.pid()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    assert await instance.stop() is True
    await until(lambda: instance.pid() is None)


async def test_a_configuration_that_asterisk_refuses_is_said_with_its_log(instance: Instance) -> None:
    files = {"modules.conf": "[modules]\nautoload = no\nrequire = no_such_module.so\n"}
    instance.configure(files)
    with pytest.raises(AsteriskError, match="read "):
        await instance.start()
