"""Signing in at an identity provider: a real one answers on this machine, honest or not."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from gateway import web
from gateway.accounts.oidc import is_safe
from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.settings import Settings
from gateway.settings.house import ConsoleSettings, OidcSettings
from store import accounts
from store.accounts import Details
from store.engine import Store
from tests.console.console_day import CLINIC, Clock

BASE = "http://127.0.0.1:8480"


@dataclass
class ProviderPeer:
    """An identity provider that knows one person; `lies` replace what its ID token says."""

    clock: Clock
    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    status: int = 200

    def app(self) -> FastAPI:
        """Its two endpoints and the document that names them."""
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def discovery() -> dict[str, str]:
            ends = {"authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token"}
            return {"issuer": self.url, **ends}

        @app.post("/token")
        async def token(request: Request) -> Response:
            form = {name: str(value) for name, value in (await request.form()).items()}
            challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
            key = base64.b64encode(b"ringwell:s3cret").decode()
            honest = (
                form["code"] == "the-code"
                and form["redirect_uri"] == self.asked["redirect_uri"]
                and _part(challenge) == self.asked["code_challenge"]
                and request.headers["authorization"] == f"Basic {key}"
            )
            if not honest:
                return JSONResponse({"error": "invalid_grant"}, 400)
            now = self.clock().timestamp()
            said = {"iss": self.url, "aud": "ringwell", "exp": now + 60, "nonce": self.asked["nonce"]}
            said |= {"email": "Ada@Clinic.example", "email_verified": True} | self.claims
            body = ".".join((_part(b'{"alg":"RS256"}'), _part(json.dumps(said).encode()), "signature"))
            return JSONResponse({"id_token": body, "token_type": "Bearer"}, self.status)

        return app

    def consent(self, address: str) -> str:
        """The person agrees at the provider; the address that the browser is sent back to."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert self.asked["response_type"] == "code"
        assert self.asked["code_challenge_method"] == "S256"
        return f"{self.asked['redirect_uri']}?code=the-code&state={self.asked['state']}"


def _part(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@pytest.fixture
async def provider(clock: Clock) -> AsyncIterator[ProviderPeer]:
    """A provider that listens."""
    peer = ProviderPeer(clock)
    listener = web.listen("127.0.0.1", 0)
    peer.url = web.address_of(listener)
    server = web.server_of(peer.app())
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield peer
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving


@pytest.fixture
async def client(
    store: Store, settings: Settings, door: Door, provider: ProviderPeer
) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at a console that knows the provider."""
    oidc = OidcSettings(issuer=provider.url, client_id="ringwell", client_secret="s3cret", name="Our office")
    told = settings.model_copy(update={"console": ConsoleSettings(port=0, oidc=oidc)})
    transport = httpx.ASGITransport(create_app(store, told, door))
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as browser:
        yield browser


@pytest.fixture
async def ada(store: Store, administrator: int, clock: Clock) -> int:
    """A user whose login is an email."""
    return await store.run(accounts.add, CLINIC, Details("ada@clinic.example", "Ada", 1), clock())


async def _back(client: httpx.AsyncClient, provider: ProviderPeer) -> httpx.Response:
    gone = await client.get("/sign-in/provider")
    assert gone.status_code == 303, gone.text
    return await client.get(provider.consent(gone.headers["location"]))


async def test_who_the_provider_knows_and_we_know_is_in_without_a_redirect(
    client: httpx.AsyncClient, provider: ProviderPeer, ada: int
) -> None:
    assert "Sign in with Our office" in (await client.get("/sign-in")).text
    answer = await _back(client, provider)
    assert (answer.status_code, 'content="0; url=/"' in answer.text) == (200, True)
    assert "Ada" in (await client.get("/me")).text


async def test_a_code_is_of_use_once_and_to_the_browser_that_asked_alone(
    client: httpx.AsyncClient, provider: ProviderPeer, ada: int
) -> None:
    gone = await client.get("/sign-in/provider")
    link = provider.consent(gone.headers["location"])
    mine = dict(client.cookies)
    client.cookies.clear()
    assert (await client.get(link)).status_code == 401
    client.cookies.update(mine)
    assert (await client.get(link.replace("state=", "state=x"))).status_code == 401
    assert (await client.get("/me")).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://127.0.0.1:1"},
        {"aud": "another"},
        {"aud": ["ringwell", "another"], "azp": "another"},
        {"nonce": "replayed"},
        {"exp": 1},
        {"exp": None},
        {"email": None},
        {"email": "nobody@clinic.example"},
        {"email_verified": False},
    ],
    ids=["issuer", "audience", "party", "nonce", "old", "no end", "no email", "unknown", "unverified"],
)
async def test_what_a_provider_should_not_say_opens_nothing(
    client: httpx.AsyncClient, provider: ProviderPeer, ada: int, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    answer = await _back(client, provider)
    assert (answer.status_code, "did not work" in answer.text) == (401, True)
    assert (await client.get("/me")).status_code == 401


async def test_a_user_who_is_switched_off_here_stays_out(
    client: httpx.AsyncClient, provider: ProviderPeer, ada: int, store: Store
) -> None:
    off = Details("ada@clinic.example", "Ada", 1, enabled=False)
    await store.run(accounts.change, CLINIC, ada, off, "users")
    assert (await _back(client, provider)).status_code == 401


async def test_a_provider_that_fails_is_told_and_the_password_still_works(
    client: httpx.AsyncClient, provider: ProviderPeer, ada: int, caplog: pytest.LogCaptureFixture
) -> None:
    provider.status = 500
    answer = await _back(client, provider)
    assert answer.status_code == 401
    assert 'id="password"' in answer.text
    assert "answered 500 at /token" in caplog.text


async def test_the_cookie_for_the_way_there_and_back_is_kept_for_minutes(
    client: httpx.AsyncClient, provider: ProviderPeer
) -> None:
    said = (await client.get("/sign-in/provider")).headers["set-cookie"]
    assert "HttpOnly" in said
    assert "Max-Age=600" in said
    assert "SameSite=lax" in said


async def test_without_a_provider_there_is_no_such_way(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/sign-in/provider")).status_code == 404
    assert (await stranger.get("/sign-in/provider/back")).status_code == 404
    assert "Sign in with" not in (await stranger.get("/sign-in")).text


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://id.example/x", True),
        ("http://127.0.0.1:9/x", True),
        ("http://id.example", False),
        ("", False),
    ],
)
def test_secrets_go_over_tls_alone(url: str, safe: bool) -> None:
    assert is_safe(url) is safe
