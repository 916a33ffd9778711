"""The sentences of 'why' are complete in each language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.console import grounds_es
from gateway.console.phrases import ENGLISH, SPANISH, Phrases
from gateway.domain import Channel, RecipientKind, Source, State
from gateway.policy.words import WORDS
from store.settings import Change
from store.why import Line

ZONE = ZoneInfo("America/New_York")
AT = datetime(2026, 1, 4, 2, 0, tzinfo=UTC)
LINE = Line(57, False, Source.TEXT, AT, None, "messaging", None, "", None, False)


@pytest.mark.parametrize("name", [one.name for one in fields(Phrases)])
def test_both_languages_say_the_same_things(name: str) -> None:
    english, spanish = getattr(ENGLISH, name), getattr(SPANISH, name)
    assert type(english) is str or isinstance(english, Mapping)
    if isinstance(english, str):
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", spanish))
        assert english != spanish or name == "attempt"
    else:
        assert set(english) <= set(spanish)


def test_spanish_has_words_for_all_that_is_told() -> None:
    assert set(SPANISH.states) == set(State)
    assert set(SPANISH.channels) == set(Channel)
    assert set(SPANISH.kinds) == {RecipientKind.CLIENT, RecipientKind.STAFF}
    assert set(WORDS["es"]) == set(WORDS["en"])


def test_days_are_told_in_the_zone_with_months_of_the_language() -> None:
    assert (ENGLISH.day(AT, ZONE), SPANISH.day(AT, ZONE)) == ("3 Jan 2026", "3 ene 2026")


@pytest.mark.parametrize(
    ("basis", "told"),
    [
        ("entry:57", "consentimiento retirado el 3 ene 2026, asiento 57"),
        ("entry:9", "asiento 9 del registro de consentimientos"),
        ("setting:policy.sms.opens", "ajuste policy.sms.opens"),
        ("appointment:7", "cita 7"),
        ("attempts", "llamadas y textos de los últimos ocho días"),
        ("placeholder:Clinician, placeholder:Service", "falta el valor de Clinician, Service"),
        ("", ""),
    ],
)
def test_grounds_are_told_in_spanish(basis: str, told: str) -> None:
    assert grounds_es.ground_told(basis, {57: LINE}, ZONE) == told


def test_changes_of_settings_and_stops_are_told_in_spanish() -> None:
    change = Change(3, "policy.sms.days", '["mon", "tue"]', "Ana", "", AT)
    told = "ajuste policy.sms.days puesto a mon, tue por Ana el 3 ene 2026"
    assert grounds_es.change_told(change, ZONE) == told
    assert grounds_es.stop_told("4") == "parada 4, por 'ringwell stop'"
    assert grounds_es.stop_told(None) == "ya no hay nada parado"
