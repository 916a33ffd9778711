"""What the town decides from plain data: who lives where, how texts are read, what a ledger says."""

from __future__ import annotations

import json
import wave
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gateway.town.audio import Heard, measure
from gateway.town.calls import read_end
from gateway.town.coding import Segment, read_segment
from gateway.town.households import (
    HARD_TEXTS,
    MAIL_HABITS,
    PATIENCE,
    SMSC_AREA,
    TELEPHONES,
    TEXT_HABITS,
    Number,
    e164,
    kind_of_call,
    mail_habit,
    number,
    parse_number,
    patience_class,
    text_habit,
)
from gateway.town.ledger import Entry, Ledger, read_ledger, to_json

NOON = datetime(2027, 1, 5, 12, 0, tzinfo=UTC)
RINGING = Entry("call-0000001", "call", NOON, None, number(0), "+12025550100", "ringing")


def test_a_number_says_how_its_household_behaves() -> None:
    assert number(7, 3, 42, "305") == "+13055557342"
    assert parse_number("+13055557342") == Number("305", 7, 3, 42)
    assert (len(TELEPHONES), len(TEXT_HABITS)) == (10, 10)


@pytest.mark.parametrize(
    "address", ["+12125551", "+442079460000", "12125550000", "+11125550000", "", "+1212444000"]
)
def test_nobody_lives_outside_the_town(address: str) -> None:
    assert parse_number(address) is None
    assert text_habit(address).status == 0x0B


@pytest.mark.parametrize("dialled", ["12125550000", "+1 212 555 0000", "+1 (212) 555-0000"])
def test_numbers_are_written_one_way(dialled: str) -> None:
    assert e164(dialled) == "+12125550000"


def test_a_call_to_a_fax_machine_is_a_fax() -> None:
    assert [kind_of_call(number(v)) for v in (1, 8)] == ["call", "fax"]


def test_a_mailbox_behaves_by_its_local_part() -> None:
    assert mail_habit("Reject7@a.example") is MAIL_HABITS["reject"]
    assert mail_habit("full@a.example") is MAIL_HABITS["full"]
    assert mail_habit("jane@reject.example").refusal == ""


def test_an_area_has_all_that_an_smsc_makes_hard() -> None:
    assert [text_habit(number(0, kind, area=SMSC_AREA)) for kind in range(10)] == list(HARD_TEXTS)


def test_every_patience_occurs_and_a_seed_shifts_it() -> None:
    assert {patience_class(1, index) for index in range(5)} == set(range(len(PATIENCE)))
    assert patience_class(1, 3) != patience_class(2, 3)


@pytest.mark.parametrize(
    ("data", "esm_class", "coding", "tlvs", "segment"),
    [
        (b"Hi\x00\x02", 0, 0, {}, Segment("Hi@$")),
        (b"\x1b\x65 5\x1b", 0, 0, {}, Segment("€ 5 ")),
        ("Привет".encode("utf-16-be"), 0, 8, {}, Segment("Привет")),
        ("é".encode("latin-1"), 0, 3, {}, Segment("é")),
        (b"\x05\x00\x03\x2a\x03\x02mid", 0x40, 0, {}, Segment("mid", 42, 3, 2)),
        (b"\x06\x08\x04\x01\x00\x02\x01two", 0x40, 0, {}, Segment("two", 256, 2, 1)),
        (b"\x02\x70\x00odd", 0x40, 0, {}, Segment("odd")),
        (b"\x05\x00\x03", 0x40, 0, {}, Segment("")),
        (b"", 0, 0, {0x0424: b"payload"}, Segment("payload")),
        (b"b", 0, 0, {0x020C: b"\x00\x07", 0x020E: b"\x02", 0x020F: b"\x02"}, Segment("b", 7, 2, 2)),
    ],
)
def test_a_segment_is_read(
    data: bytes, esm_class: int, coding: int, tlvs: dict[int, bytes], segment: Segment
) -> None:
    assert read_segment(data, esm_class, coding, tlvs) == segment


def test_the_last_line_of_an_entry_is_the_truth(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    other = replace(RINGING, id="call-0000002")
    for entry in (RINGING, other, replace(RINGING, result="answered", ended=NOON, seconds=3.5, pressed="1")):
        ledger.write(entry)
    ledger.close()
    first, second = read_ledger(tmp_path / "ledger.jsonl")
    assert (first.result, first.ended, first.seconds, first.pressed) == ("answered", NOON, 3.5, "1")
    assert second == other


def test_a_line_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    assert read_ledger(file) == []
    file.write_text(json.dumps(to_json(RINGING)) + "\n" + '{"id": "call-00')
    assert read_ledger(file) == [RINGING]


def test_entry_names_go_on_after_a_restart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.write(replace(RINGING, id=ledger.new_id("call")))
    ledger.close()
    again = Ledger(tmp_path / "ledger.jsonl")
    assert again.new_id("mail") == "mail-0000002"
    again.close()


def test_the_end_of_a_call_is_read_from_the_exchange_event() -> None:
    event = {
        "Address": number(8),
        "Caller": "+12025550100",
        "Result": "fax",
        "Began": "2027-01-05T12:00:00.000",
        "Answered": "",
        "Ended": "2027-01-05T12:00:09.500",
        "Recording": "",
        "Pages": "",
        "FaxStatus": "FAILED",
        "FaxError": "HANGUP",
    }
    end = read_end(event)
    assert (end.began, end.answered, end.hung_up_by) == (NOON, None, "caller")
    assert (end.pages, end.error, end.recording) == (0, "HANGUP", None)


def test_silence_is_not_heard(tmp_path: Path) -> None:
    tone = 8000 * np.sin(np.arange(8000) / 8)
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(np.concatenate([np.zeros(8000), tone]).astype("<i2").tobytes())
    assert measure(tmp_path / "a.wav") == Heard(2.0, 1.0)
    assert measure(tmp_path / "missing.wav") == Heard(0.0, 0.0)
