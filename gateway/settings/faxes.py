"""Faxes that go out and come in."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal

from pydantic import Field

from gateway.settings.values import LineName, MailAddress, Plain, Section, TelephoneNumber


class FaxInbox(Section):
    """Staff who get the faxes that come to these numbers, each told by email that one came.

    `shared_numbers` take calls as well: a fax machine is known by its tone, while the caller is spoken to.
    """

    title: Plain = Field("", max_length=80, description="What the inbox is called.")
    numbers: tuple[TelephoneNumber, ...] = Field((), description="Numbers that take faxes alone.")
    shared_numbers: tuple[TelephoneNumber, ...] = Field(
        (), description="Numbers that take calls as well: a fax is known by its tone."
    )
    notify: tuple[MailAddress, ...] = Field((), description="Who is told by email that a fax came.")


_PLAIN_SIGNS = str.maketrans("‐‑‒–—‘’“”", "-----''\"\"")


class FaxCover(Section):
    """What cover pages say in one language, with placeholders (docs/faxes.md); empty: the words that ship."""

    heading: str = Field("", description="The heading of the cover page. Empty: the words that ship.")
    details: str = Field(
        "", description="Sender, recipient and pages on the cover page. Empty: the words that ship."
    )
    notice_heading: str = Field(
        "", description="The heading of the notice on confidentiality. Empty: the words that ship."
    )
    notice: str = Field("", description="The notice on confidentiality. Empty: the words that ship.")
    continued: str = Field(
        "", description="What is said when missing pages follow. Empty: the words that ship."
    )


Language = Annotated[str, Field(pattern="^[a-z]{2}$")]


class FaxSettings(Section):
    """The header line printed on each page (rules 6.1) and the station that sends it."""

    # The fax software prints no line at all when it is longer.
    header: Plain = Field(
        "Example Clinic",
        pattern=r"\S",
        max_length=50,
        description="Printed on each page with date and time; 50 characters at most.",
    )
    station_id: str = Field(
        "+12025550100",
        pattern=r"^[+0-9][0-9 ]{0,19}$",
        description="The number that the other fax machine is shown.",
    )
    max_pages: int = Field(100, ge=1, description="Pages of one fax at most.")
    # Standard sends twice as fast, and small print suffers.
    resolution: Literal["fine", "standard"] = Field(
        "fine", description="Fine, or standard, which sends twice as fast: small print suffers."
    )
    covers: dict[Language, FaxCover] = Field(
        default_factory=dict, description="What cover pages say, by language."
    )
    # Faxes that come in are refused, to be sent again later, while the disk has less room than this.
    keep_free_mb: int = Field(
        200, ge=1, description="Megabytes of free disk below which faxes that come in are put off."
    )
    inboxes: dict[LineName, FaxInbox] = Field(
        default_factory=dict, description="Numbers that take faxes, and who is told of them."
    )

    @property
    def header_line(self) -> str:
        """The header in the letters that the fax software has: accents are dropped."""
        plainly = unicodedata.normalize("NFKD", self.header.translate(_PLAIN_SIGNS))
        return "".join(mark if mark.isascii() else "?" for mark in plainly if not unicodedata.combining(mark))
