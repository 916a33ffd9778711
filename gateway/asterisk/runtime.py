"""An unpacked Asterisk: where its parts are and how to run it without chroot and without root."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.domain import RingwellError

# The release that the tests run against; another one works until a test call says otherwise.
TESTED = "22."
_LOADER = "lib64/ld-linux-x86-64.so.2"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"


class AsteriskError(RingwellError):
    """Asterisk is missing, does not start or does not answer."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Asterisk below `root`; absolute links inside it lead nowhere from here."""

    root: Path

    @property
    def modules(self) -> Path:
        """The folder of loadable modules."""
        return self.root / _LIBRARIES / "asterisk" / "modules"

    @property
    def data(self) -> Path:
        """The folder of sounds and documentation."""
        return self.root / "usr/share/asterisk"

    def command(self, *arguments: str) -> Sequence[str]:
        """The program with these arguments."""
        return [
            str(self.root / _LOADER),
            "--library-path",
            str(self.root / _LIBRARIES),
            str(self.root / "usr/sbin/asterisk"),
            *arguments,
        ]

    def version(self) -> str:
        """Such as `22.10.0`; raises AsteriskError when the program does not run."""
        try:
            done = subprocess.run(self.command("-V"), capture_output=True, text=True, timeout=20, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise AsteriskError(
                f"the Asterisk in {self.root} does not run: provision it again ({error})"
            ) from error
        found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
        return found[0] if found else "unknown"


def is_tested(version: str) -> bool:
    """Whether the tests have seen this release."""
    return version.startswith(TESTED)
