"""Everything an installation decides, read and merged once."""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic_settings
from pydantic import Field, PrivateAttr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from gateway.settings import apart
from gateway.settings.faxes import FaxSettings
from gateway.settings.house import (
    Clinic,
    ConsoleSettings,
    DispatchSettings,
    EventSettings,
    PublicSettings,
    RetrySettings,
    StoreSettings,
    Webhook,
)
from gateway.settings.letters import (
    Bind,
    Campaign,
    DkimKey,
    MailSettings,
    NotifySettings,
    Relay,
    ReturnSettings,
    TextSettings,
)
from gateway.settings.policy import PolicySettings
from gateway.settings.telephone import (
    AsteriskSettings,
    CallbackSettings,
    StaffLine,
    StudioSettings,
    Trunk,
    VoiceSettings,
)
from gateway.settings.values import LineName, Plain, SettingsError
from gateway.settings.wrong import place, told


class Settings(BaseSettings):
    """Everything an installation decides."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="RINGWELL_", env_nested_delimiter="__"
    )

    instance: Path = Field(
        Path("~/.local/share/ringwell"),
        description="The folder of the database, the exchange, locks and logs.",
    )
    node: Plain = Field(
        default_factory=socket.gethostname,
        description="The name of this gateway among others on one database.",
    )
    clinic: Clinic = Clinic()
    store: StoreSettings = StoreSettings()
    console: ConsoleSettings = ConsoleSettings()
    asterisk: AsteriskSettings = AsteriskSettings()
    trunks: dict[LineName, Trunk] = Field(default_factory=dict, description="Lines to telephone providers.")
    voice: VoiceSettings = VoiceSettings()
    studio: StudioSettings = StudioSettings()
    staff_line: StaffLine = StaffLine()
    callback: CallbackSettings = CallbackSettings()
    texts: TextSettings = TextSettings()
    binds: dict[LineName, Bind] = Field(default_factory=dict, description="Connections to text providers.")
    campaigns: dict[LineName, Campaign] = Field(
        default_factory=dict, description="Limits of registered campaigns."
    )
    mail: MailSettings = MailSettings()
    notify: NotifySettings = NotifySettings()
    relays: dict[str, Relay] = Field(default_factory=dict, description="Mail servers that take our mail.")
    dkim: dict[str, DkimKey] = Field(default_factory=dict, description="Keys that sign mail, by selector.")
    returns: ReturnSettings = ReturnSettings()
    public: PublicSettings = PublicSettings()
    fax: FaxSettings = FaxSettings()
    policy: PolicySettings = PolicySettings()
    retry: RetrySettings = RetrySettings()
    dispatch: DispatchSettings = DispatchSettings()
    events: EventSettings = EventSettings()
    webhooks: dict[LineName, Webhook] = Field(
        default_factory=dict, description="Programs that are told of each change of a message's state."
    )

    # Which settings the file and the environment named, and the last change made while running.
    _named: dict[str, str] = PrivateAttr(default_factory=dict)
    _changed: int = PrivateAttr(default=0)

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

    @model_validator(mode="after")
    def _binds_agree(self) -> Settings:
        for name, bind in self.binds.items():
            if bind.campaign and bind.campaign not in self.campaigns:
                raise ValueError(f"binds.{name}: campaign {bind.campaign!r} is not one of [campaigns]")
        days: dict[str, tuple[int, str]] = {}
        for name, campaign in self.campaigns.items():
            of_day = (campaign.per_day, campaign.zone)
            if days.setdefault(campaign.brand or name, of_day) != of_day:
                raise ValueError(f"campaigns.{name}: those of one brand must agree in per_day and zone")
        providers = {(bind.host, bind.port, bind.system_id) for bind in self.binds.values()}
        for name, bind in self.binds.items():
            if len(providers) > 1 and not bind.account:
                # Two providers may give two texts the same id: a receipt would settle the wrong one.
                raise ValueError(
                    f"binds.{name}: with several hosts or users each bind needs an 'account'; the same one "
                    "where receipts may come over either"
                )
        return self

    @model_validator(mode="after")
    def _lines_are_apart(self) -> Settings:
        if wrong := apart.clash(self.staff_line, self.trunks):
            raise ValueError(wrong)
        return self

    @model_validator(mode="after")
    def _inboxes_agree(self) -> Settings:
        taken: dict[str, str] = {}
        for name, inbox in self.fax.inboxes.items():
            where = f"fax.inboxes.{name}"
            for number in (*inbox.numbers, *inbox.shared_numbers):
                if taken.setdefault(number, name) != name:
                    raise ValueError(f"{where}: a number belongs to [fax.inboxes.{taken[number]}] already")
            if inbox.shared_numbers and not self.callback.enabled:
                raise ValueError(f"{where}: shared_numbers need [callback] enabled: it takes their calls")
            if inbox.notify and not self.relays:
                raise ValueError(f"{where}: notify needs a mail relay in [relays]")
            if self.asterisk.host:
                raise ValueError(f"{where}: faxes come in only through the exchange that Ringwell runs")
        return self

    @model_validator(mode="after")
    def _staff_can_be_told(self) -> Settings:
        for name, addresses in self.notify:
            if addresses and not self.relays:
                raise ValueError(f"notify.{name} needs a mail relay in [relays]")
        return self

    @property
    def changed(self) -> int:
        """The number of the last change made while running; 0: these are the file's."""
        return self._changed

    def as_changed(self, last: int) -> Settings:
        """The same with the number of the last change made while running."""
        found = self.model_copy()
        found._changed = last
        return found

    def origin(self, name: str) -> str:
        """Where a setting's value comes from: `environment`, `file` or `default`."""
        for of in ("environment", "file"):
            if any(name == one or name.startswith(f"{one}.") for one, by in self._named.items() if by == of):
                return of
        return "default"

    @property
    def folder(self) -> Path:
        """The instance folder: database, exchange, lock and logs live below it."""
        return self.instance.expanduser()

    @property
    def recordings(self) -> Path:
        """The folder of recordings; in the instance folder unless set."""
        return (self.studio.recordings or self.folder / "recordings").expanduser().absolute()

    @property
    def received_faxes(self) -> Path:
        """The folder of faxes that came in, as PDF."""
        return (self.folder / "faxes").absolute()

    @property
    def signed_documents(self) -> Path:
        """The folder of documents that clients signed, each under its hash."""
        return (self.folder / "signed").absolute()

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
        found = Settings(**data)
        found._named.update(_names(data))
        return found
    except pydantic_settings.SettingsError as error:
        raise SettingsError(f"the environment (RINGWELL_…): {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = place(first["loc"]) or "settings"
        raise SettingsError(f"setting {name}: {told(first, Settings)}") from error


def _names(data: dict[str, Any]) -> dict[str, str]:
    """What the file and the environment name, by dotted name; the environment wins."""
    prefix = "RINGWELL_"
    variables = [name.removeprefix(prefix) for name in os.environ if name.startswith(prefix)]
    of_environment = {name.lower().replace("__", "."): "environment" for name in variables}
    return dict.fromkeys(_leaves("", data), "file") | of_environment


def _leaves(prefix: str, table: dict[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}"


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
