"""What a template may say, checked when it is saved; pure.

The templates of a broadcast are tables: `voice`, `sms`, `email`, `fax`; the same in another language under
`voice.es`; `voice.menu`, from keys to actions; and `voice.machines`: `answer` is leave, hang-up or later, and
`voicemails` how many are left at most before a person was reached.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from gateway.domain import Action, Channel, Menu, MessageType, OnMachine, RingwellError, usual_menu
from gateway.domain.message_types import OF_RENEWALS, OF_VISITS, TYPES
from gateway.wording.placeholders import LIKE_PROMPT, TOKEN, meant, near
from gateway.wording.texts import Texts

# The fields of a template on each channel.
FIELDS: Mapping[Channel, tuple[str, ...]] = {
    Channel.VOICE: ("person", "machine"),
    Channel.SMS: ("body",),
    Channel.EMAIL: ("subject", "body"),
    Channel.FAX: ("subject", "body"),
}
MENU = "voice.menu"
MACHINES = "voice.machines"
# Names and paths of files that go with mails; no template file may name one.
FILES = "email.files"
# The tables beside the texts: what they hold instead of words.
NOT_TEXTS: Mapping[str, tuple[str, ...]] = {MENU: (), MACHINES: ("answer", "voicemails"), FILES: ()}
# A call of a minute has about as many; what is longer belongs into a letter.
LONGEST_SPOKEN = 1200
# "Good morning, this is a call from" has seven.
MOST_WORDS_BEFORE = 7
# Shorter words with a full stop are titles: "Dr."
_SENTENCE_END = re.compile(r"\w{3}[.!?:;…][\s\"'»”)]")
_KEY = re.compile(r"[0-9]")
_COUNT = re.compile(r"[1-9]")
_LANGUAGE = re.compile(r"[a-z]{2}")


class TemplateError(RingwellError):
    """A template cannot be used; the message names the place and what is wrong."""


def check_templates(templates: Texts, type: MessageType, columns: Collection[str] = ()) -> None:
    """Raise TemplateError for the first unknown field, placeholder, key or missing identification.

    `columns`: of a custom list; they are placeholders too.
    """
    for channel in Channel:
        if channel.value not in templates:
            raise TemplateError(f"template {channel}: is missing")
    for name, texts in templates.items():
        if name not in NOT_TEXTS:
            _check_table(name, texts, type, columns)
    _check_menu(templates, type)
    _check_machines(templates)


def _check_table(name: str, texts: Mapping[str, str], type: MessageType, columns: Collection[str]) -> None:
    channel = _channel(name)
    for field in FIELDS[channel]:
        place = f"{name}.{field}"
        text = texts.get(field, "")
        if not text.strip():
            raise TemplateError(f"template {place}: is empty")
        _check_text(place, text, channel)
        _check_placeholders(place, text, type, columns)
        if channel is Channel.VOICE:
            _check_spoken(place, text)


def _channel(name: str) -> Channel:
    """The channel of a table; those of other languages are named like `voice.es`."""
    channel, dot, language = name.partition(".")
    if channel not in list(Channel) or (dot and not _LANGUAGE.fullmatch(language)):
        raise TemplateError(f"template {name}: is no channel, nor a channel in a language such as voice.es")
    return Channel(channel)


def _check_text(place: str, text: str, channel: Channel) -> None:
    for _, prompt in tokens(text):
        if prompt and channel is not Channel.VOICE:
            raise TemplateError(f"template {place}: [prompt:{prompt}] can only be played in a call")


def _check_placeholders(place: str, text: str, type: MessageType, columns: Collection[str]) -> None:
    known = (*TYPES[type].placeholders, *columns)
    for placeholder, _ in tokens(text):
        if placeholder and placeholder not in known:
            raise TemplateError(f"template {place}: {_unknown(placeholder, known)}")
    for piece, name in meant(text, (*known, *OF_VISITS, *OF_RENEWALS)):
        raise TemplateError(f"template {place}: {_unknown(name, known, piece)}")


def _unknown(name: str, known: Sequence[str], piece: str = "") -> str:
    """What is wrong with a placeholder, and what was probably meant."""
    piece = piece or f"<{name}>"
    if LIKE_PROMPT.match(name):
        return f"{piece} is no recording: one is written [prompt:name], with its own name"
    if name in OF_VISITS and name not in known:
        return f"<{name}> needs a message type about appointments"
    if name in OF_RENEWALS and name not in known:
        return f"<{name}> needs a message type about renewals"
    told = f"{' '.join(piece[:42].split())} is not one of {', '.join(f'<{one}>' for one in known)}"
    close = near(name, known)
    return f"{told}: is <{close}> meant?" if close else told


def _check_spoken(place: str, text: str) -> None:
    if len(text) > LONGEST_SPOKEN:
        raise TemplateError(
            f"template {place}: has {len(text)} characters, a call takes {LONGEST_SPOKEN} at most"
        )
    found = list(tokens(text))
    recorded = any(prompt for _, prompt in found)
    if not (found and _is_identification(*found[0]) and _at_once(text)):
        raise TemplateError(
            f"template {place}: must name the clinic before anything else, with <Practice> or a [prompt:…] "
            f"in the first sentence, after {MOST_WORDS_BEFORE} words at most (47 CFR 64.1200 b1)"
        )
    if not recorded and all(name != "CallBack" for name, _ in found):
        raise TemplateError(
            f"template {place}: must name the clinic's number, with <CallBack> or a [prompt:…] "
            "(47 CFR 64.1200 b2)"
        )


def _is_identification(placeholder: str, prompt: str) -> bool:
    return bool(prompt) or placeholder == "Practice"


def _at_once(text: str) -> bool:
    """Whether no more than a greeting stands before the first placeholder or recording."""
    before = TOKEN.split(text, maxsplit=1)[0]
    return len(before.split()) <= MOST_WORDS_BEFORE and not _SENTENCE_END.search(before)


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """Each (placeholder, prompt) of a text; one of them is empty."""
    for match in TOKEN.finditer(text):
        yield match[1] or "", match[2] or ""


# --- the menu ---


def _check_menu(templates: Texts, type: MessageType) -> None:
    for key, action in templates.get(MENU, {}).items():
        if not _KEY.fullmatch(key):
            raise TemplateError(f"template {MENU}: {key[:20]!r} is not a key: use 0 to 9")
        if action not in list(Action):
            raise TemplateError(f"template {MENU}: key {key} must do one of {', '.join(Action)}")
    menu = menu_of(templates)
    if Action.OPT_OUT not in menu.values() and not type.value.startswith("staff-"):
        raise TemplateError(f"template {MENU}: a key for {Action.OPT_OUT} is missing (47 CFR 64.1200 b3)")
    if Action.LANGUAGE in menu.values() and not other_languages(templates):
        raise TemplateError(
            f"template {MENU}: a key for {Action.LANGUAGE} needs texts in a second language ([voice.es])"
        )


def menu_of(templates: Texts) -> Menu:
    """What the keys do."""
    chosen = templates.get(MENU)
    return {key: Action(action) for key, action in chosen.items()} if chosen else usual_menu()


def other_languages(templates: Texts) -> list[str]:
    """Languages that calls can be held in beside the clinic's."""
    names = (
        name.removeprefix("voice.")
        for name in templates
        if name.startswith("voice.") and name not in NOT_TEXTS
    )
    return sorted(names)


def check_front_desk(templates: Texts, front_desk: str) -> None:
    """Raise TemplateError when a menu offers a transfer that leads nowhere."""
    if Action.TRANSFER in menu_of(templates).values() and not front_desk:
        raise TemplateError(
            f"template {MENU}: a key for {Action.TRANSFER} needs the setting voice.front_desk"
        )


def texts_in(templates: Texts, channel: Channel, language: str, usual: str) -> Mapping[str, str]:
    """The texts of a channel in a language; the name of those in the clinic's own has no language."""
    return templates[channel.value if language == usual else f"{channel.value}.{language}"]


# --- answering machines ---


def _check_machines(templates: Texts) -> None:
    chosen = templates.get(MACHINES, {})
    if chosen.get("answer", OnMachine.LEAVE) not in (OnMachine.LEAVE, OnMachine.HANG_UP, OnMachine.LATER):
        raise TemplateError(f"template {MACHINES}: answer must be leave, hang-up or later")
    if not _COUNT.fullmatch(chosen.get("voicemails", "1")):
        raise TemplateError(f"template {MACHINES}: voicemails must be 1 to 9")


def most_voicemails(templates: Texts) -> int:
    """How many may be left for one message before somebody was reached."""
    return int(templates.get(MACHINES, {}).get("voicemails", "1"))


def on_machine(templates: Texts, left: int) -> OnMachine:
    """What the next machine gets, when so many voicemails were left already."""
    wanted = OnMachine(templates.get(MACHINES, {}).get("answer", OnMachine.LEAVE))
    more = wanted is OnMachine.LEAVE and left + 1 < most_voicemails(templates)
    return OnMachine.LEAVE_MORE if more else wanted
