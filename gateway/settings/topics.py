"""What each setting is about, in the words that a clinic looks for it by; pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """What settings are about: the title is shown; other words for it find them too."""

    title: str
    words: str = ""


_CLINIC = Topic("Messaging: the clinic", "practice company sender name letterhead")
_HOURS = Topic("Messaging: hours", "quiet hours calling window times of day vacation weekend")
_CONSENT = Topic("Messaging: consent", "opt-out opt out permission agreement do not call HIPAA TCPA")
_NUMBERS = Topic("Messaging: numbers", "telephone phone mobile landline address")
_OFTEN = Topic("Messaging: how often", "limit frequency caps per day per week")
_REMINDERS = Topic("Messaging: reminders", "appointment renewal schedule rule cascade follow-up")
_STATES = Topic("Hours of states and countries", "regions calling window law weekend")
_AGAIN = Topic("Further attempts", "try again retry busy no answer")
_CALLS = Topic("Messaging: calls", "voice telephone phone answering machine voicemail text to speech")
_RECORDING = Topic("Recordings", "own voice prompt studio telephone phone")
_TEXTS = Topic("Messaging: texts", "text messages SMS mobile carrier provider")
_MAIL = Topic("Messaging: email", "mail mailbox letter sender unsubscribe bounce")
_FAXES = Topic("Messaging: faxes", "facsimile cover page")
_STAFF = Topic("Messaging: telling staff", "notices answers replies cancellations front desk email")
_SYSTEM = Topic("The system", "server database computer web console network")
_PROGRAMS = Topic("The system: other programs", "webhook API integration events")

# The longest name that fits counts.
TOPICS = {
    "clinic": _CLINIC,
    "policy": _HOURS,
    "policy.regions": _STATES,
    "policy.caps": _OFTEN,
    "policy.lines": _NUMBERS,
    "policy.cascade": _REMINDERS,
    "policy.planning": _REMINDERS,
    "policy.consent": _CONSENT,
    "policy.no_consent": _CONSENT,
    "retry": _AGAIN,
    "voice": _CALLS,
    "trunks": _CALLS,
    "callback": _CALLS,
    "studio": _RECORDING,
    "staff_line": _RECORDING,
    "texts": _TEXTS,
    "binds": _TEXTS,
    "campaigns": _TEXTS,
    "mail": _MAIL,
    "relays": _MAIL,
    "dkim": _MAIL,
    "returns": _MAIL,
    "public": _MAIL,
    "fax": _FAXES,
    "notify": _STAFF,
    "instance": _SYSTEM,
    "node": _SYSTEM,
    "store": _SYSTEM,
    "console": _SYSTEM,
    "asterisk": _SYSTEM,
    "dispatch": _SYSTEM,
    "events": _PROGRAMS,
    "webhooks": _PROGRAMS,
}


def topic_of(name: str) -> Topic:
    """The topic of a setting by its dotted name."""
    while name not in TOPICS:
        name = name.rpartition(".")[0]
    return TOPICS[name]
