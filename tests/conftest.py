"""What every room's tests may use."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.postgres"]


def pytest_configure(config: pytest.Config) -> None:
    """Marks that the suite knows."""
    config.addinivalue_line("markers", "slow: takes minutes; still part of `make test`")
    # How long one example takes says more about what else runs on the machine than about the code.
    settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("suite")
