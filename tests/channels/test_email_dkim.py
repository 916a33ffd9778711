"""Signatures that a receiver verifies with what the DNS would hold."""

from __future__ import annotations

import subprocess
from pathlib import Path

import dkim
import pytest

from gateway.channels.email import EmailChannel
from gateway.channels.email_dkim import Signer
from gateway.domain import Accepted
from gateway.settings import DkimKey, Relay, SettingsError
from tests.channels.mail_line import mail, reaching
from tests.channels.relay_peer import RelayPeer


def private_key(folder: Path, kind: str) -> Path:
    """A key as an administrator makes one."""
    file = folder / f"{kind}.pem"
    options = ["-pkeyopt", "rsa_keygen_bits:2048"] if kind == "RSA" else []
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", kind, *options, "-out", str(file)],
        check=True,
        capture_output=True,
    )
    return file


def verifies(octets: bytes, signer: Signer, index: int = 0) -> bool:
    """What a receiver finds that looks the key up."""

    def dns(name: bytes, timeout: int = 5) -> bytes | None:
        wanted = f"{signer.selector}._domainkey.{signer.domain}.".encode()
        return signer.published().encode() if name == wanted else None

    return dkim.DKIM(octets).verify(idx=index, dnsfunc=dns)


@pytest.mark.parametrize("kind", ["Ed25519", "RSA"])
async def test_a_receiver_verifies_the_mail(relay: RelayPeer, tmp_path: Path, kind: str) -> None:
    key = DkimKey(file=private_key(tmp_path, kind))
    channel = EmailChannel(
        {"main": Relay(port=relay.port, security="none")}, "Clínica Ejemplo", dkim={"rw1": key}
    )
    async with reaching(channel):
        sent = mail(subject="Su visita\u00a0mañana", text="Hola\n.\n" + "y" * 1200, html="<p>.</p>\r\n.x")
        assert isinstance(await channel.send(sent), Accepted)
    signer = Signer("rw1", key, "clinic.example")
    assert verifies(relay.contents[0], signer)
    assert not verifies(relay.contents[0].replace(b"Jane", b"Eve!"), signer)


async def test_the_unsubscribe_headers_are_signed(relay: RelayPeer, tmp_path: Path) -> None:
    key = DkimKey(file=private_key(tmp_path, "Ed25519"))
    channel = EmailChannel({"main": Relay(port=relay.port, security="none")}, "Clinic", dkim={"rw1": key})
    async with reaching(channel):
        await channel.send(mail())
    signer = Signer("rw1", key, "clinic.example")
    octets = relay.contents[0]
    assert verifies(octets, signer)
    assert not verifies(
        octets.replace(b"List-Unsubscribe: <mailto:", b"List-Unsubscribe: <mailto:eve"), signer
    )


async def test_a_mail_may_carry_two_signatures(relay: RelayPeer, tmp_path: Path) -> None:
    keys = {
        "old": DkimKey(file=private_key(tmp_path, "RSA")),
        "new": DkimKey(file=private_key(tmp_path, "Ed25519")),
    }
    channel = EmailChannel({"main": Relay(port=relay.port, security="none")}, "Clinic", dkim=keys)
    async with reaching(channel):
        await channel.send(mail())
    for index, name in enumerate(keys):
        assert verifies(relay.contents[0], Signer(name, keys[name], "clinic.example"), index)


@pytest.mark.parametrize("content", [None, "", "no key", "-----BEGIN PRIVATE KEY-----\n!!\n-----END"])
def test_a_key_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=r"dkim\.rw1\.file"):
        Signer("rw1", DkimKey(file=file), "clinic.example")
