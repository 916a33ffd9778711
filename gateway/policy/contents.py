"""What words must and must not say, of messages without consent and of advertising (rules 1.3, 1.5, 1.6)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from phonenumbers import NumberParseException, parse

from gateway.domain import (
    Action,
    BroadcastClass,
    Channel,
    Content,
    Facts,
    OnMachine,
    Parts,
    Script,
    Speech,
    Text,
)
from gateway.policy.consent import about_consent
from gateway.policy.exempt import BY_HEALTHCARE, unasked
from gateway.policy.rules import Rules
from gateway.policy.verdict import Refuse
from gateway.settings import Clinic, ConsentSettings, NoConsentSettings

# Characters before the name, as in "This is", and characters that the slowest voice says in a second.
_OPENING, _SLOWEST = 10, 10.0
_WAY_OUT = re.compile(r"\bstop\b", re.IGNORECASE)
_EN = "zero one two three four five six seven eight nine".split()
_ES = "cero uno dos tres cuatro cinco seis siete ocho nueve".split()
_BY_WAY_OUT = "setting:policy.consent.marketing_way_out"
_BY_WORDS = "setting:policy.consent.way_out_words"


@dataclass(frozen=True, slots=True)
class Said:
    """What one recipient reads or hears; `key`: the one of the call that stops all messages."""

    text: str
    is_call: bool = False
    key: str = ""
    is_machine: bool = False


def binds(facts: Facts, channel: Channel, rules: Rules) -> bool:
    """Whether it matters what this message says: it goes without consent, or it advertises."""
    return _advertises(facts, channel, rules) or _is_unasked(facts, channel, rules)


def unfit(facts: Facts, channel: Channel, content: Content, rules: Rules) -> Refuse | None:
    """Whether what was composed may not go."""
    said, clinic, consent = said_of(content), rules.clinic, rules.windows.consent
    if _is_unasked(facts, channel, rules):
        settings = rules.windows.no_consent
        if said is None:
            return Refuse("length-unknown", basis="setting:policy.no_consent.voice_seconds")
        found = (about_content(one, clinic, settings, consent, names_in(facts, clinic)) for one in said)
        return next((one for one in found if one), None)
    # What somebody has recorded for a call cannot be read here.
    if said is None or not _advertises(facts, channel, rules):
        return None
    return next((one for version in said if (one := about_advertising(version, clinic, consent))), None)


def _is_unasked(facts: Facts, channel: Channel, rules: Rules) -> bool:
    """Whether any of those whom it tells of has not said a word."""
    if facts.direct is not None or not rules.windows.no_consent.enabled:
        return False
    return any(_rests_on_nothing(one, channel, rules) for one in (facts, *facts.together))


def _rests_on_nothing(facts: Facts, channel: Channel, rules: Rules) -> bool:
    contact, free = facts.contacts.get(channel), unasked(facts, channel, rules.windows)
    agreed = about_consent(facts, channel, contact.address if contact else None, free)
    return agreed.basis == BY_HEALTHCARE


def _advertises(facts: Facts, channel: Channel, rules: Rules) -> bool:
    return (
        facts.direct is None
        and facts.broadcast.broadcast_class is BroadcastClass.MARKETING
        and channel in (Channel.VOICE, Channel.SMS)
        and rules.windows.consent.marketing_way_out
    )


def said_of(content: Content) -> Sequence[Said] | None:
    """The words of a text, or of each version of a call; None where recordings or files say them."""
    if isinstance(content, Text):
        return (Said(content.body),)
    if not isinstance(content, Script):
        return None
    versions = [*_versions(content)]
    if not all(isinstance(part, Speech) for parts, _ in versions for part in parts):
        return None
    key = next((key for key, action in content.menu.items() if action is Action.OPT_OUT), "")
    return [Said(_joined(parts), True, key, is_machine) for parts, is_machine in versions]


def _versions(script: Script) -> Iterator[tuple[Parts, bool]]:
    """What a person hears, also in the second language, and what is left on a machine."""
    yield script.person, False
    if script.other:
        yield script.other, False
    if script.on_machine in (OnMachine.LEAVE, OnMachine.LEAVE_MORE):
        yield script.machine, True


def _joined(parts: Parts) -> str:
    return " ".join(part.text for part in parts if isinstance(part, Speech))


def names_in(facts: Facts, clinic: Clinic) -> frozenset[str]:
    """Names of people and of the clinic: somebody may be called Bill."""
    found = {clinic.name}
    for one in (facts, *facts.together):
        person = one.recipient
        found |= {person.given_name, person.family_name, person.contact_name}
        found.add(one.appointment.clinician if one.appointment else "")
    return frozenset(name for name in found if name)


def about_content(
    said: Said,
    clinic: Clinic,
    settings: NoConsentSettings,
    consent: ConsentSettings,
    names: Collection[str] = (),
) -> Refuse | None:
    """Whether words may go to somebody of whom no consent is on record."""
    return (
        _about_length(said, settings)
        or _about_sender(said, clinic, consent)
        or _about_way_out(said, clinic, consent, "setting:policy.no_consent.enabled")
        or _about_subject(said, settings, names)
    )


def about_advertising(said: Said, clinic: Clinic, consent: ConsentSettings) -> Refuse | None:
    """Whether advertising tells at once how to stop it; a machine is told the number, by every template."""
    return None if said.is_machine else _about_way_out(said, clinic, consent, _BY_WAY_OUT)


def _about_length(said: Said, settings: NoConsentSettings) -> Refuse | None:
    if said.is_call and len(said.text) / _SLOWEST > settings.voice_seconds:
        return Refuse("too-long", basis="setting:policy.no_consent.voice_seconds")
    if not said.is_call and len(said.text) > settings.text_characters:
        return Refuse("too-long", basis="setting:policy.no_consent.text_characters")
    return None


def _about_sender(said: Said, clinic: Clinic, consent: ConsentSettings) -> Refuse | None:
    """The clinic's name and number; in a call both at its beginning."""
    named, number = _after_name(said.text, clinic), _place_of_number(said.text, clinic)
    if named is None or number is None:
        return Refuse("clinic-not-named", basis="setting:clinic.name")
    late = said.is_call and _is_late(said.text[named : number[0]], consent)
    return Refuse("said-late", basis=_BY_WORDS) if late else None


def _about_way_out(said: Said, clinic: Clinic, consent: ConsentSettings, basis: str) -> Refuse | None:
    """STOP in a text; in a call its key, close behind the clinic's name or its number."""
    if said.is_machine:
        return None
    if not said.is_call:
        return None if _WAY_OUT.search(said.text) else Refuse("no-way-out", basis=basis)
    number = _place_of_number(said.text, clinic) or (0, 0)
    told = [
        one.start() for one in _key(said.key).finditer(said.text) if not number[0] <= one.start() < number[1]
    ]
    if not told:
        return Refuse("no-way-out", basis=basis)
    starts = (_after_name(said.text, clinic) or 0, number[1])
    between = (said.text[max(one for one in (0, *starts) if one <= key) : key] for key in told)
    late = all(_is_late(words, consent) for words in between)
    return Refuse("said-late", basis=_BY_WORDS) if late else None


def _about_subject(said: Said, settings: NoConsentSettings, names: Collection[str]) -> Refuse | None:
    """Health alone: nothing of money, nothing to sell."""
    text = said.text
    for name in sorted(names, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", text, flags=re.IGNORECASE)
    never = _any_of(settings.never_said)
    if never is not None and never.search(text):
        return Refuse("money-or-advertising", basis="setting:policy.no_consent.never_said")
    return None


def _is_late(between: str, consent: ConsentSettings) -> bool:
    return len(between.split()) > consent.way_out_words


def _after_name(text: str, clinic: Clinic) -> int | None:
    """Where the words begin that follow the clinic's name; None: it is not at the beginning."""
    found = text.find(clinic.name)
    return found + len(clinic.name) if 0 <= found <= _OPENING else None


def _place_of_number(text: str, clinic: Clinic) -> tuple[int, int] | None:
    found = _number(clinic.callback, clinic.country).search(text)
    return found.span() if found else None


@lru_cache(maxsize=16)
def _key(key: str) -> re.Pattern[str]:
    """A key as a figure or a word; nothing where no key stops all messages."""
    words = "|".join((key, _EN[int(key)], _ES[int(key)])) if key else "(?!)"
    return re.compile(rf"(?<!\w)({words})(?!\w)", re.IGNORECASE)


@lru_cache(maxsize=64)
def _number(callback: str, country: str) -> re.Pattern[str]:
    """The clinic's number, however it is written or said."""
    try:
        figures = str(parse(callback, country).national_number)
    except NumberParseException:
        figures = re.sub(r"\D", "", callback)
    return re.compile(r"[\s.,()/-]*".join(figures))


@lru_cache(maxsize=64)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Any of these words on its own; a sign such as $ wherever it stands."""
    edged = (rf"(?<!\w){re.escape(word)}(?!\w)" if word[-1:].isalnum() else re.escape(word) for word in words)
    return re.compile("|".join(edged), re.IGNORECASE) if words else None
