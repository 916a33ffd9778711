"""What the writer of a voice template should know, though it can be used; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gateway.domain import Action, BroadcastClass
from gateway.wording.placeholders import TOKEN
from gateway.wording.spoken import english, spanish
from gateway.wording.templates import NOT_TEXTS, menu_of, tokens
from gateway.wording.texts import Texts

# Words between the identification and the offer to opt out that take about two seconds.
_TWO_SECONDS = 6


# What may be said to whoever listens to a machine (rules 1.16).
_HARMLESS = frozenset({"Practice", "CallBack"})


def remarks(templates: Texts, broadcast_class: BroadcastClass, agreed: bool = False) -> list[str]:
    """One sentence for each thing to think about; `agreed`: patients agreed to details on their machines."""
    tables = [name for name in templates if name.partition(".")[0] == "voice" and name not in NOT_TEXTS]
    of_machines = [] if agreed else [one for name in tables for one in _of_machine(name, templates[name])]
    return of_machines + [
        remark for name in tables for remark in _of_table(name, templates[name], templates, broadcast_class)
    ]


def _of_machine(name: str, texts: Mapping[str, str]) -> Iterator[str]:
    details = [one for one, _ in tokens(texts["machine"]) if one and one not in _HARMLESS]
    if details:
        told = ", ".join(f"<{one}>" for one in dict.fromkeys(details))
        yield (
            f"{name}.machine: tells {told} to anybody who listens to the machine; leave it out, or set "
            "voice.machine_details where your patients agreed to it (HHS FAQ 198)"
        )


def _of_table(
    name: str, texts: Mapping[str, str], templates: Texts, broadcast_class: BroadcastClass
) -> Iterator[str]:
    person = texts["person"]
    if "[prompt:" in person:
        return  # what is recorded cannot be read here
    for key, action in menu_of(templates).items():
        if _place(person, key) is None:
            yield f"{name}.person: does not tell that key {key} is for {action}"
    if broadcast_class is BroadcastClass.MARKETING and not _offered_early(person, templates):
        yield (
            f"{name}.person: advertising must offer the opt-out within 2 seconds of the identification "
            "(47 CFR 64.1200 b3)"
        )


def _place(text: str, key: str) -> int | None:
    """Where a key is named, as a figure or as a word."""
    number = int(key)
    found = re.search(
        rf"\b({key}|{english(number)}|{spanish(number)})\b", TOKEN.sub("_", text), re.IGNORECASE
    )
    return found.start() if found else None


def _offered_early(text: str, templates: Texts) -> bool:
    """Between the clinic's name and the opt-out key are but a few words."""
    keys = [key for key, action in menu_of(templates).items() if action is Action.OPT_OUT]
    plain = TOKEN.sub("_", text)
    places = [place for key in keys if (place := _place(text, key)) is not None]
    return any(len(plain[plain.index("_") : place].split()) <= _TWO_SECONDS for place in places)
