"""The images and the compose file, read: no Docker engine is needed, and none has built them here."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from sqlalchemy.engine import make_url

from gateway import settings
from tests.setup.repository import ROOT, SCRIPTS

DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("asterisk", "gateway", "town")
IMAGES = ("Dockerfile.gateway", "Dockerfile.asterisk")


def instructions(name: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (DOCKER / name).read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def _all(name: str, word: str) -> list[str]:
    return [rest for found, rest in instructions(name) if found == word]


def _context_has(source: str) -> bool:
    """Whether the build context holds it: there, and not kept out by .dockerignore."""
    taken = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.lstrip("!")
        if line and not line.startswith("#") and fnmatch.fnmatch(source, pattern):
            taken = line.startswith("!")
    return taken and (ROOT / source).exists()


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_debian_12_run_by_a_user_who_is_not_root(name: str) -> None:
    assert _all(name, "FROM") == ["debian:12"]
    assert _all(name, "USER")[-1] == "ringwell"
    assert any("useradd" in run for run in _all(name, "RUN"))
    assert len(_all(name, "HEALTHCHECK")) == 1


@pytest.mark.parametrize("name", IMAGES)
def test_what_an_image_copies_is_in_the_build_context(name: str) -> None:
    sources = [source for copy in _all(name, "COPY") for source in copy.split()[:-1]]
    assert sources
    assert [source for source in sources if not _context_has(source)] == []


@pytest.mark.parametrize("name", [*IMAGES, "compose.yaml"])
def test_each_script_that_is_called_exists(name: str) -> None:
    called = set(re.findall(r"docker/setup/([\w-]+\.sh)", (DOCKER / name).read_text()))
    assert called
    assert [script for script in called if not os.access(SCRIPTS / script, os.X_OK)] == []


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_made_by_the_set_up_scripts_alone(name: str) -> None:
    assert not re.search(r"\b(pip|apt-get) install\b", (DOCKER / name).read_text())


def test_the_asterisk_image_begins_as_the_gateway_image() -> None:
    gateway, asterisk = instructions("Dockerfile.gateway"), instructions("Dockerfile.asterisk")
    shared = max(place for place, (word, _) in enumerate(gateway) if word in ("COPY", "RUN")) + 1
    assert asterisk[:shared] == gateway[:shared]


def test_the_asterisk_image_holds_the_provisioned_exchange() -> None:
    cache = re.search(r"RINGWELL_CACHE=(\S+)", " ".join(_all("Dockerfile.asterisk", "ENV")))
    assert cache
    step = next(run for run in _all("Dockerfile.asterisk", "RUN") if "asterisk.sh" in run)
    assert step.endswith(f"chown -R ringwell:ringwell {cache[1]}")


def test_compose_runs_gateway_asterisk_postgres_and_town() -> None:
    assert set(SERVICES) == {*OURS, "postgres"}
    assert SERVICES["town"]["profiles"] == ["rehearsal"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert name in OURS or service["user"] not in ("root", "0")


@pytest.mark.parametrize("name", OURS)
def test_a_service_is_built_from_a_dockerfile_that_exists(name: str) -> None:
    build = SERVICES[name]["build"]
    context = (DOCKER / build["context"]).resolve()
    assert context == ROOT
    assert (context / build["dockerfile"]).is_file()
    known = {argument.partition("=")[0] for argument in _all(Path(build["dockerfile"]).name, "ARG")}
    assert set(build.get("args", {})) <= known


def _mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = []
    for mount in service.get("volumes", []):
        source, target = (
            (mount["source"], mount["target"]) if isinstance(mount, dict) else mount.split(":")[:2]
        )
        pairs.append((source, target))
    return pairs


def test_each_volume_and_file_that_is_mounted_exists() -> None:
    mounted = {source for service in SERVICES.values() for source, _ in _mounts(service)}
    named = {source for source in mounted if not source.startswith(".")}
    assert named == set(COMPOSE["volumes"])
    assert [source for source in mounted - named if not (DOCKER / source).is_file()] == []


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_writes_lies_on_a_volume_of_its_image(name: str) -> None:
    targets = {target for source, target in _mounts(SERVICES[name]) if source in COMPOSE["volumes"]}
    declared = re.findall(r'"([^"]+)"', _all(Path(SERVICES[name]["build"]["dockerfile"]).name, "VOLUME")[0])
    assert targets == set(declared)


def test_a_service_waits_for_services_that_tell_their_health() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[other] or other in OURS
    assert set(SERVICES["gateway"]["depends_on"]) == {"asterisk", "postgres"}
    assert SERVICES["gateway"]["pid"] == "service:asterisk"


def test_published_ports_are_on_loopback_alone_and_differ() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == len(set(published)) == 1
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_settings_reach_the_database_of_the_compose_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RINGWELL_")]:
        monkeypatch.delenv(name)
    found = settings.load(DOCKER / "ringwell.toml")
    url, postgres = make_url(found.store_url), SERVICES["postgres"]
    address, host_port, inner_port = postgres["ports"][0].split(":")
    assert (url.host, url.port, inner_port) == (address, int(host_port), "5432")
    assert url.username == postgres["environment"]["POSTGRES_USER"]
    assert url.database == postgres["environment"]["POSTGRES_DB"]
    assert url.password is None, "the password is a secret, not a setting in a file"
    assert str(found.instance) in {target for _, target in _mounts(SERVICES["gateway"])}


def test_secrets_are_files_and_each_variable_points_at_one() -> None:
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            assert "PASSWORD" not in variable or variable.endswith("_FILE")
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])


def test_the_secrets_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    shutil.copytree(SCRIPTS, tmp_path / "docker" / "setup")
    script = tmp_path / "docker" / "setup" / "secrets.sh"
    subprocess.run([script], check=True, capture_output=True)
    files = [tmp_path / "docker" / secret["file"] for secret in COMPOSE["secrets"].values()]
    first = [file.read_text() for file in files]
    assert all(len(text.strip()) >= 24 for text in first)
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    subprocess.run([script], check=True, capture_output=True)
    assert [file.read_text() for file in files] == first
