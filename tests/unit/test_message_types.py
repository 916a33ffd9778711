"""Each message type has its row: audience, placeholders, classes, and when its messages are of no use."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway import policy, wording
from gateway.domain import Channel, MessageType, Occasion, RecipientKind, Script, State, Text
from gateway.domain.message_types import PLACEHOLDERS, TYPES, Audience
from gateway.example import example
from gateway.policy import Refuse
from gateway.settings import Clinic, Settings
from gateway.wording import TemplateError
from gateway.wording.missing import Needs
from store import renewals
from tests.unit.factory import BROADCAST, NOON, PERSON, RULES, facts

CLINIC = Clinic(name="Harbor Street Clinic", callback="+12125550100", zone="America/New_York")
ZONE = "America/New_York"


def test_every_type_has_its_row_and_staff_never_get_marketing():
    assert set(TYPES) == set(MessageType)
    for type, rules in TYPES.items():
        assert rules.kind is RecipientKind(type.value.split("-")[0])
        assert set(rules.placeholders) <= set(PLACEHOLDERS)
        assert rules.kind is RecipientKind.CLIENT or "marketing" not in rules.classes
        # What is about a day or an appointment ends with it.
        assert (rules.life is None) == (rules.audience not in (Audience.LIST, Audience.EVERYBODY))


def about(type: MessageType, occasion: Occasion, **changes: object):
    order = replace(
        BROADCAST,
        type=type,
        templates=wording.default_templates(type),
        starts_from=occasion.starts_at,
        starts_until=occasion.ends_at,
        zone=ZONE,
    )
    return facts(broadcast=order, appointment=None, occasion=occasion, **changes)


def licence(day: date = date(2026, 12, 1), status: str = "open") -> Occasion:
    return renewals.occasion(5, day, ZONE, "Driving licence", status)


def test_a_renewal_is_named_with_its_day_and_reminded_of_until_that_day_is_over():
    known = about(MessageType.UPCOMING_RENEWALS, licence())
    content = wording.compose(known, Channel.SMS, CLINIC)
    assert isinstance(content, Text)
    assert "a renewal is due on Tue, Dec 1, 2026" in content.body
    # Midnight in New York.
    assert policy.expiry(known) == datetime(2026, 12, 2, 5, tzinfo=UTC)
    # In Spanish too, and by phone.
    wording.compose(known, Channel.VOICE, CLINIC)


@pytest.mark.parametrize(
    ("occasion", "reason", "state"),
    [
        (licence(status="renewed"), "renewal-settled", State.CANCELLED),
        (licence(status="cancelled"), "renewal-settled", State.CANCELLED),
        (licence(date(2026, 12, 5)), "day-moved", State.CANCELLED),
    ],
)
def test_a_renewal_that_is_done_or_falls_on_another_day_is_not_reminded_of(occasion, reason, state):
    known = replace(about(MessageType.UPCOMING_RENEWALS, licence()), occasion=occasion)
    assert policy.decide(known, Channel.SMS, None, NOON, RULES) == Refuse(reason, state)


@pytest.mark.parametrize("type", list(MessageType))
def test_a_call_of_each_type_can_be_previewed(type):
    settings = Settings(clinic=CLINIC)
    shown = example(wording.default_templates(type), type, settings, "en")
    assert isinstance(wording.compose(shown, Channel.VOICE, CLINIC), Script)


def test_a_birthday_is_over_at_midnight():
    day = renewals.birthday(date(1980, 11, 24), 2026, ZONE)
    known = about(MessageType.BIRTHDAYS, day)
    assert "happy birthday, Rosa" in wording.compose(known, Channel.SMS, CLINIC).body
    late = datetime(2026, 11, 25, 4, 59, tzinfo=UTC)
    assert policy.decide(known, Channel.SMS, None, late + timedelta(minutes=1), RULES) == Refuse(
        "expired", State.EXPIRED
    )
    # A minute before it the window is closed, and opens when it is of no use any more.
    assert policy.decide(known, Channel.SMS, None, late, RULES) == Refuse(
        "window-after-expiry", State.EXPIRED
    )


def test_a_birthday_of_29_february_is_on_the_28th_of_other_years():
    born = date(2000, 2, 29)
    assert [renewals.birthday(born, year, ZONE).day for year in (2026, 2028)] == [
        date(2026, 2, 28),
        date(2028, 2, 29),
    ]
    days = renewals.birthdays_between(date(2026, 2, 28), date(2026, 3, 1))
    assert days == {228: 2026, 229: 2026}
    assert renewals.birthdays_between(date(2028, 2, 28), date(2028, 2, 29)) == {228: 2028}
    assert renewals.birthdays_between(date(2028, 2, 29), date(2028, 3, 1)) == {229: 2028}


def test_a_day_is_as_long_as_the_clinics_clocks_say():
    # Clocks in New York go back on the first, and on the eighth of the next March they go on.
    long, short = (renewals.occasion(1, day, ZONE) for day in (date(2026, 11, 1), date(2027, 3, 14)))
    assert long.ends_at - long.starts_at == timedelta(hours=25)
    assert short.ends_at - short.starts_at == timedelta(hours=23)
    # In Beirut clocks change at midnight: the day begins with the first moment that exists.
    skipped = renewals.midnight(date(2026, 3, 29), "Asia/Beirut")
    assert skipped == datetime(2026, 3, 28, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type", "text", "complaint"),
    [
        (MessageType.UPCOMING_APPOINTMENTS, "<ClientNme>", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "<clientname>", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "<Client Name>", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "<service-date>", "is <ServiceDate> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "< ClientName >", "< ClientName > is not one of"),
        (MessageType.UPCOMING_APPOINTMENTS, "< ClientName >", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "<\nClientName>", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "<Client.Name>", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "<Client/Name>", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "<<ClientName>>", "<<ClientName>> is not one of"),
        (MessageType.UPCOMING_APPOINTMENTS, "<ClientName>>", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "<ClientName your visit", "<ClientName is not one of"),
        (MessageType.UPCOMING_APPOINTMENTS, "<ClientName your <ServiceDate>", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "< ClientName your visit", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "Dear ClientName>", "ClientName> is not one of"),
        (MessageType.UPCOMING_APPOINTMENTS, "<b>now</b>", "<b> is not one of"),
        (MessageType.UPCOMING_APPOINTMENTS, "now</b>", "</b> is not one of"),
        (MessageType.UPCOMING_APPOINTMENTS, "{ClientName}", "{ClientName} is not one of"),
        (MessageType.UPCOMING_APPOINTMENTS, "{{ client_name }}", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "{Diagnosis}", "{Diagnosis} is not one of"),
        (MessageType.UPCOMING_APPOINTMENTS, "[ClientName]", "[ClientName] is not one of"),
        (MessageType.UPCOMING_APPOINTMENTS, "Dear [Name]", "is <ClientName> meant?"),
        (MessageType.UPCOMING_APPOINTMENTS, "[Prompt: hello]", "[Prompt: hello] is no recording"),
        (MessageType.UPCOMING_APPOINTMENTS, "<Renewal>", "needs a message type about renewals"),
        (MessageType.CLIENT_NOTICE, "{ServiceDate}", "needs a message type about appointments"),
        (MessageType.UPCOMING_RENEWALS, "<Clinician>", "needs a message type about appointments"),
        (MessageType.UPCOMING_RENEWALS, "<RenewalDay>", "is <RenewalDate> meant?"),
        (MessageType.CLIENT_LIST, "<Pickup>", "is not one of"),
    ],
)
def test_a_placeholder_that_the_type_does_not_have_is_found_with_what_was_meant(type, text, complaint):
    templates = wording.default_templates(type)
    templates["sms"]["body"] = f"<Practice> {text}"
    with pytest.raises(TemplateError) as told:
        wording.check_templates(templates, type)
    assert "sms.body" in str(told.value)
    assert complaint in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        "a <b@c.org>, 3 < 4 > 2, <https://example.org/a-page-of-ours?with=so-much-to-say&and=more-of-it> <3",
        "a < b, under <5 or >65, a>b, Menu>Help, <www.example.org> -> <- => {1} [1] :[ >:( ;-}",
        "Reply [YES] or [no] [please sign here] to <Practice>: [<ClientName>]",
    ],
)
def test_what_stands_in_brackets_and_is_no_placeholder_is_left_alone(text):
    templates = wording.default_templates(MessageType.CLIENT_NOTICE)
    templates["email"]["body"] = text
    wording.check_templates(templates, MessageType.CLIENT_NOTICE)


def test_the_columns_of_a_list_are_placeholders_of_its_messages():
    templates = wording.default_templates(MessageType.CLIENT_LIST)
    templates["sms"]["body"] = "<Practice>: <FirstName>, your glasses are at <Desk>."
    templates["voice"]["person"] = "This is <Practice>: come to <Desk>, or call <CallBack>."
    wording.check_templates(templates, MessageType.CLIENT_LIST, ("Desk",))
    order = replace(BROADCAST, type=MessageType.CLIENT_LIST, templates=templates, custom_list=1)
    known = facts(broadcast=order, appointment=None, columns={"Desk": "desk 4", "Practice": "Elsewhere"})
    assert wording.compose(known, Channel.SMS, CLINIC) == Text(
        "Harbor Street Clinic: Rosa, your glasses are at desk 4."
    )
    said = [part.text for part in wording.compose(known, Channel.VOICE, CLINIC).person]
    assert said[:4] == ["This is", "Harbor Street Clinic", "come to", "desk 4"]
    assert Needs("en").missing(known, Channel.SMS) == ()
    assert Needs("en").missing(replace(known, columns={"Desk": " "}), Channel.SMS) == ("Desk",)
    assert Needs("en").missing(replace(known, columns={}), Channel.VOICE) == ("Desk",)


def test_values_are_missed_in_the_text_that_the_recipient_would_get():
    templates = wording.default_templates(MessageType.UPCOMING_APPOINTMENTS)
    templates["sms.es"] = {"body": "<Practice>: <Clinician>"}
    templates["sms.en"] = {"body": "<Practice>: <Service>"}
    visit = replace(facts().appointment, clinician="", service="")
    known = facts(broadcast=replace(BROADCAST, templates=templates), appointment=visit)
    spanish = replace(known, recipient=replace(PERSON, language="es"))
    needs = Needs("en")
    assert needs.missing(known, Channel.SMS) == ()
    assert needs.missing(spanish, Channel.SMS) == ("Clinician",)
    assert needs.missing(spanish, Channel.EMAIL) == ()
    # What is in the clinic's own language has no language in its name.
    assert Needs("es").missing(known, Channel.SMS) == ("Service",)


def test_a_call_that_can_change_its_language_needs_the_values_of_both():
    templates = wording.default_templates(MessageType.UPCOMING_APPOINTMENTS)
    templates["voice.menu"] = {"5": "language", "9": "opt-out"}
    templates["voice.es"] = {
        "person": "Le llama <Practice>: <Clinician>. <CallBack>",
        "machine": "<Practice>",
    }
    visit = replace(facts().appointment, clinician="")
    known = facts(broadcast=replace(BROADCAST, templates=templates), appointment=visit)
    assert Needs("en").missing(known, Channel.VOICE) == ("Clinician",)
    one_language = {name: texts for name, texts in templates.items() if name != "voice.menu"}
    alone = replace(known, broadcast=replace(BROADCAST, templates=one_language))
    assert Needs("en").missing(alone, Channel.VOICE) == ()
