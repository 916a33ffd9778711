"""Templates and facts become what is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway import wording
from gateway.domain import (
    Action,
    BroadcastClass,
    Channel,
    FaxLetter,
    Mail,
    MessageType,
    Party,
    Prompt,
    Speech,
    Text,
)
from gateway.settings import Clinic
from gateway.wording import SlotError, TemplateError
from gateway.wording.remarks import remarks
from tests.unit.factory import BROADCAST, PERSON, facts

CLINIC = Clinic(name="Harbor Street Clinic", callback="+12125550100", zone="America/New_York")
REMINDERS = MessageType.UPCOMING_APPOINTMENTS


def with_text(channel, field, text):
    templates = wording.default_templates(REMINDERS)
    templates.setdefault(channel, dict(templates[channel.partition(".")[0]]))[field] = text
    return templates


def test_a_text_names_clinic_date_and_time_and_offers_an_opt_out():
    content = wording.compose(facts(), Channel.SMS, CLINIC)
    assert content == Text(
        "Harbor Street Clinic: reminder of your appointment on Wed, Nov 25, 2026 at 9:00 AM. "
        "Reply C to confirm, STOP to opt out. +12125550100"
    )


def test_the_appointment_is_told_in_the_clinics_time_wherever_the_recipient_is():
    away = facts(recipient=replace(PERSON, zone="Asia/Tokyo"))
    assert wording.compose(away, Channel.SMS, CLINIC) == wording.compose(facts(), Channel.SMS, CLINIC)


def test_a_messaging_contact_is_greeted_by_their_own_name_where_one_is_told():
    templates = with_text("sms", "body", "Dear <ContactName>, <ClientName> has a visit. STOP to opt out.")
    known = facts(broadcast=replace(BROADCAST, templates=templates))
    carer = replace(PERSON, through=Party.CONTACT, contact_name="Ana Diaz")
    for person, told in ((PERSON, "Rosa Costa"), (carer, "Ana Diaz")):
        text = wording.compose(replace(known, recipient=person), Channel.SMS, CLINIC)
        assert text == Text(f"Dear {told}, Rosa Costa has a visit. STOP to opt out.")


def test_a_call_keeps_fixed_words_and_slots_apart_and_says_numbers_digit_by_digit():
    templates = with_text("voice", "person", "[prompt:greeting] <ClientName>, call <CallBack>.")
    known = facts(broadcast=replace(BROADCAST, templates=templates))
    script = wording.compose(known, Channel.VOICE, CLINIC)
    assert script.person == (
        Prompt("greeting", "en"),
        Speech("Rosa Costa"),
        Speech("call"),
        Speech("2 1 2, 5 5 5, 0 1 0 0"),
    )
    assert script.machine[0] == Speech("This is")


def test_mail_has_both_parts_and_escapes_what_comes_from_data():
    known = facts(recipient=replace(PERSON, family_name="<b>Costa</b>"))
    mail = wording.compose(known, Channel.EMAIL, CLINIC)
    assert isinstance(mail, Mail)
    assert "Rosa <b>Costa</b>" in mail.text
    assert "Rosa &lt;b&gt;Costa&lt;/b&gt;" in mail.html
    assert "<b>" not in mail.html


def test_a_fax_says_whom_it_is_for():
    letter = wording.compose(facts(), Channel.FAX, CLINIC)
    assert isinstance(letter, FaxLetter)
    assert letter.to_name == "Rosa Costa"
    assert "9:00 AM" in letter.text
    assert letter.language == "en"


def test_the_cover_of_a_fax_is_in_the_language_of_its_text():
    texts = wording.default_templates(REMINDERS)
    texts["fax.es"] = wording.default_templates(REMINDERS, "es")["fax"]
    spoken = facts(recipient=replace(PERSON, language="es"), broadcast=replace(BROADCAST, templates=texts))
    letter = wording.compose(spoken, Channel.FAX, CLINIC)
    assert isinstance(letter, FaxLetter)
    assert (letter.subject, letter.language) == ("Recordatorio de cita", "es")


@pytest.mark.parametrize("type", list(MessageType))
def test_the_texts_that_ship_can_be_used(type):
    wording.check_templates(wording.default_templates(type), type)


@pytest.mark.parametrize(
    ("channel", "field", "text", "complaint"),
    [
        ("sms", "body", "<Diagnosis>", "<Diagnosis> is not one of"),
        ("sms", "body", "  ", "is empty"),
        ("sms", "body", "[prompt:greeting]", "can only be played in a call"),
        ("voice", "person", "Hello <ClientName>", "must name the clinic"),
        ("voice", "machine", "This is <Practice>", "must name the clinic's number"),
        ("voice", "person", "<ClientName>, this is <Practice>, <CallBack>", "before anything else"),
        (
            "voice",
            "person",
            "Hello, your HIV test result is positive. This is <Practice>, <CallBack>",
            "before anything else",
        ),
        ("voice", "machine", "Good news: this is <Practice>, <CallBack>", "before anything else"),
        (
            "voice",
            "machine",
            "Your HIV test is positive and we are <Practice>, <CallBack>",
            "7 words at most",
        ),
        ("voice", "person", "<Practice> <CallBack> " + "x" * 5000, "has 5022 characters, a call takes 1200"),
        ("voice.es", "person", "Hola", "must name the clinic"),
        ("voice.es", "machine", "<Practice> <Diagnosis>", "<Diagnosis> is not one of"),
        ("sms.es", "body", " ", "is empty"),
    ],
)
def test_a_template_that_cannot_be_used_is_named_with_its_place(channel, field, text, complaint):
    with pytest.raises(TemplateError, match=f"{channel}.{field}.*{complaint}"):
        wording.check_templates(with_text(channel, field, text), REMINDERS)


def test_a_notice_cannot_ask_for_an_appointment():
    templates = wording.default_templates(MessageType.CLIENT_NOTICE)
    templates["sms"]["body"] = "<Practice> <ServiceDate>"
    with pytest.raises(TemplateError, match="needs a message type about appointments"):
        wording.check_templates(templates, MessageType.CLIENT_NOTICE)


def test_placeholders_are_a_list_and_never_an_expression():
    templates = with_text("sms", "body", "{0.__class__} %(x)s {{ 7*7 }} <Practice>")
    known = facts(broadcast=replace(BROADCAST, templates=templates))
    assert wording.compose(known, Channel.SMS, CLINIC) == Text(
        "{0.__class__} %(x)s {{ 7*7 }} Harbor Street Clinic"
    )


# --- calls ---

SPANISH = {
    "person": "Le llama <Practice>. <ClientName>: tiene una cita el <ServiceDate> a <ServiceTime>. "
    "<CallBack>",
    "machine": "Le llama <Practice>. <CallBack>",
}


def voice(menu=None, spanish=False, **recipient):
    templates = wording.default_templates(REMINDERS)
    if spanish:
        templates["voice.es"] = SPANISH
    if menu:
        templates["voice.menu"] = menu
    return facts(broadcast=replace(BROADCAST, templates=templates), recipient=replace(PERSON, **recipient))


def spoken(parts):
    return " / ".join(part.text for part in parts)


def test_a_call_identifies_the_clinic_before_anything_else():
    script = wording.compose(voice(), Channel.VOICE, CLINIC)
    assert spoken(script.person) == (
        "This is / Harbor Street Clinic / . We are calling to remind / Rosa Costa / of an appointment on / "
        "Wednesday, November twenty-fifth / at / nine A M / . Press 1 to confirm. "
        "Press 9 to stop these calls. "
        "Our number is / 2 1 2, 5 5 5, 0 1 0 0"
    )
    assert spoken(script.machine) == (
        "This is / Harbor Street Clinic / . Please call us at / 2 1 2, 5 5 5, 0 1 0 0"
    )


def test_a_call_is_held_in_the_recipients_language_where_the_template_has_it():
    script = wording.compose(voice(spanish=True, language="es"), Channel.VOICE, CLINIC)
    assert "tiene una cita el / miércoles, veinticinco de noviembre / a / las nueve de la mañana" in spoken(
        script.person
    )
    assert {part.language for part in (*script.person, *script.machine)} == {"es"}


@pytest.mark.parametrize("language", ["es", "vi"])
def test_without_texts_in_the_recipients_language_the_clinics_is_spoken(language):
    script = wording.compose(voice(language=language), Channel.VOICE, CLINIC)
    assert {part.language for part in script.person} == {"en"}
    assert "Wednesday, November twenty-fifth" in spoken(script.person)


def test_texts_in_another_language_hold_for_every_channel():
    templates = wording.default_templates(REMINDERS) | {"sms.es": {"body": "<Practice>: <ServiceDate>"}}
    known = facts(broadcast=replace(BROADCAST, templates=templates), recipient=replace(PERSON, language="es"))
    assert wording.compose(known, Channel.SMS, CLINIC) == Text("Harbor Street Clinic: mié, 25 nov 2026")


def test_a_menu_that_nobody_chose_confirms_and_opts_out():
    script = wording.compose(voice(), Channel.VOICE, CLINIC)
    assert script.menu == {"1": Action.CONFIRM, "9": Action.OPT_OUT}
    assert script.other == ()
    assert script.desk is None


def test_the_language_key_goes_to_the_other_language():
    menu = {"1": "confirm", "5": "language", "9": "opt-out"}
    english = wording.compose(voice(menu, spanish=True), Channel.VOICE, CLINIC)
    spanish = wording.compose(voice(menu, spanish=True, language="es"), Channel.VOICE, CLINIC)
    assert (english.other, spanish.other) == (spanish.person, english.person)


def test_a_transfer_names_the_patient_to_staff_alone_and_in_their_language():
    menu = {"0": "transfer", "9": "opt-out"}
    desk = wording.compose(voice(menu, spanish=True, language="es"), Channel.VOICE, CLINIC).desk
    assert spoken(desk.announcement) == "A patient whom we called asks for you / Rosa Costa"
    assert spoken(desk.connecting) == "Un momento, por favor."
    assert spoken(desk.away).endswith("llámenos al / 2 1 2, 5 5 5, 0 1 0 0")
    assert "Rosa" not in spoken((*desk.connecting, *desk.away))


def test_names_are_said_as_the_clinics_list_says():
    script = wording.compose(voice(), Channel.VOICE, CLINIC, {"en": {"costa": "Coast a"}})
    assert Speech("Rosa Coast a") in script.person


def test_a_template_of_recordings_alone_needs_no_voice():
    templates = wording.default_templates(REMINDERS)
    templates["voice"] = {"person": "[prompt:whole-message]", "machine": "[prompt:please-call]"}
    wording.check_templates(templates, REMINDERS)
    known = facts(broadcast=replace(BROADCAST, templates=templates))
    script = wording.compose(known, Channel.VOICE, CLINIC)
    assert (script.person, script.machine) == (
        (Prompt("whole-message", "en"),),
        (Prompt("please-call", "en"),),
    )


@pytest.mark.parametrize(
    ("menu", "complaint"),
    [
        ({"1": "confirm"}, "a key for opt-out is missing"),
        ({"12": "opt-out"}, "'12' is not a key"),
        ({"#": "opt-out"}, "'#' is not a key"),
        ({"٣": "opt-out"}, "is not a key"),
        ({"1": "Goto(evil)", "9": "opt-out"}, "key 1 must do one of"),
        ({"5": "language", "9": "opt-out"}, "needs texts in a second language"),
    ],
)
def test_a_menu_that_cannot_be_used_is_refused_when_it_is_saved(menu, complaint):
    templates = wording.default_templates(REMINDERS) | {"voice.menu": menu}
    with pytest.raises(TemplateError, match=complaint):
        wording.check_templates(templates, REMINDERS)


def test_a_transfer_needs_a_front_desk():
    templates = wording.default_templates(REMINDERS) | {"voice.menu": {"0": "transfer", "9": "opt-out"}}
    wording.check_templates(templates, REMINDERS)
    wording.check_front_desk(templates, "201")
    with pytest.raises(TemplateError, match="front_desk"):
        wording.check_front_desk(templates, "")


@pytest.mark.parametrize(
    ("machines", "left", "wanted"),
    [
        ({}, 0, "leave"),
        ({"answer": "leave"}, 0, "leave"),
        ({"answer": "hang-up"}, 0, "hang-up"),
        ({"answer": "later", "voicemails": "3"}, 0, "later"),
        ({"voicemails": "2"}, 0, "leave-more"),
        ({"voicemails": "2"}, 1, "leave"),
        ({"voicemails": "2"}, 5, "leave"),
    ],
)
def test_a_template_says_what_a_machine_gets_and_how_often(machines, left, wanted):
    known = voice()
    templates = known.broadcast.templates | {"voice.machines": machines}
    wording.check_templates(templates, REMINDERS)
    known = replace(known, broadcast=replace(known.broadcast, templates=templates), voicemails=left)
    assert wording.compose(known, Channel.VOICE, CLINIC).on_machine == wanted


@pytest.mark.parametrize("machines", [{"answer": "leave-more"}, {"answer": "shout"}, {"voicemails": "0"}])
def test_what_no_machine_can_get_is_refused_when_it_is_saved(machines):
    templates = wording.default_templates(REMINDERS) | {"voice.machines": machines}
    with pytest.raises(TemplateError, match=r"voice\.machines"):
        wording.check_templates(templates, REMINDERS)


@pytest.mark.parametrize("name", ["voice.spanish", "pigeon", "voice.", "pigeon.es"])
def test_a_table_that_is_no_channel_is_refused(name):
    with pytest.raises(TemplateError, match="is no channel"):
        wording.check_templates(wording.default_templates(REMINDERS) | {name: {"body": "x"}}, REMINDERS)


@pytest.mark.parametrize("type", list(MessageType))
def test_the_texts_that_ship_in_spanish_can_be_used(type):
    wording.check_templates(wording.default_templates(type, "es"), type)


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("given", ["", "x" * 5000])
def test_a_name_that_is_missing_stops_this_message_on_every_channel(channel, given):
    templates = {
        name: dict.fromkeys(texts, "<Practice> <FirstName> <CallBack>")
        for name, texts in wording.default_templates(REMINDERS).items()
    }
    known = facts(
        broadcast=replace(BROADCAST, templates=templates), recipient=replace(PERSON, given_name=given)
    )
    if given and channel is not Channel.VOICE:
        assert wording.compose(known, channel, CLINIC)
        return
    with pytest.raises(SlotError, match="<FirstName> has"):
        wording.compose(known, channel, CLINIC)


@pytest.mark.parametrize(
    "opening",
    [
        "<Practice>",
        "Hello, this is <Practice>",
        "Hello, this is Dr. Ito of <Practice>",
        "Good morning, this is a call from <Practice>",
        "[prompt:greeting]",
    ],
)
def test_a_greeting_may_come_before_the_clinics_name(opening):
    wording.check_templates(with_text("voice", "machine", f"{opening}. Please call <CallBack>."), REMINDERS)


@pytest.mark.parametrize("agreed", [False, True])
def test_a_machine_version_that_tells_of_the_patient_gets_a_remark_unless_patients_agreed(agreed):
    telling = "<Practice>, <CallBack>: <ClientName>, your <Service> with <Clinician>, <Service>"
    found = remarks(with_text("voice", "machine", telling), BroadcastClass.HEALTH, agreed)
    assert len(found) == (0 if agreed else 1)
    assert all("voice.machine: tells <ClientName>, <Service>, <Clinician> to anybody" in one for one in found)
    assert remarks(wording.default_templates(REMINDERS), BroadcastClass.HEALTH) == []
