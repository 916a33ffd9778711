"""What a studio talk is made of: what it is about, what is done next, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

# --- what is talked about ---


@dataclass(frozen=True, slots=True)
class Piece:
    """A prompt to record, in a language."""

    number: int
    title: str
    wording: str
    language: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A recording that waits to be kept; findings are words of voices.findings."""

    version: int
    piece: Piece
    audio: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of gateway.studio.guidance; `about` fills its gap."""

    name: str
    about: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Playback:
    """A recording is played back."""

    audio: str


Said = tuple[Line | Playback, ...]


# --- acts ---


@dataclass(frozen=True, slots=True)
class Ask:
    """Say something and take keys: up to `most`, or `#`, or a silence."""

    say: Said
    most: int


@dataclass(frozen=True, slots=True)
class Check:
    """See whether number and PIN match."""

    number: str
    pin: str


@dataclass(frozen=True, slots=True)
class Find:
    """Look a prompt up."""

    number: int


@dataclass(frozen=True, slots=True)
class Record:
    """Say something, beep, and record; a usable take goes instead of `instead_of`."""

    say: Said
    piece: Piece
    instead_of: int | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """A draft becomes what is played."""

    version: int


@dataclass(frozen=True, slots=True)
class Discard:
    """A draft goes."""

    version: int


@dataclass(frozen=True, slots=True)
class Bye:
    """Say something and hang up."""

    say: Said


Act = Ask | Check | Find | Record | Keep | Discard | Bye


# --- events ---


@dataclass(frozen=True, slots=True)
class Keys:
    """What was entered; nothing at all is a silence."""

    digits: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """Number and PIN match: who it is, and what waits for them."""

    staff: int
    language: str
    drafts: tuple[Draft, ...] = ()
    tasks: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class Wrong:
    """They do not match."""


@dataclass(frozen=True, slots=True)
class Locked:
    """They were not compared."""


@dataclass(frozen=True, slots=True)
class Found:
    """The prompt that was looked up; None when there is none of that number."""

    piece: Piece | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A recording was made; None when nobody spoke."""

    draft: Draft | None


@dataclass(frozen=True, slots=True)
class Done:
    """A draft was kept or thrown away; `well` is False when it was not there any more."""

    well: bool = True


Event = Keys | Welcome | Wrong | Locked | Found | Taken | Done
