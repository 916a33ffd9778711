"""A fresh Debian in a folder, with this machine's way to its packages, to run set-up scripts in.

By hand: `python -m tests.setup.chroot trixie 'make setup'`.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.setup.repository import ROOT, files

CHECKOUT = "srv/ringwell"
BUNDLE = Path("etc/ssl/certs/ca-certificates.crt")
# What a newcomer's machine has before the first command.
BARE = "python3,make,ca-certificates"
PIP_KEYS = frozenset(
    "index-url extra-index-url find-links no-index trusted-host cert proxy default-timeout timeout".split()
)
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


class ChrootError(RuntimeError):
    """The fresh Debian cannot be made; the message says what is needed."""


class Chroot:
    """Commands run in namespaces of their own: what they mount and start ends with them."""

    def __init__(self, folder: Path, binds: dict[Path, Path]) -> None:
        self.folder = folder
        self._binds = binds

    def run(self, script: str, seconds: float = 900) -> str:
        """Run a shell script in the checkout; what it printed. Raises ChrootError when it fails."""
        target = shlex.quote(str(self.folder))
        mounts = [f"mount -t proc proc {target}/proc", f"mount --rbind /dev {target}/dev"]
        mounts += [
            shlex.join(["mount", "--bind", "-o", "ro", *map(str, pair)]) for pair in self._binds.items()
        ]
        inside = f"set -euo pipefail; cd /{CHECKOUT}; {script}"
        keep = [f"{name}={value}" for name in PROXIES if (value := os.environ.get(name))]
        keep += ["HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        entry = shlex.join(["chroot", str(self.folder), "env", "-i", *keep, "bash", "-c", inside])
        return _isolated(["bash", "-c", "; ".join(["set -e", *mounts, f"exec {entry}"])], seconds)


@contextmanager
def fresh_debian(suite: str) -> Iterator[Chroot]:
    """A minimal Debian of this suite with Python, make and a copy of the checkout."""
    workspace = Path(tempfile.mkdtemp(prefix="ringwell-debian-"))
    folder = workspace / suite
    try:
        program = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if program is None:
            raise ChrootError("debootstrap is missing: run `make setup`")
        _isolated([program, "--variant=minbase", f"--include={BARE}", suite, str(folder), *_mirror()], 900)
        yield Chroot(folder, _furnish(folder, workspace))
    finally:
        subprocess.run([*_root(), "rm", "-rf", "--one-file-system", str(workspace)], check=True)


def _root() -> list[str]:
    if os.getuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    raise ChrootError(
        "a chroot needs root: run the tests as root, or as a user whom sudo asks for no password"
    )


def _isolated(command: list[str], seconds: float) -> str:
    space = "unshare --mount --propagation private --pid --fork --kill-child --mount-proc --".split()
    done = subprocess.run(
        [*_root(), *space, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
    )
    if done.returncode:
        raise ChrootError(f"{shlex.join(command)[:200]} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def _mirror() -> list[str]:
    """The mirror that this machine's apt uses, if it is a Debian; else debootstrap's default is right."""
    shown = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Component: main"],
        capture_output=True,
        text=True,
    ).stdout.split()
    plain = [uri for uri in shown if uri.rstrip("/").endswith("/debian")]
    return plain[:1]


def _furnish(folder: Path, workspace: Path) -> dict[Path, Path]:
    """Copy this machine's network settings and the checkout into it; the folders to bind."""
    pip = _pip_settings()
    texts = {
        Path("etc/pip.conf"): "[global]\n" + "".join(f"{key} = {value}\n" for key, value in pip.items()),
        Path("etc/apt/apt.conf.d/80host"): _output("apt-config", "dump", "Acquire::http", "Acquire::https"),
        Path("etc/resolv.conf"): Path("/etc/resolv.conf").read_text(),
        Path("etc/hosts"): Path("/etc/hosts").read_text(),
        BUNDLE: _certificates(pip).read_text(),
    }
    draft = workspace / "furniture"
    for name, text in texts.items():
        (draft / name).parent.mkdir(parents=True, exist_ok=True)
        (draft / name).write_text(text)
    for path in files():
        copy = draft / CHECKOUT / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    binds = {source: folder / source.relative_to("/") for source in _local_sources(pip)}
    made = shlex.join(["mkdir", "-p", *map(str, binds.values())]) if binds else "true"
    copied = shlex.join(["cp", "-R", "--remove-destination", f"{draft}/.", f"{folder}/"])
    _isolated(["bash", "-c", f"set -e; {copied}; {made}"], 60)
    return binds


def _pip_settings() -> dict[str, str]:
    """How this machine's pip finds packages, the environment's word over the files'."""
    found: dict[str, str] = {}
    lines = _output(sys.executable, "-m", "pip", "config", "list").splitlines()
    for line in sorted(lines, key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in PIP_KEYS:
            found[key] = " ".join(str(ast.literal_eval(value)).split())
    certificates = found.pop("cert", None)
    return found | ({"cert": f"/{BUNDLE}"} if certificates else {})


def _certificates(pip: dict[str, str]) -> Path:
    candidates = [os.environ.get("SSL_CERT_FILE"), os.environ.get("PIP_CERT"), f"/{BUNDLE}"]
    return next(Path(name) for name in candidates if name and Path(name).is_file())


def _local_sources(pip: dict[str, str]) -> set[Path]:
    """Folders of packages on this machine that pip's settings name."""
    found = set()
    for token in " ".join(pip.values()).split():
        path = Path(re.sub("^file://", "", token))
        if path.is_absolute() and path.is_dir():
            # An index of pages refers to files beside it.
            found.add(path.parent if path.name == "simple" else path)
    return found


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Run a script in a fresh Debian: `python -m tests.setup.chroot SUITE SCRIPT`."""
    suite, script = sys.argv[1:]
    with fresh_debian(suite) as debian:
        print(debian.run(script, 1800))


if __name__ == "__main__":
    main()
