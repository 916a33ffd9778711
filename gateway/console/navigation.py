"""The pages in their order, for the menu: who lacks an entry's rule does not see it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gateway.accounts.rules import Rule


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the menu. `icon`: the drawing's name in icons.html; `also`: what else it stands for."""

    path: str
    label: str
    icon: str
    rule: Rule
    also: tuple[str, ...] = ()
    # What of it waits for the user is shown beside it.
    counted: bool = False

    def is_of(self, path: str) -> bool:
        """Whether a page belongs to it."""
        begins = (self.path, *self.also) if self.path != "/" else self.also
        return path == self.path or any(path.startswith(f"{begin}/") or path == begin for begin in begins)


@dataclass(frozen=True, slots=True)
class Part:
    """Entries that belong together; a heading where it is not empty."""

    heading: str
    places: tuple[Place, ...]


MENU = (
    Part(
        "",
        (
            Place("/", "Today", "today", Rule.MESSAGING_VIEW),
            Place("/messaging", "Messaging", "messaging", Rule.MESSAGING_VIEW, ("/broadcasts", "/rules")),
            Place("/history", "History", "history", Rule.MESSAGING_VIEW, ("/messages",)),
            Place("/clients", "Clients", "clients", Rule.MESSAGING_VIEW, ("/import",)),
            Place("/inbox", "Inbox", "inbox", Rule.MESSAGING_VIEW, counted=True),
            Place("/staff-messages", "Staff messages", "staff", Rule.STAFF_MESSAGES, counted=True),
            Place("/prompts", "Prompts", "prompts", Rule.PROMPT_RECORD),
            Place("/voices", "Voices", "voices", Rule.PROMPT_RECORD),
        ),
    ),
    Part(
        "Administration",
        (
            Place("/lines", "Lines", "lines", Rule.LINES),
            Place("/settings", "Settings", "settings", Rule.SETTINGS),
            Place("/users", "Users", "users", Rule.USERS, ("/profiles", "/tokens", "/api")),
            Place("/audit", "Audit", "audit", Rule.AUDIT),
            Place("/doctor", "Doctor", "doctor", Rule.LINES),
        ),
    ),
)


def menu(rules: Collection[str]) -> list[Part]:
    """The entries for somebody with these rules."""
    seen = [Part(part.heading, tuple(one for one in part.places if one.rule in rules)) for part in MENU]
    return [part for part in seen if part.places]
