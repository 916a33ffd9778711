"""What a number's form tells, and in which zones it may be."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from gateway import policy
from gateway.domain import Channel, Contact
from gateway.policy import Refuse, Rules
from gateway.policy.lines import Line, line_of
from gateway.policy.zones import of_number, zones_of
from gateway.settings import LineSettings, PolicySettings
from tests.unit.factory import NOON, PERSON, RULES, facts

VOICE, SMS, EMAIL, FAX = Channel.VOICE, Channel.SMS, Channel.EMAIL, Channel.FAX
ALL = Rules(
    "America/New_York",
    PolicySettings(
        lines=LineSettings(landlines_get_texts=True, impossible_dialled=True, premium_dialled=True)
    ),
)


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("+12125550000", Line.MOBILE_OR_LANDLINE),
        ("+442079460123", Line.LANDLINE),
        ("+33612345678", Line.MOBILE),
        ("+18005550199", Line.NOWHERE),
        ("+19005551234", Line.PREMIUM),
        ("+19998887777", Line.IMPOSSIBLE),
        ("+1212555000", Line.IMPOSSIBLE),
        ("not a number", Line.IMPOSSIBLE),
        ("911", Line.EMERGENCY),
        ("+112", Line.EMERGENCY),
        ("116117", Line.EMERGENCY),
        ("+116117", Line.EMERGENCY),
        ("1161170", Line.IMPOSSIBLE),
    ],
)
def test_the_numbering_plans_tell_what_a_line_is(number, line):
    assert line_of(number) is line


def verdict(channel, number, rules=RULES):
    known = facts(contacts={channel: Contact(1, channel, number)})
    found = policy.decide(known, channel, None, NOON, rules)
    return found.reason if isinstance(found, Refuse) else "sent"


@pytest.mark.parametrize(
    ("channel", "number", "usual", "with_all_allowed"),
    [
        (SMS, "+442079460123", "landline", "sent"),
        (VOICE, "+442079460123", "sent", "sent"),
        (FAX, "+442079460123", "sent", "sent"),
        (SMS, "+12125550000", "sent", "sent"),
        (VOICE, "+19998887777", "impossible-number", "sent"),
        (FAX, "+19998887777", "impossible-number", "sent"),
        (VOICE, "+19005551234", "premium-number", "sent"),
        (VOICE, "911", "emergency-number", "emergency-number"),
        (SMS, "911", "emergency-number", "emergency-number"),
        (VOICE, "+18005550199", "sent", "sent"),
        (EMAIL, "a@b.example", "sent", "sent"),
    ],
)
def test_a_line_is_used_for_what_it_is_good_for(channel, number, usual, with_all_allowed):
    assert verdict(channel, number) == usual
    assert verdict(channel, number, ALL) == with_all_allowed


def test_what_is_refused_rests_on_the_setting_that_would_allow_it():
    known = facts(contacts={SMS: Contact(1, SMS, "+442079460123")})
    found = policy.decide(known, SMS, None, NOON, RULES)
    assert found.basis == "setting:policy.lines.landlines_get_texts"


# --- zones ---


def names(order=("client", "address", "clinic", "number"), clinic="America/New_York", number=None, **person):
    known = facts(recipient=replace(PERSON, **person))
    if number:
        known = replace(known, contacts={VOICE: Contact(1, VOICE, number)})
    return [zone.key for zone in zones_of(known, order, clinic)]


def test_the_zone_is_the_clients_then_that_of_the_address_then_the_clinics():
    assert names(zone="Asia/Tokyo", region="US-TX") == ["Asia/Tokyo"]
    assert names(region="US-TX") == ["America/Chicago", "America/Denver"]
    assert names(region="US-NY") == ["America/New_York"]
    assert names(clinic="America/Denver") == ["America/Denver"]
    # A state that is not in the table has its country's zones, where those are few.
    assert names(region="FR-75") == ["Europe/Paris"]
    assert names(region="DE") == ["Europe/Berlin", "Europe/Busingen"]
    assert names(region="US") == ["America/New_York"]
    assert names(region="ZZ", clinic="Europe/Rome") == ["Europe/Rome"]


def test_the_order_is_a_setting_and_the_clinic_comes_last_in_any_case():
    by_number = ("number", "clinic")
    assert names(by_number, number="+13125550000") == ["America/Chicago"]
    assert names(by_number, number="+18005550199") == ["America/New_York"]
    assert names(("number",), number="+18005550199", clinic="Asia/Tokyo") == ["Asia/Tokyo"]
    assert names(("address", "client"), zone="Asia/Tokyo", region="US-NY") == ["America/New_York"]


def test_an_area_code_may_span_several_zones():
    # 701: North Dakota.
    found = {zone.key for zone in of_number("+17012200000") or ()}
    assert {"America/Chicago", "America/Denver"} <= found or found == {"America/Chicago"}
    assert of_number("+442079460123") == (ZoneInfo("Europe/London"),)
    assert of_number("+19998887777") is None
    assert of_number("911") is None


def test_a_number_is_looked_for_among_those_of_the_client():
    mail_only = facts(contacts={EMAIL: Contact(1, EMAIL, "a@b.example")})
    assert [zone.key for zone in zones_of(mail_only, ("number",), "UTC")] == ["UTC"]
    both = facts(
        contacts={SMS: Contact(1, SMS, "+18005550199"), FAX: Contact(2, FAX, "+13125550000")},
    )
    assert [zone.key for zone in zones_of(both, ("number",), "UTC")] == ["America/Chicago"]


def test_every_zone_of_the_table_exists():
    from gateway.policy.regions import ZONES_OF_REGIONS

    for region, zones in ZONES_OF_REGIONS.items():
        assert [ZoneInfo(name).key for name in zones], region
