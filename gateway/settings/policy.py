"""The numbers behind each decision (rules, section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any, Literal

from pydantic import Field, field_validator

from gateway.domain import Channel, MessageType
from gateway.settings.regions import REGIONS, WEEKDAYS, Region, Weekday
from gateway.settings.values import Section, TimeOfDay

_MIDNIGHT = time(0, 0)
# No billing and no advertising goes without consent (rules 1.3). "Feel free to call" may.
NEVER_SAID = (
    *(
        "bill",
        "bills",
        "billing",
        "invoice",
        "invoices",
        "balance due",
        "outstanding balance",
        "your balance",
    ),
    *(
        "payment",
        "payments",
        "pay",
        "owe",
        "owed",
        "debt",
        "debts",
        "past due",
        "fee",
        "fees",
        "copay",
        "co-pay",
    ),
    *("price", "prices", "discount", "discounts", "coupon", "coupons", "promotion", "promotions", "sale"),
    *("offer", "offers", "for free", "free of charge", "buy", "purchase", "$", "€"),
    *("factura", "facturas", "facturación", "saldo", "pago", "pagos", "pagar", "pague", "deuda", "deudas"),
    *("adeuda", "cobro", "cobros", "copago", "tarifa", "tarifas", "precio", "precios", "descuento"),
    *("descuentos", "cupón", "cupones", "promoción", "promociones", "oferta", "ofertas", "rebaja", "rebajas"),
    *("gratis", "gratuito", "gratuita", "compre"),
)


class Window(Section):
    """When a channel may be used, in the recipient's own time; equal times: all day (rules 1.10)."""

    opens: TimeOfDay = Field(time(8, 0), description="From when on messages of this kind may go.")
    closes: TimeOfDay = Field(time(21, 0), description="From when on they may not go any more.")
    days: tuple[Weekday, ...] = Field(
        WEEKDAYS, min_length=1, description="The days of the week on which they go."
    )
    holidays: bool = Field(
        True, description="Whether they go on public holidays of the recipient's state and country."
    )

    @field_validator("opens", "closes")
    @classmethod
    def _to_the_minute(cls, value: time) -> time:
        if value.second or value.microsecond:
            raise ValueError(f"{value} is not a time to the minute, such as {value:%H:%M}")
        return value


class AnyHour(Window):
    """When a channel may be used that disturbs nobody: at any hour, unless somebody says otherwise."""

    opens: TimeOfDay = Field(time(0, 0), description="From when on messages of this kind may go.")
    closes: TimeOfDay = Field(time(0, 0), description="From when on they may not go any more.")


class Caps(Section):
    """How many attempts one client gets at most, calls and texts together (rules 1.4)."""

    a_day: int = Field(3, ge=0, description="Calls and texts to one client in a day of theirs; 0: no limit.")
    a_week: int = Field(
        7, ge=0, description="Calls and texts to one client in a day and the six before it; 0: no limit."
    )
    gap_minutes: int = Field(
        0,
        ge=0,
        le=1440,
        description="Minutes between two calls or texts to one client, retries included; 0: none.",
    )


class ConsentSettings(Section):
    """What needs an entry of the consent ledger (rules 1.1, 1.2)."""

    emergencies_without: bool = Field(
        False,
        description="Send emergencies also where no consent is on record; whoever withdrew gets none.",
    )
    do_not_call_years: int = Field(
        5, ge=1, le=100, description="For how many years an entry of the do-not-call list binds."
    )
    marketing_way_out: bool = Field(
        True,
        description="Hold back advertising that does not say how to stop it: STOP, or in a call a key.",
    )
    way_out_words: int = Field(
        6,
        ge=1,
        le=50,
        description="The most words in a call before its key to stop, where it must come at once: 2 seconds.",
    )
    largest_document: int = Field(
        20_000_000, ge=1000, le=200_000_000, description="How many bytes a signed document has at most."
    )


class NoConsentSettings(Section):
    """The healthcare exemption of 47 CFR 64.1200 (a)(9)(iv): health messages without consent (rules 1.3)."""

    enabled: bool = Field(
        False,
        description="Call and text clients without consent on record, under every condition.",
    )
    types: tuple[MessageType, ...] = Field(
        (MessageType.UPCOMING_APPOINTMENTS,), description="The message types that may go without consent."
    )
    a_day: int = Field(1, ge=1, description="Calls and texts of this kind to one client in a day.")
    a_week: int = Field(3, ge=1, description="Calls and texts of this kind to one client in a week.")
    voice_seconds: int = Field(60, ge=1, description="The longest call of this kind, in seconds.")
    text_characters: int = Field(160, ge=1, description="The longest text of this kind, in characters.")
    never_said: tuple[str, ...] = Field(
        NEVER_SAID,
        description="Words of money and advertising that hold such a message back; names do not count.",
    )

    @field_validator("never_said")
    @classmethod
    def _no_blanks(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if any(not word.strip() for word in words):
            raise ValueError("an empty word would hold every message back: leave it out")
        return tuple(word.strip() for word in words)


class CascadeSettings(Section):
    """How the steps of a cascade follow each other."""

    unknown_hours: float = Field(
        24,
        ge=0,
        le=24 * 366,
        description="Hours that a step of unknown fate holds up the next, unless settled; 0: for good.",
    )


class Planning(Section):
    """Messages that are counted back from something, and broadcasts for later or that plan by themselves."""

    late_hours: float = Field(
        24.0,
        ge=0,
        le=24 * 366,
        description="Hours after its moment from which on such a message is stale and not sent; 0: no limit.",
    )
    ahead_hours: float = Field(
        24.0,
        ge=1,
        le=24 * 31,
        description="Hours that rules plan a broadcast before its first message.",
    )
    business_days: tuple[Weekday, ...] = Field(
        WEEKDAYS[:5],
        min_length=1,
        description="The days of the week that are business days, unless the clinic is closed then.",
    )


class ClosedSettings(Section):
    """When the clinic is closed, in its own time: nobody is there whom a recipient could call back."""

    days: tuple[Weekday, ...] = Field((), description="Days of the week on which the clinic is closed.")
    dates: tuple[str, ...] = Field(
        (),
        description="Dates on which it is closed: '2026-12-24', or first and last: '2026-12-24/2027-01-02'.",
    )
    holidays: bool = Field(False, description="Whether it is closed on public holidays of its own state.")
    channels: tuple[Channel, ...] = Field(
        (Channel.VOICE, Channel.SMS), description="The channels that wait while it is closed."
    )

    @field_validator("dates")
    @classmethod
    def _readable(cls, dates: tuple[str, ...]) -> tuple[str, ...]:
        for text in dates:
            days_of(text)
        return dates


def days_of(text: str) -> tuple[date, date]:
    """The first and the last day of a closure."""
    first, _, last = text.partition("/")
    try:
        found = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise ValueError(f"'{text}' is not a date such as '2026-12-24'") from None
    if found[1] < found[0]:
        raise ValueError(f"'{text}' ends before it begins")
    return found


ZoneFrom = Literal["client", "address", "clinic", "number"]


class LineSettings(Section):
    """What is known of a telephone number by its form alone (rules 1.12)."""

    landlines_get_texts: bool = Field(
        False, description="Send texts to numbers that the numbering plan gives to landlines."
    )
    impossible_dialled: bool = Field(
        False,
        description="Use numbers that no network has, also for tests; emergency numbers are never dialled.",
    )
    premium_dialled: bool = Field(False, description="Call numbers that cost whoever calls them extra.")


class PolicySettings(Section):
    """The numbers behind each decision (rules, section 1)."""

    voice: Window = Field(Window(), description="When clients and staff may be called.")
    sms: Window = Field(Window(), description="When texts may be sent.")
    email: AnyHour = Field(AnyHour(), description="When mails may be sent.")
    fax: AnyHour = Field(AnyHour(), description="When faxes may be sent.")
    emergencies_any_time: bool = Field(
        False, description="Send emergencies at any hour, also on holidays and while the clinic is closed."
    )
    zone_order: tuple[ZoneFrom, ...] = Field(
        ("client", "address", "clinic", "number"),
        min_length=1,
        description="Where a recipient's time zone is taken from: the first of these that knows one.",
    )
    regional: bool = Field(
        True, description="Keep the calling hours of states and countries, [policy.regions]."
    )
    regions: dict[str, Region] = Field(
        dict(REGIONS),
        validate_default=True,
        description="Calling hours by country or state (ISO 3166), beside the built-in ones.",
    )
    closed: ClosedSettings = Field(ClosedSettings(), description="When the clinic is closed.")
    caps: Caps = Field(Caps(), description="How often one client may be called and texted.")
    lines: LineSettings = Field(LineSettings(), description="Which telephone numbers are used.")
    cascade: CascadeSettings = Field(
        CascadeSettings(), description="How the steps of a cascade follow each other."
    )
    planning: Planning = Field(
        Planning(), description="Messages counted back from something, and rules that plan by themselves."
    )
    consent: ConsentSettings = Field(ConsentSettings(), description="What needs consent on record.")
    no_consent: NoConsentSettings = Field(
        NoConsentSettings(), description="Health messages without consent, off unless counsel says otherwise."
    )

    @field_validator("voice", "sms")
    @classmethod
    def _by_day(cls, window: Window) -> Window:
        """Mails and faxes may go over midnight; a call or text at night is a mistake."""
        if window.opens > window.closes > _MIDNIGHT:
            raise ValueError(
                f"opens at {window.opens:%H:%M}, after it closes at {window.closes:%H:%M}, so that calls or "
                "texts would go at night: opens must be earlier, such as 08:00, and closes later, such as "
                "21:00; 00:00 closes at midnight; set the one first that leaves room for the other"
            )
        return window

    @field_validator("regions", mode="before")
    @classmethod
    def _beside_the_built_in(cls, given: Any) -> Any:
        return {**REGIONS, **given} if isinstance(given, Mapping) else given
