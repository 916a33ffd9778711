"""What is sent, and the attempt that carries it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Speech:
    """Words for a synthetic voice: one part of a Script."""

    text: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A named own-voice recording: one part of a Script. An empty language takes any."""

    name: str
    language: str = ""


Parts = tuple[Speech | Prompt, ...]


class Action(StrEnum):
    """What a key of a call's menu does."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    REPEAT = "repeat"
    TRANSFER = "transfer"
    OPT_OUT = "opt-out"
    LANGUAGE = "language"


class OnMachine(StrEnum):
    """What an answering machine gets: `leave-more` leaves a message and calls again for a person."""

    LEAVE = "leave"
    LEAVE_MORE = "leave-more"
    HANG_UP = "hang-up"
    LATER = "later"


Menu = Mapping[str, Action]


def usual_menu() -> dict[str, Action]:
    """The keys of a template that names none."""
    return {"1": Action.CONFIRM, "9": Action.OPT_OUT}


@dataclass(frozen=True, slots=True)
class Desk:
    """What is said around a transfer: to staff alone before they are connected, and to the patient."""

    announcement: Parts
    connecting: Parts
    away: Parts


@dataclass(frozen=True, slots=True)
class Script:
    """What a call plays: parts for a person, and for an answering machine.

    `other`: the person's parts in the language that the language key changes to; `desk`: for a transfer.
    """

    person: Parts
    machine: Parts
    menu: Menu = field(default_factory=usual_menu)
    other: Parts = ()
    desk: Desk | None = None
    on_machine: OnMachine = OnMachine.LEAVE


@dataclass(frozen=True, slots=True)
class Sounds:
    """A Script rendered: telephone-rate WAV files in the order in which they are played.

    `announcement` is for the front desk, `connecting` and `away` are what the patient hears around it.
    """

    person: tuple[Path, ...]
    machine: tuple[Path, ...]
    menu: Menu = field(default_factory=usual_menu)
    other: tuple[Path, ...] = ()
    announcement: tuple[Path, ...] = ()
    connecting: tuple[Path, ...] = ()
    away: tuple[Path, ...] = ()
    on_machine: OnMachine = OnMachine.LEAVE


@dataclass(frozen=True, slots=True)
class Text:
    """A text message."""

    body: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail; `type` is its MIME type."""

    name: str
    type: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class File:
    """A file that is to go with a mail, under this name."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Invitation:
    """An appointment for the recipient's calendar; the same `uid` moves it, or takes it away again."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str = ""
    cancelled: bool = False


# By this name the HTML of a mail speaks of the clinic's logo, which travels with it.
LOGO = "logo@ringwell"


@dataclass(frozen=True, slots=True)
class Mail:
    """An email with both parts; `html` is a whole document. Prepared, its `files` are attachments."""

    subject: str
    text: str
    html: str
    to_name: str = ""
    invitation: Invitation | None = None
    attachments: tuple[Attachment, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class FaxLetter:
    """A fax before rendering: a text or a document (PDF, PNG, JPEG, TIFF), and what the cover page says."""

    to_name: str
    subject: str
    text: str = ""
    document: Path | None = None
    to_number: str = ""
    # Of the cover page; empty: the clinic's.
    language: str = ""


@dataclass(frozen=True, slots=True)
class FaxImage:
    """A fax rendered: one TIFF-F holding cover and body. `continued`: the note on the cover of its rest."""

    tiff: Path
    pages: int
    continued: str = ""


Content = Script | Sounds | Text | Mail | FaxLetter | FaxImage


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver one Message; its id travels with it wherever a protocol carries one."""

    clinic: int
    message: int
    number: int
    address: str
    content: Content
    expires_at: datetime | None = None

    @property
    def id(self) -> str:
        """Stable over restarts, e.g. `rw-1-1042-2`: clinic 1, message 1042, second attempt."""
        return attempt_id(self.clinic, self.message, self.number)


def attempt_id(clinic: int, message: int, number: int) -> str:
    """The name of an attempt as it travels in ActionID, ChannelId and Message-ID."""
    return f"rw-{clinic}-{message}-{number}"


# No longer than the store can hold: a stranger may write what looks like an id.
_NUMBER = re.compile(r"[0-9]{1,18}")


def parse_attempt_id(text: str) -> tuple[int, int, int] | None:
    """(clinic, message, number) of an attempt id, or None when the text is not one."""
    parts = text.split("-")
    if len(parts) != 4 or parts[0] != "rw" or not all(_NUMBER.fullmatch(part) for part in parts[1:]):
        return None
    return int(parts[1]), int(parts[2]), int(parts[3])
