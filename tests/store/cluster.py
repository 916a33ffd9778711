"""A PostgreSQL server that a test may stop at once and start again."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

from tests.postgres import Server, postgres_server


@dataclass
class Cluster:
    """Stops and starts the server behind `server`, on the same port and folder."""

    server: Server
    _folder: str = field(init=False)
    _options: str = field(init=False)
    _uid: int = field(init=False)
    _gid: int = field(init=False)

    def __post_init__(self) -> None:
        self._folder = self.server.sql("SHOW data_directory")
        process = next(
            one for one in psutil.process_iter(["cmdline"]) if self._folder in (one.info["cmdline"] or [])
        )
        # postgres -D FOLDER -p PORT -c name=value …
        self._options = shlex.join(process.cmdline()[3:])
        self._uid, self._gid = process.uids().effective, process.gids().effective

    def stop(self) -> None:
        """The immediate stop: as if the power failed."""
        self._pg_ctl("stop", "--mode=immediate")

    def start(self) -> None:
        """Start again; returns when the server answers."""
        self._pg_ctl("start", "--silent", f"--options={self._options}", f"--log={self._folder}/again.log")

    def _pg_ctl(self, *words: str) -> None:
        command = [f"{self.server.binaries}/pg_ctl", *words, f"--pgdata={self._folder}", "--wait"]
        someone_else = {"user": self._uid, "group": self._gid, "extra_groups": []} if os.getuid() == 0 else {}
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, check=True, cwd="/", timeout=60, **someone_else, **quiet)  # type: ignore[call-overload]


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """A server of this test's own."""
    with postgres_server(max_connections="30") as server:
        cluster = Cluster(server)
        try:
            yield cluster
        finally:
            cluster.stop()
