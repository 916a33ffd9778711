"""One running Asterisk with a folder, ports and a secret of its own.

It outlives the process that started it: a gateway that was killed finds its exchange again, with the calls
that are up. The clinic's exchange and the rehearsal town's are both made from this.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.asterisk import processes
from gateway.asterisk.quiet import QUIET
from gateway.asterisk.runtime import AsteriskError, Runtime

START_SECONDS = 60.0
STOP_SECONDS = 10.0
ANSWER_SECONDS = 15.0
# From going into the background to writing its process number down.
FORK_SECONDS = 3.0
# RTP and T.38 ports for each instance: two for a call, one for a fax.
MEDIA_PORTS = 2000
# Above those, and below the range from which the system takes ports for outgoing connections.
_SERVICE_PORTS = range(31000, 32768)
_SOCKET_PATH_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """What an instance keeps over restarts: its ports, its AMI secret, the folder of its control socket."""

    ami_port: int
    sip_port: int
    rtp_first: int
    rtp_last: int
    udptl_first: int
    udptl_last: int
    secret: str
    run_folder: str


class Instance:
    """`identity` first, then `configure` with what was rendered from it, then `start`."""

    def __init__(self, folder: Path, runtime: Runtime | None = None) -> None:
        self.folder = folder.absolute()
        self._installed = runtime
        self._identity: Identity | None = None

    @property
    def _runtime(self) -> Runtime:
        if self._installed is None:
            raise AsteriskError("this instance was opened to be looked at or stopped, not to be run")
        return self._installed

    @property
    def config(self) -> Path:
        """The main configuration file; it also tells this instance's process from others."""
        return self.folder / "etc" / "asterisk.conf"

    def identity(self, ami_port: int = 0, sip_port: int = 0) -> Identity:
        """The ports and the secret of this instance, chosen at the first call; 0 takes a free port."""
        if self._identity is None:
            self._identity = self._remembered(ami_port, sip_port) or self._chosen(ami_port, sip_port)
        return self._identity

    def _remembered(self, ami_port: int, sip_port: int) -> Identity | None:
        """What an earlier life chose: while it runs, or while its ports are wanted and free."""
        found = self._kept()
        if found is None or self.pid():
            return found
        wanted = ami_port in (0, found.ami_port) and sip_port in (0, found.sip_port)
        free = _is_free(found.ami_port, socket.SOCK_STREAM) and _is_free(found.sip_port, socket.SOCK_DGRAM)
        return found if wanted and free and _is_ours(Path(found.run_folder)) else None

    def _kept(self) -> Identity | None:
        """What is on disk; None in the first life, or when a power cut tore it."""
        try:
            return Identity(**json.loads((self.folder / "identity.json").read_text()))
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None

    def _chosen(self, ami_port: int, sip_port: int) -> Identity:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        rtp, udptl = _media_ranges()
        chosen = Identity(
            ami_port=_wanted_or_free("ami_port", ami_port, socket.SOCK_STREAM),
            sip_port=_wanted_or_free("sip_port", sip_port, socket.SOCK_DGRAM),
            rtp_first=rtp,
            rtp_last=rtp + MEDIA_PORTS - 1,
            udptl_first=udptl,
            udptl_last=udptl + MEDIA_PORTS // 4 - 1,
            secret=secrets.token_urlsafe(32),
            run_folder=str(self._run_folder()),
        )
        _write_private(self.folder / "identity.json", json.dumps(asdict(chosen)))
        return chosen

    def _run_folder(self) -> Path:
        """Where the control socket lives: its whole path must fit into 108 bytes."""
        wanted = self.folder / "run"
        if len(str(wanted / "asterisk.ctl")) <= _SOCKET_PATH_LIMIT:
            wanted.mkdir(exist_ok=True, mode=0o700)
            return wanted
        return Path(tempfile.mkdtemp(prefix="ringwell-"))

    def configure(self, files: Mapping[str, str]) -> None:
        """Write configuration files; `asterisk.conf` with the folders is written for you."""
        etc = self.folder / "etc"
        for name in ("etc", "lib", "db", "spool", "log", "cache", "keys"):
            (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in etc.glob("*.conf"):
            if old.name not in files and old.name not in QUIET:
                old.unlink()
        for name, text in (QUIET | dict(files)).items():
            _write_private(etc / name, text)
        _write_private(self.config, self._main_file())

    def _main_file(self) -> str:
        folders = {
            "astetcdir": self.folder / "etc",
            "astmoddir": self._runtime.modules,
            "astvarlibdir": self.folder / "lib",
            "astdbdir": self.folder / "db",
            "astkeydir": self.folder / "keys",
            "astdatadir": self._runtime.data,
            "astagidir": self.folder / "lib",
            "astspooldir": self.folder / "spool",
            "astrundir": self.identity().run_folder,
            "astlogdir": self.folder / "log",
            "astcachedir": self.folder / "cache",
        }
        lines = "\n".join(f"{name} => {path}" for name, path in folders.items())
        options = "live_dangerously = no\nhideconnect = yes\nlockconfdir = no\nmaxfiles = 65536\n"
        return f"[directories]\n{lines}\n\n[options]\n{options}"

    def pid(self) -> int | None:
        """The process of this instance, whoever started it; None when it does not run."""
        try:
            number = int(self._pid_file().read_text())
            command = Path(f"/proc/{number}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return number if str(self.config).encode() in command.split(b"\0") else None

    def _pid_file(self) -> Path:
        """Written by Asterisk itself: true even if its starter was killed at once."""
        kept = self._kept()
        return (Path(kept.run_folder) if kept else self.folder / "run") / "asterisk.pid"

    async def start(self) -> bool:
        """Start it and wait until it takes calls; False when it ran already. Raises AsteriskError."""
        async with self._alone():
            if processes.running(self.config):
                # It runs, or its starter was killed a moment ago: a second one would take its socket.
                await self._until_ready()
                return False
            try:
                await self._launch()
                await self._until_ready()
            except BaseException:
                # Nobody else would end what comes up after we have left.
                await self.stop()
                raise
        return True

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """One starter at a time; a killed one lets go."""
        with (self.folder / "start.lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.05)
            yield

    async def _launch(self) -> None:
        log = self.folder / "log" / "console.log"
        with log.open("ab") as output:
            # It goes into the background by itself: it outlives us, and leaves no zombie to reap.
            command = self._runtime.command("-C", str(self.config), "-F", "-n")
            streams = {"stdout": output, "stderr": output}
            async with processes.child(
                *command, **streams, start_new_session=True, cwd=self.folder
            ) as process:
                if await process.wait() != 0:
                    raise AsteriskError(f"Asterisk does not start: read {log}")

    async def _until_ready(self) -> None:
        began = time.monotonic()
        while (waited := time.monotonic() - began) < START_SECONDS:
            if self.pid() is None and waited > FORK_SECONDS:
                raise AsteriskError(f"Asterisk stopped at once: read {self.folder}/log")
            if "fully booted" in await self.ask("core waitfullybooted"):
                return
            await asyncio.sleep(0.05)
        raise AsteriskError(f"Asterisk did not start within {START_SECONDS:.0f} s: read {self.folder}/log")

    async def ask(self, command: str) -> str:
        """What its command line answers; empty when it cannot be reached."""
        asking = self._runtime.command("-C", str(self.config), "-rx", command)
        streams = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.DEVNULL}
        try:
            async with asyncio.timeout(ANSWER_SECONDS), processes.child(*asking, **streams) as process:
                answer, _ = await process.communicate()
        except TimeoutError:
            return ""
        return answer.decode(errors="replace").strip()

    async def stop(self) -> bool:
        """End it: asked first, killed when it does not listen; False when it did not run."""
        numbers = processes.running(self.config)
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for number in numbers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, sign)
            if await processes.gone(numbers, STOP_SECONDS):
                break
        return bool(numbers)


def _write_private(file: Path, text: str) -> None:
    """Write a file whole, readable by us alone."""
    new = file.with_name(file.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    new.replace(file)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port on loopback that nobody uses now; no outgoing connection takes it while its owner is away."""
    for _ in range(100):
        port = secrets.choice(_SERVICE_PORTS)
        if _is_free(port, kind):
            return port
    raise AsteriskError(f"no free port between {_SERVICE_PORTS.start} and {_SERVICE_PORTS.stop}")


def _wanted_or_free(setting: str, port: int, kind: socket.SocketKind) -> int:
    if port and not _is_free(port, kind):
        raise AsteriskError(f"setting asterisk.{setting}: port {port} is taken; 0 takes a free one")
    return port or free_port(kind)


def _is_ours(folder: Path) -> bool:
    """Make the folder of the control socket again if it is gone; never one that somebody else put there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder.stat().st_uid == os.getuid()


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _media_ranges() -> tuple[int, int]:
    """First ports of an RTP and a T.38 range; two instances seldom meet, and Asterisk skips taken ports."""
    # Below the range from which the system takes ports for outgoing connections.
    slots = range(10000, 30000, MEDIA_PORTS + MEDIA_PORTS // 2)
    first = secrets.choice(slots)
    return first, first + MEDIA_PORTS
