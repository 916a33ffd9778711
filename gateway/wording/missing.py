"""Values that a template names and a recipient lacks, found when planning and not on the phone; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.domain import Action, Channel, Facts
from gateway.wording.templates import menu_of, other_languages, tokens
from gateway.wording.texts import Texts

# What may be empty; the others come with the message type itself.
_VALUES: Mapping[str, Callable[[Facts], str]] = {
    "ClientName": lambda known: known.recipient.name,
    "ContactName": lambda known: known.recipient.told,
    "FirstName": lambda known: known.recipient.given_name,
    "Service": lambda known: known.appointment.service if known.appointment else "",
    "Clinician": lambda known: known.appointment.clinician if known.appointment else "",
    "Renewal": lambda known: known.occasion.name if known.occasion else "",
}
# These never lack: the clinic has them, or every appointment and renewal.
_ALWAYS = frozenset({"Practice", "CallBack", "ServiceDate", "ServiceTime", "Appointments", "RenewalDate"})


class Needs:
    """What the templates of one plan ask for; kept while pages of recipients go by."""

    def __init__(self, usual_language: str) -> None:
        """`usual_language`: the clinic's, in which templates without a language are written."""
        self._usual = usual_language
        self._found: dict[tuple[int, Channel, str], tuple[str, ...]] = {}

    def missing(self, known: Facts, channel: Channel) -> tuple[str, ...]:
        """The placeholders that have no value for this recipient."""
        key = (known.broadcast.id, channel, known.recipient.language)
        if key not in self._found:
            self._found[key] = _asked(
                known.broadcast.templates, channel, known.recipient.language, self._usual
            )
        names = self._found[key]
        return tuple(name for name in names if not _value(known, name).strip()) if names else ()


def _value(known: Facts, name: str) -> str:
    return _VALUES[name](known) if name in _VALUES else known.columns.get(name, "")


def _asked(templates: Texts, channel: Channel, language: str, usual: str) -> tuple[str, ...]:
    """The placeholders of what this recipient would get, of those that can lack."""
    names = [_table(templates, channel, language, usual)]
    if channel is Channel.VOICE and Action.LANGUAGE in menu_of(templates).values():
        names += [channel.value, *(f"{channel}.{other}" for other in other_languages(templates))]
    texts = [text for name in names for text in templates.get(name, {}).values()]
    found = (placeholder for text in texts for placeholder, _ in tokens(text))
    return tuple(dict.fromkeys(name for name in found if name and name not in _ALWAYS))


def _table(templates: Texts, channel: Channel, language: str, usual: str) -> str:
    other = f"{channel.value}.{language}"
    return other if language != usual and other in templates else channel.value
