"""Mail travels encrypted to a relay that proved who it is, or stays here."""

from __future__ import annotations

import ssl
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import SecretStr

from gateway.channels.email import EmailChannel
from gateway.domain import Accepted
from gateway.settings import Relay, SettingsError
from tests.channels.mail_line import LINE_DOWN, down, errors, mail, running, started
from tests.channels.relay_peer import LOGIN, RelayPeer, certificate, server_context
from tests.channels.waiting import until


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("relay"), "DNS:localhost")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_travels_encrypted_after_login(pem: Path, security: str) -> None:
    relay = RelayPeer(server_context(pem), implicit=security == "tls", login=security == "starttls")
    await relay.start()
    login: dict[str, Any] = {}
    if security == "starttls":
        login = {"username": LOGIN.login.decode(), "password": SecretStr(LOGIN.password.decode())}
    trust = ssl.create_default_context(cafile=str(pem))
    async with running(relay.port, trust, host="localhost", security=security, **login) as channel:
        assert isinstance(await channel.send(mail()), Accepted)
    await relay.stop()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_certificate_that_cannot_be_verified_keeps_mail_here(
    pem: Path, caplog: pytest.LogCaptureFixture, security: str, host: str
) -> None:
    """Untrusted under its own name; trusted, but for another name."""
    relay = RelayPeer(server_context(pem), implicit=security == "tls")
    await relay.start()
    trust = None if host == "localhost" else ssl.create_default_context(cafile=str(pem))
    async with started(relay.port, trust, host=host, security=security) as channel:
        await until(lambda: "not to be trusted" in caplog.text)
        assert await down(channel)
        assert await channel.send(mail()) == LINE_DOWN
    await relay.stop()
    assert relay.contents == []
    assert len(errors(caplog)) == 1


class TokenRelay(RelayPeer):
    """Takes one OAuth token."""

    token = "first"

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        told = b64decode(args[1]).decode()
        good = told == f"user=ringwell\x01auth=Bearer {self.token}\x01\x01"
        return AuthResult(success=good, handled=False)


@pytest.mark.usefixtures("quick")
async def test_an_oauth_token_is_read_anew_at_each_login(pem: Path, tmp_path: Path) -> None:
    relay = TokenRelay(server_context(pem), login=True)
    await relay.start()
    file = tmp_path / "token"
    file.write_text("first\n")
    trust = ssl.create_default_context(cafile=str(pem))
    oauth = {"username": "ringwell", "token_file": str(file), "messages_per_connection": 1}
    async with running(relay.port, trust, host="localhost", security="starttls", **oauth) as channel:
        assert isinstance(await channel.send(mail(1)), Accepted)
        relay.token = "second"
        file.write_text("second\n")
        assert isinstance(await channel.send(mail(2)), Accepted)
        relay.token = "third"
        assert await channel.send(mail(3)) == LINE_DOWN
    await relay.stop()
    assert len(relay.contents) == 2


class OneWayRelay(RelayPeer):
    """Offers one mechanism alone, and requires a login."""

    def __init__(self, only: str, tls: ssl.SSLContext) -> None:
        super().__init__(tls, login=True)
        self.used: list[str] = []
        self._only = only

    def options(self) -> dict[str, Any]:
        return super().options() | {"auth_exclude_mechanism": {"LOGIN", "PLAIN"} - {self._only}}

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.used.append(mechanism)
        return super()._authenticate(server, session, envelope, mechanism, data)


async def test_a_relay_without_starttls_gets_nothing(
    relay: RelayPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with started(relay.port, security="starttls") as channel:
        await until(lambda: "offers no STARTTLS" in caplog.text)
        assert await down(channel)
    assert relay.contents == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("only", ["LOGIN", "PLAIN"])
async def test_a_relay_that_knows_one_way_to_log_in_gets_that_one(pem: Path, only: str) -> None:
    relay = OneWayRelay(only, server_context(pem))
    await relay.start()
    trust = ssl.create_default_context(cafile=str(pem))
    account = {"username": LOGIN.login.decode(), "password": SecretStr(LOGIN.password.decode())}
    async with running(relay.port, trust, host="localhost", security="starttls", **account) as channel:
        assert isinstance(await channel.send(mail()), Accepted)
    await relay.stop()
    assert set(relay.used) == {only}


async def test_a_relay_without_a_login_is_told_so(relay: RelayPeer, caplog: pytest.LogCaptureFixture) -> None:
    async with started(relay.port, username="ringwell", password=SecretStr("secret")) as channel:
        await until(lambda: "offers no login" in caplog.text)
        assert await down(channel)
    assert relay.contents == []


@pytest.mark.usefixtures("quick")
async def test_a_wrong_password_is_said_once_and_nothing_starts(
    pem: Path, caplog: pytest.LogCaptureFixture
) -> None:
    relay = RelayPeer(server_context(pem), login=True)
    await relay.start()
    trust = ssl.create_default_context(cafile=str(pem))
    wrong = {"username": "ringwell", "password": SecretStr("wrong")}
    async with started(relay.port, trust, host="localhost", security="starttls", **wrong) as channel:
        await until(lambda: relay.connections >= 3)
        assert await down(channel)
    await relay.stop()
    said = errors(caplog)
    assert len(said) == 1
    assert "refuses our user name or password" in said[0]
    assert "wrong" not in caplog.text


@pytest.mark.parametrize("wrong", [{"sender": "nobody"}, {"sender": "a@b.example\x7f"}])
async def test_a_sender_that_is_no_address_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises((SettingsError, ValueError)):
        EmailChannel({"main": Relay(**wrong)}, "Example Clinic")
