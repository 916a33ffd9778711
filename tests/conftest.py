"""What every room's tests may use."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.postgres"]


def pytest_configure(config: pytest.Config) -> None:
    """Marks that the suite knows."""
    config.addinivalue_line("markers", "slow: takes minutes; still part of `make test`")
