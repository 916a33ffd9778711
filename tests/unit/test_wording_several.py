"""Several visits in one message, written and said; what a text must name for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway import wording
from gateway.domain import Appointment, Channel, Mail, MessageType, Script, Speech, Text
from gateway.settings import Clinic
from gateway.wording import compose, for_several, without_appointments
from tests.unit.factory import BROADCAST, NOON, PERSON, facts

TYPE = MessageType.UPCOMING_APPOINTMENTS
CLINIC = Clinic(zone="America/New_York", visit_minutes=30)


def several(language: str = "en", other: str | None = None, channel: Channel = Channel.SMS):
    person = replace(PERSON, language=language)
    brother = replace(person, id=8, given_name=other) if other else person
    order = replace(BROADCAST, templates=for_several(wording.default_templates(TYPE, language), language))
    first = facts(broadcast=order, recipient=person, appointment=Appointment(3, NOON, "A", "B"))
    later = Appointment(4, NOON + timedelta(hours=4), "A", "B")
    known = replace(first, together=(replace(first, recipient=brother, appointment=later),))
    return compose(known, channel, replace_language(language))


def replace_language(language: str) -> Clinic:
    return CLINIC.model_copy(update={"language": language})


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_texts_that_ship_have_a_list_for_each_channel(language):
    shipped = wording.default_templates(TYPE, language)
    assert without_appointments(shipped) == "voice.person"
    listed = for_several(shipped, language)
    assert without_appointments(listed) is None
    wording.check_templates(listed, TYPE)


def test_a_text_names_each_visit():
    content = several()
    assert isinstance(content, Text)
    assert "appointments: Tue, Nov 24, 2026 at 11:00" in content.body
    assert content.body.count(" at ") == 2
    assert "Costa" not in content.body


def test_a_family_is_named():
    content = several(other="Leo")
    assert isinstance(content, Text)
    assert "Rosa Costa: " in content.body
    assert "; Leo Costa: " in content.body


def test_a_list_is_written_in_spanish():
    content = several("es")
    assert isinstance(content, Text)
    assert "sus citas: el " in content.body
    assert content.body.count(" a las ") == 2


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_call_says_each_visit(language):
    content = several(language, "Leo", Channel.VOICE)
    assert isinstance(content, Script)
    said = " ".join(part.text for part in content.person if isinstance(part, Speech))
    assert said.index("Rosa") < said.index("Leo")


def test_one_event_for_the_calendar_does_not_stand_for_several_visits():
    content = several(channel=Channel.EMAIL)
    assert isinstance(content, Mail)
    assert content.invitation is None
