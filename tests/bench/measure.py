"""One line of JSON for each ratio."""

from __future__ import annotations

import json


def report(bench: str, ratio: float, bar: float, **more: object) -> None:
    """Print a ratio with the bar that it must reach."""
    print(json.dumps({"bench": bench, "ratio": round(ratio, 3), "bar": bar} | more), flush=True)
