"""Templates and facts become what is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway import wording
from gateway.domain import Channel, FaxLetter, Mail, MessageType, Prompt, Speech, Text
from gateway.settings import Clinic
from gateway.wording import TemplateError
from tests.unit.factory import BROADCAST, PERSON, facts

CLINIC = Clinic(name="Harbor Street Clinic", callback="+12125550100", zone="America/New_York")
REMINDERS = MessageType.UPCOMING_APPOINTMENTS


def with_text(channel, field, text):
    templates = wording.default_templates(REMINDERS)
    templates[channel][field] = text
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
        ("voice", "machine", "This is <Practice>", "must name the clinic"),
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
