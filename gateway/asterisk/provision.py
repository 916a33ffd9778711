"""Unpack Debian unstable's Asterisk into a private folder; nothing of the system is changed.

Debian 12 and 13 have no asterisk package. debootstrap with its default mirror does it; it does not mind a
Release file that has expired, as other tools do.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.asterisk.runtime import AsteriskError, Runtime

Progress = Callable[[str, int], None]

_FINISHED = "ringwell-version"
_STEP = re.compile(r"I: (Retrieving|Validating|Extracting|Unpacking|Configuring) ")


def installed(cache: Path) -> Runtime | None:
    """The Asterisk that was provisioned below `cache`, None when there is none or it is not finished."""
    root = cache / "asterisk"
    return Runtime(root) if (root / _FINISHED).exists() else None


def require(cache: Path) -> Runtime:
    """The provisioned Asterisk; raises AsteriskError that says how to get it."""
    found = installed(cache)
    if found is None:
        raise AsteriskError("Asterisk is not provisioned: run 'ringwell asterisk provision'")
    return found


def provision(cache: Path, progress: Progress) -> Runtime:
    """Unpack Asterisk below `cache` unless it is there; about 45 s and 500 MB.

    An interrupted run is taken up: packages that were downloaded are kept. `progress(step, count)` is told
    of each package. Raises AsteriskError.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / "asterisk.lock"):
        if (found := installed(cache)) is not None:
            return found
        partial, packages = cache / "asterisk.partial", cache / "asterisk.packages"
        _remove(partial)
        packages.mkdir(exist_ok=True)
        _debootstrap(partial, packages, progress)
        _settle_in(partial)
        (partial / _FINISHED).write_text(Runtime(partial).version() + "\n")
        _remove(cache / "asterisk")
        partial.rename(cache / "asterisk")
        _remove(packages)
    return Runtime(cache / "asterisk")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _as_root(command: Sequence[str]) -> list[str]:
    if os.geteuid() == 0:
        return list(command)
    if shutil.which("sudo") is None:
        raise AsteriskError("unpacking Asterisk needs root: install sudo, or run this command as root")
    return ["sudo", *command]


def _path() -> str:
    # debootstrap lives where an ordinary user's PATH does not look.
    return os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


def _debootstrap(partial: Path, packages: Path, progress: Progress) -> None:
    program = shutil.which("debootstrap", path=_path())
    if program is None:
        raise AsteriskError("debootstrap is missing: run 'apt-get install debootstrap' as root")
    options = ["--variant=minbase", "--include=asterisk", f"--cache-dir={packages.absolute()}"]
    command = _as_root([program, *options, "sid", str(partial.absolute())])
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        env=os.environ | {"PATH": _path(), "LC_ALL": "C.UTF-8"},
    ) as running:
        assert running.stdout is not None
        last = _follow(running.stdout, progress)
    if running.returncode != 0:
        raise AsteriskError(f"debootstrap failed: {last} (its log: {partial}/debootstrap/debootstrap.log)")


def _follow(lines: Iterator[str], progress: Progress) -> str:
    counts: dict[str, int] = {}
    last = ""
    for line in lines:
        last = line.strip() or last
        if step := _STEP.match(line):
            counts[step[1]] = counts.get(step[1], 0) + 1
            progress(step[1], counts[step[1]])
    return last


def _settle_in(partial: Path) -> None:
    """Make the tree ours and mend the links that only work inside a chroot."""
    if os.geteuid() != 0:
        _run_as_root(["chown", "-R", f"{os.getuid()}:{os.getgid()}", str(partial)])
    sounds = partial / "usr/share/asterisk/sounds"
    english = sounds / "en"
    if english.is_symlink():
        english.unlink()
    if not english.exists() and (sounds / "en_US_f_Allison").is_dir():
        # Without it even `beep` is missing, and Record() fails at once.
        english.symlink_to("en_US_f_Allison")
    shutil.rmtree(partial / "var/cache/apt/archives", ignore_errors=True)


def _remove(folder: Path) -> None:
    """Delete a folder that an interrupted debootstrap may have left with file systems mounted in it."""
    if not folder.exists():
        return
    for mount in _mounts_below(folder):
        _run_as_root(["umount", "--lazy", str(mount)])
    if _mounts_below(folder):
        raise AsteriskError(f"something is still mounted below {folder}: unmount it, then delete the folder")
    _run_as_root(["rm", "-rf", "--one-file-system", str(folder)])


def _mounts_below(folder: Path) -> list[Path]:
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    real = folder.resolve()
    found = [Path(point) for point in points if Path(point).is_relative_to(real)]
    return sorted(found, reverse=True)


def _run_as_root(command: Sequence[str]) -> None:
    try:
        subprocess.run(_as_root(command), check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise AsteriskError(f"{command[0]} failed: {error.stderr.strip()}") from error
