"""The clinic, where its messages are kept and shown, and the rules that it sets."""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from gateway.domain import RetryKind, State
from gateway.settings.values import Host, Plain, Section, StoreUrl, Zone


class Clinic(Section):
    """Who speaks: the legal name opens every recorded or synthetic message (rules 1.5).

    `address` and `visit_minutes` go into the calendar event of a mail; 0 minutes: no event. The letterhead of
    mails and fax covers has the address, a line for each part between semicolons, `logo`, an image file, and
    in mails `colour`.
    """

    id: int = Field(1, ge=1, description="The number of this clinic among those that share one database.")
    name: Plain = Field(
        "Example Clinic",
        pattern=r"\S",
        max_length=200,
        description="The registered legal name: every recorded or synthetic message opens with it.",
    )
    callback: Plain = Field(
        "+12025550100",
        pattern=r"[0-9]",
        max_length=40,
        description="The number that patients may call back; the clinic owns and answers it.",
    )
    zone: Zone = Field(
        "America/New_York",
        description="The clinic's time zone, and that of recipients of whom no other is known.",
    )
    country: str = Field(
        "US",
        pattern="^[A-Z]{2}$",
        description="The country of numbers that are written without a country code.",
    )
    region: str = Field(
        "",
        pattern="^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$",
        description="The clinic's state (ISO 3166: US-TX), for recipients whose own is not known.",
    )
    language: str = Field(
        "en", pattern="^[a-z]{2}$", description="The language of recipients of whom no other is known."
    )
    address: Plain = Field(
        "", description="For the letterhead and calendar events; a semicolon begins a new line."
    )
    visit_minutes: int = Field(
        30,
        ge=0,
        le=1440,
        description="How long an appointment is in the calendar event of a mail; 0: no event.",
    )
    colour: str = Field(
        "#0b3b4f", pattern=r"^#[0-9A-Fa-f]{6}$", description="The colour of the letterhead of mails."
    )
    logo: Plain = Field(
        "", description="A PNG, JPEG or GIF of 100 kB at most for mails and fax covers. Empty: none."
    )

    @property
    def address_lines(self) -> tuple[str, ...]:
        """The address as it is written on paper."""
        return tuple(line.strip() for line in self.address.split(";") if line.strip())


class StoreSettings(Section):
    """Where messages are kept. Empty: SQLite in the instance folder."""

    url: StoreUrl = Field(
        "",
        description="The database. Empty: SQLite in the instance folder; else the address of a PostgreSQL.",
    )


class SecondFactor(StrEnum):
    """Who needs a code beside the password."""

    NOBODY = "nobody"
    ADMINISTRATORS = "administrators"
    EVERYBODY = "everybody"


class OidcSettings(Section):
    """The clinic's identity provider, by OpenID Connect. Empty `issuer`: users sign in by password alone."""

    issuer: str = Field(
        "",
        pattern=r"^(https://[^\s<>\"]+|http://(127\.0\.0\.1|localhost)(:\d+)?[^\s<>\"]*)?$",
        description="The provider's address as it calls itself. Empty: users sign in by password alone.",
    )
    client_id: str = Field("", description="What the provider calls this console.")
    client_secret: SecretStr = Field(SecretStr(""), description="The secret that the provider gave for it.")
    claim: Plain = Field("email", description="What of the provider's answer is the user's login here.")
    name: Plain = Field("", max_length=60, description="What the button of the sign-in page calls it.")


class ConsoleSettings(Section):
    """The web console; port 0 takes a free one.

    `certificate` and `key` together: the console itself speaks TLS. `url`: what browsers call it, behind a
    proxy or by a name; `proxies`: whose word is taken for where a request came from.
    """

    enabled: bool = Field(True, description="Whether the web console is there.")
    host: Host = Field("127.0.0.1", description="The address of this machine that the console listens on.")
    port: int = Field(8480, ge=0, le=65535, description="The port of the console; 0 takes any free one.")
    url: str = Field(
        "",
        pattern=r"^(https?://[^/\s<>\"@]+)?$",
        description="What browsers call it, such as https://ringwell.clinic.example. Empty: host and port.",
    )
    certificate: str = Field(
        "", description="A PEM file with the certificate of the console, and those above it. Empty: no TLS."
    )
    key: str = Field("", description="A PEM file with the certificate's private key.")
    proxies: tuple[Host, ...] = Field(
        (), description="Addresses of reverse proxies that say where a request came from, and whether by TLS."
    )
    idle_minutes: int = Field(
        15, ge=1, le=720, description="After how many minutes without a touch a user is signed out."
    )
    longest_hours: int = Field(
        12, ge=1, le=24, description="After how many hours a user is signed out, however busy."
    )
    second_factor: SecondFactor = Field(
        SecondFactor.ADMINISTRATORS,
        description="Who needs a code of an app beside the password: administrators, everybody or nobody.",
    )

    oidc: OidcSettings = OidcSettings()

    @model_validator(mode="after")
    def _whole(self) -> ConsoleSettings:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key go together: set both, or neither")
        return self


class PublicSettings(Section):
    """What recipients may reach without a login: one-click unsubscribing. Empty `url`: nothing."""

    url: str = Field(
        "",
        pattern=r"^(https://[^\s<>\"]+)?$",
        description="The web address where recipients unsubscribe, behind your TLS proxy. Empty: nothing.",
    )
    host: Host = Field("127.0.0.1", description="The address of this machine that your proxy finds it on.")
    port: int = Field(8481, ge=0, le=65535, description="The port that your proxy finds it on.")


class Interval(Section):
    """How long to wait before the next attempt, and how many attempts at most: in all, and in a day.

    The day is the recipient's own; 0: no limit of a day.
    """

    after_seconds: float = Field(gt=0, description="Seconds until the next attempt.")
    attempts: int = Field(ge=1, description="Attempts at most.")
    per_day: int = Field(
        0, ge=0, description="Attempts at most in one day of the recipient; 0: no limit of a day."
    )

    def pause(self, before: int) -> float:
        """Seconds until the next attempt, after one that had so many `before` it."""
        return self.after_seconds


# Beyond it doubling is of no use, and would overflow.
_MOST_DOUBLINGS = 30


class GrowingInterval(Interval):
    """An interval that doubles with each attempt, up to `longest_seconds`."""

    longest_seconds: float = Field(
        gt=0, description="The longest pause: each one is twice as long as the one before."
    )

    def pause(self, before: int) -> float:
        """See Interval."""
        grown = self.after_seconds * 2.0 ** min(before, _MOST_DOUBLINGS)
        return max(self.after_seconds, min(grown, self.longest_seconds))


class RetrySettings(Section):
    """What follows an attempt that did not reach anybody (rules, section 7)."""

    busy: Interval = Interval(after_seconds=300, attempts=3, per_day=3)
    no_answer: Interval = Interval(after_seconds=3600, attempts=3, per_day=3)
    passing: Interval = Interval(after_seconds=300, attempts=6)
    temporary: Interval = Interval(after_seconds=1800, attempts=5)
    # 33 attempts are five days (RFC 5321, 4.5.4.1); most mails end earlier, at their appointment.
    mail: GrowingInterval = GrowingInterval(after_seconds=1800, longest_seconds=14_400, attempts=33)
    declined: Interval = Interval(after_seconds=3600, attempts=2, per_day=1)
    line_down: Interval = Interval(after_seconds=30, attempts=1_000_000)
    fax_busy: Interval = Interval(after_seconds=180, attempts=5)
    fax_no_answer: Interval = Interval(after_seconds=300, attempts=3, per_day=3)
    fax_error: Interval = Interval(after_seconds=60, attempts=5)

    def interval(self, kind: RetryKind) -> Interval:
        """The interval for this kind of failure."""
        found: Interval = getattr(self, kind.name.lower())
        return found


class Webhook(Section):
    """A program that is told of each change of a message's state; `personal`: with address and client's id.

    `secret` signs what is sent, as Standard Webhooks do; `states` empty: all of them. `appointments`: told
    when a patient confirms or cancels one, too.
    """

    url: str = Field(
        pattern=r"^https?://[^\s/]+(/\S*)?$",
        max_length=500,
        description="The address of a program that is told of each change of a message's state.",
    )
    secret: SecretStr = Field(min_length=24, description="Signs what is sent, as Standard Webhooks do.")
    states: tuple[State, ...] = Field((), description="The states that it is told of. Empty: all of them.")
    personal: bool = Field(False, description="Whether it is told the address and the client's id as well.")
    appointments: bool = Field(
        False, description="Whether it is told when a patient confirms or cancels an appointment."
    )

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        # By whom it is read later. Imported late: a client for HTTP that most gateways do without.
        from httpx import URL, InvalidURL

        try:
            URL(url)
            _ = urlsplit(url).port  # beyond 65535 it raises
        except (InvalidURL, ValueError) as error:
            raise ValueError(f"is not a web address such as https://practice.example/told: {error}") from None
        return url

    @field_validator("secret")
    @classmethod
    def _usable(cls, secret: SecretStr) -> SecretStr:
        signing_key(secret.get_secret_value())
        return secret

    @field_validator("url")
    @classmethod
    def _encrypted(cls, url: str) -> str:
        if url.startswith("http://") and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("must begin with https:// unless it is this machine")
        return url


_MARKED_SECRET = "whsec_"
_SHORTEST_KEY = 24


def signing_key(secret: str) -> bytes:
    """What a webhook's secret stands for: base64 after whsec_, as Standard Webhooks say, else itself."""
    if not secret.startswith(_MARKED_SECRET):
        return secret.encode()
    told = secret.removeprefix(_MARKED_SECRET).rstrip("=")
    try:
        key = base64.b64decode(told + "=" * (-len(told) % 4), validate=True)
    except (binascii.Error, ValueError):
        # Never shown: it is a secret.
        raise ValueError(f"must be base64 after {_MARKED_SECRET}: letters, digits, + and /") from None
    if len(key) < _SHORTEST_KEY:
        raise ValueError(f"must hold at least {_SHORTEST_KEY} bytes after {_MARKED_SECRET}")
    return key


class EventSettings(Section):
    """Whether changes of states are written down for streams (webhooks do it anyway), and for how long."""

    enabled: bool = Field(
        False, description="Whether changes of states are written down for programs that follow them."
    )
    keep_days: int = Field(7, ge=1, le=90, description="Days that they are kept.")


class DispatchSettings(Section):
    """How the queue is worked; `drain_seconds`: how long an orderly stop waits for calls that are up."""

    claim: int = Field(200, ge=1, le=500, description="Messages taken from the queue at once.")
    micro_batch: int = Field(50, ge=1, le=50, description="Messages started in one transaction.")
    lease_seconds: float = Field(
        60.0, gt=0, description="Seconds after which another gateway takes over what one that died held."
    )
    poll_seconds: float = Field(0.2, gt=0, description="Seconds between two looks for due messages.")
    receipt_seconds: float = Field(
        86400.0,
        gt=0,
        description="Seconds after a message's end until a missing receipt is taken as unconfirmed.",
    )
    drain_seconds: float = Field(
        120.0, ge=0, le=3600, description="Seconds that an orderly stop waits for calls that are up."
    )
