"""What columns of files are called: on the screen, and by other programs in English and Spanish. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gateway import imports
from gateway.importing import Kind
from gateway.written import TIME, Order
from store.finding import folded

_MONTHS = 12
# What each column is called on the screen.
LABELS: Mapping[str, str] = {
    "id": "Id",
    "given_name": "First name",
    "family_name": "Family name",
    "mobile": "Mobile phone",
    "phone": "Other phone",
    "email": "Email",
    "fax": "Fax",
    "language": "Language",
    "time_zone": "Time zone",
    "preferred_contact_method": "Preferred Contact Method",
    "messaging_consent": "Messaging Consent Given by Client",
    "region": "State or country",
    "use_client_detail_info": "Use client detail info",
    "messaging_name": "Messaging Contact: name",
    "messaging_contact_consent": "Messaging Contact: consent",
    "share_with_family": "One message for the family",
    "messaging_mobile": "Messaging Contact: mobile phone",
    "messaging_phone": "Messaging Contact: other phone",
    "messaging_email": "Messaging Contact: email",
    "messaging_fax": "Messaging Contact: fax",
    "birth_date": "Birth date",
    "client": "Client’s id",
    "staff": "Staff member’s id",
    "starts_at": "Day and time",
    TIME: "Time, where the day is apart",
    "service": "Service",
    "clinician": "Clinician",
    "status": "Status",
    "name": "What falls due",
    "due_on": "Due on",
}
TITLES: Mapping[Kind, str] = {
    Kind.CLIENTS: "Clients",
    Kind.APPOINTMENTS: "Appointments",
    Kind.RENEWALS: "Renewals",
    Kind.STAFF: "Staff",
    Kind.LIST: "Custom list",
}
ORDERS: Mapping[Order, str] = {
    Order.MONTH_FIRST: "Month, day, year: 3/25/2026",
    Order.DAY_FIRST: "Day, month, year: 25/3/2026",
    Order.YEAR_FIRST: "Year, month, day: 2026-03-25",
}
COLUMNS: Mapping[Kind, Sequence[str]] = {
    Kind.CLIENTS: imports.CLIENT_COLUMNS,
    Kind.STAFF: imports.PERSON_COLUMNS,
    Kind.APPOINTMENTS: (*imports.APPOINTMENT_COLUMNS[:4], TIME, *imports.APPOINTMENT_COLUMNS[4:]),
    Kind.RENEWALS: imports.RENEWAL_COLUMNS,
    Kind.LIST: ("id",),
}
NEEDED: Mapping[Kind, frozenset[str]] = {
    Kind.CLIENTS: frozenset(imports.REQUIRED),
    Kind.STAFF: frozenset(imports.REQUIRED),
    Kind.APPOINTMENTS: frozenset(imports.REQUIRED_VISIT),
    Kind.RENEWALS: frozenset(imports.REQUIRED_RENEWAL),
    Kind.LIST: frozenset({"id"}),
}
# As other programs call them, folded, without signs; the first column that a heading fits takes it.
_PEOPLE: Mapping[str, str] = {
    "id": "id number|no|client id|patient id|patient number|mrn|chart|chart number|chart no|account|"
    "account number|client number|record number|staff id|employee id|user id|identificador|"
    "numero de paciente|numero de cliente|expediente|historia|historia clinica|nhc|codigo",
    "given_name": "first name|firstname|first|given name|given|forename|patient first name|client first name|"
    "nombre|nombres|nombre de pila|primer nombre",
    "family_name": "last name|lastname|last|surname|family name|family|patient last name|client last name|"
    "apellido|apellidos|primer apellido",
    "mobile": "mobile|mobile phone|mobile number|cell|cell phone|cellphone|cell number|text number|sms|movil|"
    "telefono movil|celular|telefono celular",
    "phone": "phone|home phone|telephone|phone number|landline|home|work phone|other phone|tel|telefono|"
    "telefono fijo|telefono de casa|fijo",
    "email": "email|e mail|mail|email address|correo|correo electronico|direccion de correo",
    "fax": "fax|fax number|numero de fax",
    "language": "language|preferred language|lang|idioma|lengua",
    "time_zone": "time zone|timezone|tz|zona horaria|huso horario",
    "preferred_contact_method": "preferred contact method|preferred contact|contact method|"
    "contact preference|preferred method|medio de contacto preferido|contacto preferido|"
    "preferencia de contacto",
    "messaging_consent": "messaging consent|consent|messaging consent given by client|ok to message|opt in|"
    "consentimiento|acepta mensajes|consentimiento de mensajes",
    "region": "state|region|province|estado|provincia",
    "use_client_detail_info": "use client detail info|usar datos del cliente",
    "messaging_name": "messaging name|messaging contact|contact name|guardian|guardian name|"
    "nombre del contacto",
    "messaging_contact_consent": "messaging contact consent",
    "share_with_family": "share with family",
    "messaging_mobile": "messaging mobile|contact mobile|guardian mobile|guardian cell",
    "messaging_phone": "messaging phone|contact phone|guardian phone|telefono del contacto",
    "messaging_email": "messaging email|contact email|guardian email|correo del contacto",
    "messaging_fax": "messaging fax|contact fax",
    "birth_date": "birth date|birthdate|date of birth|dob|birthday|fecha de nacimiento|nacimiento",
}
_VISITS: Mapping[str, str] = {
    "id": "appointment id|appt id|appointment number|appointment no|visit id|booking id|id number|no|"
    "id de cita|numero de cita|codigo de cita|cita",
    "client": "client|client id|patient|patient id|patient number|mrn|chart|chart number|chart no|account|"
    "account number|client number|cliente|paciente|id de paciente|id de cliente|numero de paciente|"
    "numero de cliente|expediente|nhc|historia clinica",
    "staff": "staff|staff id|provider id|clinician id|employee id|personal|id de personal",
    "starts_at": "starts at|start|date time|datetime|date and time|appointment date|appt date|date|day|"
    "start date|start date time|appointment date time|visit date|when|fecha|fecha y hora|fecha de cita|"
    "dia|fecha de la cita|inicio",
    TIME: "time|start time|appointment time|appt time|visit time|hora|"
    "hora de cita|hora de inicio|hora de la cita",
    "service": "service|type|appointment type|visit type|appt type|reason|procedure|servicio|tipo|"
    "tipo de cita|motivo",
    "clinician": "clinician|provider|doctor|dr|therapist|physician|with|practitioner|clinico|medico|doctora|"
    "profesional|terapeuta",
    "status": "status|appointment status|state|estado",
}
_RENEWALS: Mapping[str, str] = {
    "id": "renewal id|authorization id|authorisation id|authorization number|license number|id number|no|"
    "id de renovacion|numero de autorizacion|codigo",
    "client": _VISITS["client"],
    "staff": _VISITS["staff"],
    "name": "name|what|authorization|authorisation|license|licence|description|renewal|type|nombre|"
    "autorizacion|licencia|descripcion|tipo",
    "due_on": "due on|due|due date|expires|expires on|expiry|expiration|expiration date|end date|date|vence|"
    "vencimiento|fecha de vencimiento|caduca|caducidad|fecha",
    "status": "status|state|estado",
}
_SYNONYMS: Mapping[Kind, Mapping[str, str]] = {
    Kind.CLIENTS: _PEOPLE,
    Kind.STAFF: _PEOPLE,
    Kind.APPOINTMENTS: _VISITS,
    Kind.RENEWALS: _RENEWALS,
    Kind.LIST: {"id": f"{_PEOPLE['id']}|client|patient|staff"},
}


def guessed(kind: Kind, headings: Iterable[str], remembered: Mapping[str, str]) -> dict[str, str]:
    """The column that each heading seems to be; what was chosen before comes first; empty: none."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    given = list(headings)
    columns = set(COLUMNS[kind])
    for heading in given:
        name = remembered.get(heading, "")
        if name in columns and name not in taken:
            found[heading] = name
            taken.add(name)
    for names in (_exact(kind), _alike(kind)):
        for heading in given:
            if heading in found or heading in remembered:
                continue
            name = next((one for one in names.get(plain(heading), ()) if one not in taken), "")
            if name:
                found[heading] = name
                taken.add(name)
    return {heading: found.get(heading, "") for heading in given}


def _exact(kind: Kind) -> dict[str, list[str]]:
    return {plain(name): [name] for name in COLUMNS[kind]}


def _alike(kind: Kind) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, told in _SYNONYMS[kind].items():
        for one in told.split("|"):
            found.setdefault(one, []).append(name)
    return found


def plain(heading: str) -> str:
    """A heading as it is compared: small letters without accents and signs."""
    letters = (c if c.isalnum() else " " for c in folded(heading))
    return " ".join("".join(letters).split())


def order_of(values: Iterable[str], country: str) -> Order:
    """How days seem to be written: as the values show; where they do not, as the clinic's country does."""
    usual = Order.MONTH_FIRST if country in ("US", "PH", "FM", "MH", "PW") else Order.DAY_FIRST
    for value in values:
        parts = value.replace(".", "/").replace("-", "/").split(" ")[0].split("T")[0].split("/")
        if len(parts) < len("dmy") or not all(part.isdigit() for part in parts[:2]):
            continue
        if len(parts[0]) == len("2026"):
            return Order.YEAR_FIRST
        if int(parts[0]) > _MONTHS:
            return Order.DAY_FIRST
        if int(parts[1]) > _MONTHS:
            return Order.MONTH_FIRST
    return usual
