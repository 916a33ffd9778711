"""`python -m tests.bench [NAME …]`: every bench in turn, each in a process of its own; prints their lines.

Exits 1 when a bench fails or a ratio misses its bar.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ORDER = ("queue", "plan", "decide", "preview", "memory", "voice", "sms", "prompts", "fax")
LONGEST_SECONDS = 600


def _present() -> list[str]:
    """The benches there are: known ones in their order, then the others; those with a `main`."""
    files = {path.stem: path for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_")}
    benches = [name for name, path in sorted(files.items()) if "\ndef main(" in path.read_text()]
    return [name for name in ORDER if name in benches] + [name for name in benches if name not in ORDER]


def _lines(bench: str) -> Iterator[dict[str, object]]:
    """What a bench printed; a line with `failed` where it did not get through."""
    command = [sys.executable, "-m", f"tests.bench.{bench}"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        yield {"bench": bench, "failed": f"no end after {LONGEST_SECONDS} s"}
        return
    for line in done.stdout.splitlines():
        yield json.loads(line)
    if done.returncode:
        yield {"bench": bench, "failed": f"exit code {done.returncode}"}


def reaches_bar(line: dict[str, object]) -> bool:
    """Whether a ratio is on the right side of its bar; a line without a bar only informs."""
    if "failed" in line:
        return False
    ratio, bar = line.get("ratio"), line.get("bar")
    if not isinstance(ratio, int | float) or not isinstance(bar, int | float):
        return True
    return ratio <= bar if line.get("at_most") else ratio >= bar


def main(wanted: list[str]) -> int:
    """Run the benches; the exit code."""
    good = True
    for bench in wanted or _present():
        for line in _lines(bench):
            good &= reaches_bar(line)
            print(json.dumps(line | {"reached": reaches_bar(line)}), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
