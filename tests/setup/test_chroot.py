"""The set-up scripts on a Debian where nothing was prepared; the images are made by the same scripts."""

from __future__ import annotations

import pytest

from tests.setup.chroot import fresh_debian

SCRIPT = """
! .venv/bin/ringwell --version 2>/dev/null
docker/setup/system.sh gateway asterisk
docker/setup/python.sh gateway
echo SECOND
docker/setup/system.sh gateway asterisk
docker/setup/python.sh gateway
echo HELP
.venv/bin/ringwell --help
.venv/bin/ringwell asterisk status || echo "status: $?"
command -v debootstrap
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_set_up_scripts_make_a_gateway_of_a_fresh_debian_12() -> None:
    with fresh_debian("bookworm") as debian:
        printed = debian.run(SCRIPT)
    first, _, rest = printed.partition("SECOND\n")
    second, _, commands = rest.partition("HELP\n")
    assert "installing python3-venv debootstrap" in first
    assert "Python packages into .venv" in first
    assert second == "", "a second set-up has nothing to do"
    assert "broadcast" in commands
    assert "not provisioned" in commands
    assert "status: 1" in commands
    assert commands.rstrip().endswith("/usr/sbin/debootstrap")
