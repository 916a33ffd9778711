"""What users may be allowed, and the profiles that come with Ringwell."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Rule(StrEnum):
    """One thing that a profile allows."""

    MESSAGING_CREATE = "messaging-create"
    MESSAGING_VIEW = "messaging-view"
    CLIENT_EDIT = "client-edit"
    CONSENT_EDIT = "consent-edit"
    PROMPT_RECORD = "prompt-record"
    STAFF_MESSAGES = "staff-messages"
    SETTINGS = "settings"
    USERS = "users"
    LINES = "lines"
    AUDIT = "audit"


NAMES: Mapping[Rule, str] = {
    Rule.MESSAGING_CREATE: "Messaging Create",
    Rule.MESSAGING_VIEW: "Messaging View",
    Rule.CLIENT_EDIT: "Client Edit",
    Rule.CONSENT_EDIT: "Consent Edit",
    Rule.PROMPT_RECORD: "Prompt Record",
    Rule.STAFF_MESSAGES: "Staff Messages",
    Rule.SETTINGS: "Settings",
    Rule.USERS: "Users",
    Rule.LINES: "Lines",
    Rule.AUDIT: "Audit",
}

MEANINGS: Mapping[Rule, str] = {
    Rule.MESSAGING_CREATE: "Write, schedule, stop and cancel broadcasts, answer texts and faxes",
    Rule.MESSAGING_VIEW: "See clients, what was sent to them and what became of it",
    Rule.CLIENT_EDIT: "Change clients and import them",
    Rule.CONSENT_EDIT: "Write down consent, store signed documents, lift what is blocked",
    Rule.PROMPT_RECORD: "Record and manage prompts and pronunciations",
    Rule.STAFF_MESSAGES: "Send messages to other users and receive theirs",
    Rule.SETTINGS: "Change settings",
    Rule.USERS: "Manage users and profiles",
    Rule.LINES: "See trunks, binds, relays and fax lines, switch and test them",
    Rule.AUDIT: "Read the audit log",
}

ADMINISTRATOR = "administrator"
# Key, name and rules.
SHIPPED: tuple[tuple[str, str, tuple[Rule, ...]], ...] = (
    (
        "front-desk",
        "Front desk",
        (
            Rule.MESSAGING_CREATE,
            Rule.MESSAGING_VIEW,
            Rule.CLIENT_EDIT,
            Rule.CONSENT_EDIT,
            Rule.PROMPT_RECORD,
            Rule.STAFF_MESSAGES,
        ),
    ),
    ("clinician", "Clinician", (Rule.MESSAGING_VIEW, Rule.PROMPT_RECORD, Rule.STAFF_MESSAGES)),
    (ADMINISTRATOR, "Administrator", tuple(Rule)),
    ("auditor", "Auditor", (Rule.MESSAGING_VIEW, Rule.AUDIT)),
)
