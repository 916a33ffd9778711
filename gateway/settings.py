"""Typed settings, merged once: built-in defaults, then the TOML file, then `RINGWELL_…` of the environment.

Environment names follow the file's tables with two underscores: `RINGWELL_STORE__URL`. Secrets are
`SecretStr`: printing settings never shows them.
"""

from __future__ import annotations

import os
import re
import socket
import tomllib
from contextlib import suppress
from datetime import time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import pydantic_settings
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.domain import RetryKind, RingwellError


class SettingsError(RingwellError):
    """A setting is wrong; the message is one line that names it."""


def _zone_name(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"'{name}' is not a time zone name such as 'America/New_York'")
    return name


def _plain(value: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ValueError("holds a control character")
    return value


def _host_name(value: str) -> str:
    with suppress(ValueError):
        return str(ip_address(value))
    labels = value.removesuffix(".").split(".")
    if len(value) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{value!r} is not a host name or an address")
    return value


def _store_url(value: str) -> str:
    if value and not re.match(r"(sqlite|postgresql)(\+\w+)?://.", _plain(value)):
        # Never shown: it may hold a password.
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return value


_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")

Zone = Annotated[str, AfterValidator(_zone_name)]
Plain = Annotated[str, AfterValidator(_plain)]
Host = Annotated[str, AfterValidator(_host_name)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]


class Section(BaseModel):
    """A table of the settings file; unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Clinic(Section):
    """Who speaks: the legal name opens every recorded or synthetic message (rules 1.5).

    `address` and `visit_minutes` go into the calendar event of a mail; 0 minutes: no event.
    """

    id: int = Field(1, ge=1)
    name: Plain = Field("Example Clinic", pattern=r"\S", max_length=200)
    callback: Plain = Field("+12025550100", pattern=r"[0-9]", max_length=40)
    zone: Zone = "America/New_York"
    country: str = Field("US", pattern="^[A-Z]{2}$")
    language: str = Field("en", pattern="^[a-z]{2}$")
    address: Plain = ""
    visit_minutes: int = Field(30, ge=0, le=1440)


class StoreSettings(Section):
    """Where messages are kept. Empty: SQLite in the instance folder."""

    url: StoreUrl = ""


class ConsoleSettings(Section):
    """The web console; port 0 takes a free one."""

    enabled: bool = True
    host: Host = "127.0.0.1"
    port: int = Field(8480, ge=0, le=65535)


class AsteriskSettings(Section):
    """The exchange that Ringwell runs from the instance folder, on loopback with a random secret."""

    ami_port: int = Field(0, ge=0, le=65535)
    sip_port: int = Field(0, ge=0, le=65535)
    username: str = Field("ringwell", pattern=r"^[A-Za-z0-9_-]{1,40}$")


class MachineDetection(Section):
    """What Asterisk's AMD goes by: milliseconds, a count of words, and a level of 16-bit sound.

    `ringwell amd calibrate` finds those of your lines. The order is that of the application's arguments.
    """

    initial_silence: int = Field(2500, ge=500, le=10000)
    greeting: int = Field(1000, ge=300, le=10000)
    after_greeting_silence: int = Field(600, ge=100, le=5000)
    total_analysis_time: int = Field(5000, ge=1000, le=20000)
    min_word_length: int = Field(100, ge=20, le=1000)
    between_words_silence: int = Field(50, ge=10, le=1000)
    maximum_number_of_words: int = Field(4, ge=1, le=20)
    silence_threshold: int = Field(256, ge=1, le=32767)
    maximum_word_length: int = Field(5000, ge=500, le=20000)

    @property
    def arguments(self) -> str:
        """Those of AMD(): the fields in this order."""
        return ",".join(str(value) for value in self.model_dump().values())


class Trunk(Section):
    """A SIP line to a telephone provider; the first one declared carries calls and faxes."""

    host: Host = "127.0.0.1"
    port: int = Field(5060, ge=1, le=65535)
    username: Plain = ""
    password: SecretStr = SecretStr("")
    caller_id: Plain = Field("+12025550100", pattern=r"[0-9]", max_length=80)
    max_calls: int = Field(4, ge=1)
    max_faxes: int = Field(1, ge=1)
    calls_per_second: float = Field(1.0, gt=0)
    ring_seconds: int = Field(25, ge=15, le=120)
    detect_machines: bool = True
    amd: MachineDetection = MachineDetection()
    max_call_seconds: int = Field(180, ge=10)


class VoiceSettings(Section):
    """How calls sound. `prompts`: own recordings, one WAV file each; `models`: downloaded voices.

    `names`: a TOML file of how names are said. `front_desk`: an extension of the clinic's own exchange, or a
    number with a plus, over the trunk; empty: no transfers. `warn_seconds`: the rules' limit of a message.
    """

    prompts: Path | None = None
    models: Path | None = None
    cache_mb: int = Field(2000, ge=10)
    workers: int = Field(1, ge=1)
    names: Path | None = None
    ahead_minutes: int = Field(45, ge=0, le=60)
    warn_seconds: float = Field(60.0, gt=0)
    front_desk: str = Field("", pattern=r"^(\+[0-9]{5,18}|[0-9*#]{1,12})?$")
    desk_ring_seconds: int = Field(25, ge=5, le=120)
    transfer_seconds: int = Field(1800, ge=60, le=14400)
    answer_seconds: float = Field(5.0, ge=1)
    wait_for_beep_seconds: int = Field(45, ge=1, le=120)
    silence_for_beep_seconds: float = Field(2.5, ge=0.5, le=10)


class StudioSettings(Section):
    """Where staff record prompts by phone; `port` is for the exchange, on loopback."""

    extension: str = Field("7700", pattern=r"^[0-9*#]{1,12}$")
    recordings: Path | None = None
    port: int = Field(0, ge=0, le=65535)
    calls: int = Field(30, ge=1, le=200)
    loudness: float = Field(-23.0, ge=-40, le=-10)
    longest_seconds: int = Field(120, ge=5, le=600)
    upload_mb: int = Field(20, ge=1, le=200)
    pin_digits: int = Field(6, ge=6, le=12)
    tries_per_call: int = Field(3, ge=1, le=10)
    tries_before_lock: int = Field(3, ge=1, le=10)
    lock_minutes: int = Field(15, ge=1)
    tries_per_hour: int = Field(5, ge=1)
    tries_per_day: int = Field(10, ge=1)


class StaffLine(Section):
    """The clinic's own exchange, whose telephones may dial the studio; an empty host: there is none."""

    host: Host | Literal[""] = ""
    port: int = Field(5060, ge=1, le=65535)
    username: Plain = ""
    password: SecretStr = SecretStr("")


IdForm = Literal["text", "hex"]


class Bind(Section):
    """An SMPP connection to an SMSC.

    `response_ids`, `receipt_ids`: how it writes message ids in responses and in receipts; decimal is text.
    """

    host: Host = "127.0.0.1"
    port: int = Field(2775, ge=1, le=65535)
    system_id: Plain = "ringwell"
    password: SecretStr = SecretStr("")
    source: Plain = "+12025550100"
    window: int = Field(10, ge=1, le=1000)
    per_second: float = Field(10.0, gt=0)
    enquire_link_seconds: float = Field(30.0, gt=0)
    response_seconds: float = Field(60.0, gt=0)
    gsm7_default: bool = True
    response_ids: IdForm = "text"
    receipt_ids: IdForm = "text"


class Relay(Section):
    """An SMTP relay that takes our mail.

    The lowest `priority` that is up is used; among equals `weight` shares the mail out. `token_file`: an
    OAuth access token (XOAUTH2), read at each login, so that whatever renews it need not know us.
    """

    host: Host = "127.0.0.1"
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Plain = ""
    password: SecretStr = SecretStr("")
    token_file: Plain = ""
    sender: Plain = "reminders@clinic.example"
    priority: int = Field(0, ge=0)
    weight: float = Field(1.0, gt=0)
    connections: int = Field(4, ge=1, le=100)
    per_destination: int = Field(20, ge=1)
    messages_per_connection: int = Field(100, ge=1)
    seconds_per_connection: float = Field(300.0, gt=0)


class DkimKey(Section):
    """A key that signs mail; its name is the selector. `domain` empty: that of the relay's sender."""

    file: Path
    domain: Plain = ""


class ReturnSettings(Section):
    """Where bounces, complaints and replies to mail come back: a domain whose mail is routed to this port.

    Port 0: no listener. `secret` seals the addresses; empty takes one of the instance's own, which several
    gateways on one database must not do.
    """

    domain: Plain = ""
    host: Host = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    secret: SecretStr = SecretStr("")


class PublicSettings(Section):
    """What recipients may reach without a login: one-click unsubscribing. Empty `url`: nothing."""

    url: str = Field("", pattern=r"^(https://[^\s<>\"]+)?$")
    host: Host = "127.0.0.1"
    port: int = Field(8481, ge=0, le=65535)


class FaxSettings(Section):
    """The header line printed on each page (rules 6.1) and the station that sends it."""

    header: Plain = Field("Example Clinic", pattern=r"\S", max_length=80)
    station_id: str = Field("+12025550100", pattern=r"^[+0-9][0-9 ]{0,19}$")
    max_pages: int = Field(100, ge=1)


class Window(Section):
    """When a channel may be used, in the recipient's own time."""

    opens: time = time(8, 0)
    closes: time = time(21, 0)


class PolicySettings(Section):
    """The numbers behind each decision (rules, section 1)."""

    voice: Window = Window()
    sms: Window = Window()
    email: Window = Window(opens=time(0, 0), closes=time(0, 0))
    fax: Window = Window(opens=time(0, 0), closes=time(0, 0))


class Interval(Section):
    """How long to wait before the next attempt, and how many attempts at most."""

    after_seconds: float = Field(gt=0)
    attempts: int = Field(ge=1)


class RetrySettings(Section):
    """What follows an attempt that did not reach anybody (rules, section 7)."""

    busy: Interval = Interval(after_seconds=300, attempts=3)
    no_answer: Interval = Interval(after_seconds=3600, attempts=3)
    passing: Interval = Interval(after_seconds=300, attempts=6)
    temporary: Interval = Interval(after_seconds=1800, attempts=5)
    declined: Interval = Interval(after_seconds=86400, attempts=2)
    line_down: Interval = Interval(after_seconds=30, attempts=1_000_000)

    def interval(self, kind: RetryKind) -> Interval:
        """The interval for this kind of failure."""
        found: Interval = getattr(self, kind.name.lower())
        return found


class DispatchSettings(Section):
    """How the queue is worked."""

    claim: int = Field(200, ge=1, le=500)
    micro_batch: int = Field(50, ge=1, le=50)
    lease_seconds: float = Field(60.0, gt=0)
    poll_seconds: float = Field(0.2, gt=0)
    receipt_seconds: float = Field(86400.0, gt=0)


class Settings(BaseSettings):
    """Everything an installation decides."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="RINGWELL_", env_nested_delimiter="__"
    )

    instance: Path = Path("~/.local/share/ringwell")
    node: Plain = Field(default_factory=socket.gethostname)
    clinic: Clinic = Clinic()
    store: StoreSettings = StoreSettings()
    console: ConsoleSettings = ConsoleSettings()
    asterisk: AsteriskSettings = AsteriskSettings()
    trunks: dict[str, Trunk] = Field(default_factory=dict)
    voice: VoiceSettings = VoiceSettings()
    studio: StudioSettings = StudioSettings()
    staff_line: StaffLine = StaffLine()
    binds: dict[str, Bind] = Field(default_factory=dict)
    relays: dict[str, Relay] = Field(default_factory=dict)
    dkim: dict[str, DkimKey] = Field(default_factory=dict)
    returns: ReturnSettings = ReturnSettings()
    public: PublicSettings = PublicSettings()
    fax: FaxSettings = FaxSettings()
    policy: PolicySettings = PolicySettings()
    retry: RetrySettings = RetrySettings()
    dispatch: DispatchSettings = DispatchSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @property
    def folder(self) -> Path:
        """The instance folder: database, exchange, lock and logs live below it."""
        return self.instance.expanduser()

    @property
    def recordings(self) -> Path:
        """The folder of recordings; in the instance folder unless set."""
        return (self.studio.recordings or self.folder / "recordings").expanduser().absolute()

    @property
    def store_url(self) -> str:
        """The database; SQLite in the instance folder unless set."""
        return self.store.url or f"sqlite:///{self.folder / 'ringwell.sqlite3'}"


def load(file: Path | None = None) -> Settings:
    """Settings from `file` with the environment over it; SettingsError names the first wrong one."""
    try:
        data: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
    except OSError as error:
        raise SettingsError(f"cannot read settings file {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {file} is not TOML: {error}") from error
    _refuse_unknown_environment()
    try:
        return Settings(**data)
    except pydantic_settings.SettingsError as error:
        raise SettingsError(f"the environment (RINGWELL_…): {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        reason = "is not a known setting" if first["type"] == "extra_forbidden" else first["msg"]
        raise SettingsError(f"setting {name}: {reason.removeprefix('Value error, ')}") from error


# Read by the set-up and the command line, not settings of an installation.
_OTHER_VARIABLES = {"RINGWELL_CACHE", "RINGWELL_CONFIG"}


def _refuse_unknown_environment() -> None:
    for name in os.environ:
        if name.startswith("RINGWELL_") and name not in _OTHER_VARIABLES:
            table = name.removeprefix("RINGWELL_").split("__")[0].lower()
            if table not in Settings.model_fields:
                raise SettingsError(f"setting {name} (environment): is not a known setting")


def cache_folder() -> Path:
    """Where provisioned and rendered things are kept: RINGWELL_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("RINGWELL_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "ringwell"
