"""What the repository may hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.setup.repository import ROOT, files

LARGEST = 300_000
HOST = re.compile(r"https?://(?:[^/\s@]+@)?((?:[a-z0-9-]+\.)+[a-z]{2,})", re.IGNORECASE)
# Where packages come from is a machine's business: its apt and pip are set up for it.
PACKAGE_HOST = re.compile(
    r"\b(?:deb|security|snapshot|ftp|mirror|mirrors|archive|registry|index|files|pypi)"
    r"\.(?:[a-z0-9-]+\.)*(?:org|com|net|io|dev)\b",
    re.IGNORECASE,
)
PACKAGE_OPTION = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host")
# Read by people, named by standards, or reserved for examples; nothing is fetched from them.
KNOWN_HOSTS = (
    "keepachangelog.com",
    "semver.org",
    "gnu.org",
    "fsf.org",
    "w3.org",
    "standardwebhooks.com",
    "example.com",
    "example.org",
)
MACHINE_PATH = re.compile(r"(?<![\w.}])/(?:root|home/\w+|work/(?:main|shared))/")
TEMPORARY_PATH = re.compile(r"/(?:var/)?tmp/\w")


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def _hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {hit[0]}" for path in files() for hit in pattern.finditer(_text(path))
    ]


def _is_known(host: str) -> bool:
    reserved = host.endswith((".example", ".test", ".invalid"))
    return reserved or any(host == known or host.endswith(f".{known}") for known in KNOWN_HOSTS)


def test_no_file_is_large_or_binary() -> None:
    wrong = []
    for path in files():
        content = path.read_bytes()
        if len(content) > LARGEST or b"\0" in content:
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


def test_every_file_is_utf8_text() -> None:
    for path in files():
        path.read_bytes().decode("utf-8")


def test_no_file_names_a_package_registry_or_mirror() -> None:
    assert _hits(PACKAGE_HOST) == []


def test_no_script_or_lock_says_where_packages_come_from() -> None:
    here = Path(__file__).relative_to(ROOT)
    assert [hit for hit in _hits(PACKAGE_OPTION) if not hit.startswith(str(here))] == []


def test_no_url_leads_to_an_unknown_host() -> None:
    hosts = {(path.name, host) for path in files() for host in HOST.findall(_text(path))}
    assert {(name, host) for name, host in hosts if not _is_known(host.lower())} == set()


@pytest.mark.parametrize("pattern", [MACHINE_PATH, TEMPORARY_PATH], ids=["homes", "temporary"])
def test_no_file_holds_a_path_of_somebodys_machine(pattern: re.Pattern[str]) -> None:
    assert _hits(pattern) == []


def test_the_license_is_the_gpl_version_3() -> None:
    text = _text(ROOT / "LICENSE")
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 3, 29 June 2007" in text
    assert 'license = "GPL-3.0-or-later"' in _text(ROOT / "pyproject.toml")


def test_the_changelog_has_a_section_for_what_is_not_released() -> None:
    assert "\n## [Unreleased]\n" in _text(ROOT / "CHANGELOG.md")
