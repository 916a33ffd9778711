"""What each message type is about, in one table: audience, placeholders, classes and when it is of no use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.domain.words import BroadcastClass, MessageType, RecipientKind


class Audience(StrEnum):
    """Where the recipients of a type come from."""

    APPOINTMENTS = "appointments"
    RENEWALS = "renewals"
    BIRTHDAYS = "birthdays"
    LIST = "list"
    EVERYBODY = "everybody"


# What every message can name: the recipient and the clinic.
OF_PEOPLE = ("ClientName", "FirstName", "ContactName")
OF_VISITS = ("ServiceDate", "ServiceTime", "Service", "Clinician", "Appointments")
OF_RENEWALS = ("Renewal", "RenewalDate")
OF_CLINICS = ("Practice", "CallBack")


@dataclass(frozen=True, slots=True)
class TypeRules:
    """One row. `classes`: those that may be chosen, the usual one first.

    `life`: how long after its time a message is worth sending; None: until what it is about is over (an
    appointment begins, the day of a renewal or birthday ends).
    """

    kind: RecipientKind
    audience: Audience
    classes: tuple[BroadcastClass, ...]
    own_placeholders: tuple[str, ...] = ()
    life: timedelta | None = None

    @property
    def placeholders(self) -> tuple[str, ...]:
        """All that a template of this type may name, beside the columns of a list."""
        return (*OF_PEOPLE, *self.own_placeholders, *OF_CLINICS)


_HEALTH, _OTHER = BroadcastClass.HEALTH, BroadcastClass.OTHER
_MARKETING, _EMERGENCY = BroadcastClass.MARKETING, BroadcastClass.EMERGENCY
_CLIENT, _STAFF = RecipientKind.CLIENT, RecipientKind.STAFF
_WEEK = timedelta(days=7)

TYPES: Mapping[MessageType, TypeRules] = {
    MessageType.UPCOMING_APPOINTMENTS: TypeRules(
        _CLIENT, Audience.APPOINTMENTS, (_HEALTH, _OTHER, _EMERGENCY), OF_VISITS
    ),
    MessageType.STAFF_UPCOMING_APPOINTMENTS: TypeRules(
        _STAFF, Audience.APPOINTMENTS, (_OTHER, _HEALTH, _EMERGENCY), OF_VISITS
    ),
    MessageType.UPCOMING_RENEWALS: TypeRules(_CLIENT, Audience.RENEWALS, (_OTHER, _HEALTH), OF_RENEWALS),
    MessageType.STAFF_UPCOMING_RENEWALS: TypeRules(_STAFF, Audience.RENEWALS, (_OTHER,), OF_RENEWALS),
    MessageType.BIRTHDAYS: TypeRules(_CLIENT, Audience.BIRTHDAYS, (_OTHER, _MARKETING)),
    MessageType.CLIENT_LIST: TypeRules(
        _CLIENT, Audience.LIST, (_OTHER, _HEALTH, _MARKETING, _EMERGENCY), life=_WEEK
    ),
    MessageType.STAFF_LIST: TypeRules(_STAFF, Audience.LIST, (_OTHER, _EMERGENCY), life=_WEEK),
    MessageType.CLIENT_NOTICE: TypeRules(
        _CLIENT, Audience.EVERYBODY, (_HEALTH, _OTHER, _MARKETING, _EMERGENCY), life=_WEEK
    ),
    MessageType.STAFF_NOTICE: TypeRules(_STAFF, Audience.EVERYBODY, (_OTHER, _EMERGENCY), life=_WEEK),
}

# What is a placeholder of some type; a column of a list cannot have such a name.
PLACEHOLDERS = (*OF_PEOPLE, *OF_VISITS, *OF_RENEWALS, *OF_CLINICS)
