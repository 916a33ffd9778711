"""Signing in at the clinic's own identity provider: OpenID Connect, authorization code with PKCE (RFC 7636).

The ID token comes straight from the provider over TLS, so that its claims are checked and its signature need
not be (OpenID Connect Core 3.1.3.7, point 6).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from gateway.domain import RingwellError
from gateway.settings.house import OidcSettings

_SECONDS = 10.0
# How far the provider's clock may be off.
_OFF = timedelta(minutes=2)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ProviderError(RingwellError):
    """The identity provider cannot be used, or said something that must not be believed."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What a browser carries while it is at the provider."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Pending:
        """Three secrets."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    def sealed(self) -> str:
        """As a cookie's value."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @classmethod
    def opened(cls, value: str) -> Pending | None:
        """From a cookie's value; None when it is none."""
        try:
            said = json.loads(base64.urlsafe_b64decode(value))
            return cls(*(str(said[name]) for name in ("state", "nonce", "verifier")))
        except (ValueError, KeyError, TypeError, binascii.Error):
            return None

    @property
    def challenge(self) -> str:
        """The verifier's digest."""
        return _base64(hashlib.sha256(self.verifier.encode()).digest())


def _base64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


class Provider:
    """The identity provider that the settings name."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._known: Mapping[str, str] | None = None

    async def address(self, pending: Pending, back: str) -> str:
        """Where to send the browser; `back`: where it returns to. ProviderError."""
        known = await self._discovered()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": back,
            "scope": "openid email profile",
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": pending.challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in known["authorization_endpoint"] else "?"
        return f"{known['authorization_endpoint']}{joint}{urlencode(asked)}"

    async def login(self, pending: Pending, code: str, back: str, now: datetime) -> str:
        """The login that a code stands for. ProviderError."""
        known = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": pending.verifier,
        }
        key = (self._settings.client_id, self._settings.client_secret.get_secret_value())
        answer = await _ask("POST", known["token_endpoint"], data=form, auth=key)
        claims = _claims(answer.get("id_token"))
        self._check(claims, pending, now)
        login = claims.get(self._settings.claim)
        if not isinstance(login, str) or not login.strip():
            raise ProviderError(f"the identity provider tells no {self._settings.claim} of this person")
        if self._settings.claim == "email" and claims.get("email_verified") is False:
            raise ProviderError("the identity provider has not verified this person's email")
        return login

    def _check(self, claims: Mapping[str, Any], pending: Pending, now: datetime) -> None:
        audience = claims.get("aud")
        meant = self._settings.client_id in (audience if isinstance(audience, list) else [audience])
        party = claims.get("azp", self._settings.client_id)
        if claims.get("iss") != self._settings.issuer or not meant or party != self._settings.client_id:
            raise ProviderError("the identity provider's answer is for somebody else")
        if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), pending.nonce.encode()):
            raise ProviderError("the identity provider's answer is to another question")
        ends = claims.get("exp")
        if not isinstance(ends, int | float) or now.timestamp() > ends + _OFF.total_seconds():
            raise ProviderError("the identity provider's answer is too old: is the clock right?")

    async def _discovered(self) -> Mapping[str, str]:
        if self._known is None:
            issuer = self._settings.issuer
            found = await _ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise ProviderError("the identity provider calls itself otherwise than console.oidc.issuer")
            known = {}
            for name in ("authorization_endpoint", "token_endpoint"):
                if not is_safe(url := str(found.get(name, ""))):
                    raise ProviderError(f"the identity provider's {name} is no https address")
                known[name] = url
            self._known = known
        return self._known


def is_safe(url: str) -> bool:
    """Whether nobody between can read or change what is sent there."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


async def _ask(method: str, url: str, **more: Any) -> Mapping[str, Any]:
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.request(method, url, headers={"Accept": "application/json"}, **more)
        if answer.status_code != httpx.codes.OK:
            raise ProviderError(
                f"the identity provider answered {answer.status_code} at {urlsplit(url).path}"
            )
        said = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderError(f"the identity provider cannot be asked: {type(error).__name__}") from error
    if not isinstance(said, dict):
        raise ProviderError("the identity provider's answer is not understood")
    return said


def _claims(token: object) -> Mapping[str, Any]:
    try:
        _, payload, _ = str(token).split(".")
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error) as error:
        raise ProviderError("the identity provider gave no ID token") from error
    if not isinstance(found, dict):
        raise ProviderError("the identity provider gave no ID token")
    return found
