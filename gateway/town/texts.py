"""Texts as the ledger has them, and what the SMSC sends back about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import smpp34

from gateway.town.coding import TLV_MESSAGE_STATE, TLV_RECEIPTED_MESSAGE_ID, Segment
from gateway.town.households import Dialect, TextHabit
from gateway.town.ledger import Entry, Ledger

ENROUTE = "ENROUTE"
_STATES = {ENROUTE: 1, "DELIVRD": 2, "UNDELIV": 5}
_RECEIPT_CLASS, _INTERMEDIATE_CLASS = 0x04, 0x20


class TextBook:
    """Joins the parts of long texts: one entry a text, written again with each part."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._open: dict[tuple[str, str, int, int], tuple[Entry, dict[int, str]]] = {}

    def record(self, address: str, source: str, segment: Segment, habit: TextHabit) -> tuple[Entry, str]:
        """The entry with this part in it, and the part's own message id ("" when it is rejected)."""
        key = (source, address, segment.reference, segment.total)
        known = self._open.pop(key, None)
        if known and segment.sequence not in known[1]:
            entry, texts = known
        else:  # the same part of the same reference again is another text
            entry, texts = self._begun(address, source, segment), {}
        texts[segment.sequence] = segment.text
        message_id = "" if habit.status else _id_of(entry, segment, habit.dialect)
        entry = _with_part(entry, texts, message_id, rejected=bool(habit.status))
        if entry.segments < entry.parts:
            self._open[key] = (entry, texts)
        self._ledger.write(entry)
        return entry, message_id

    def turned_away(self, address: str, source: str, segment: Segment) -> None:
        """Write down that a part was to be sent again later."""
        entry = self._begun(address, source, segment)
        self._ledger.write(replace(entry, ended=entry.at, result="paused"))

    def _begun(self, address: str, source: str, segment: Segment) -> Entry:
        return Entry(
            id=self._ledger.new_id("text"),
            kind="text",
            at=datetime.now(UTC),
            ended=None,
            address=address,
            caller=source,
            source=source,
            result="incomplete",
            parts=segment.total,
        )


def _with_part(entry: Entry, texts: dict[int, str], message_id: str, *, rejected: bool) -> Entry:
    given = (*entry.message_ids, message_id) if message_id else entry.message_ids
    whole = "accepted" if len(texts) == entry.parts else "incomplete"
    return replace(
        entry,
        ended=datetime.now(UTC),
        result="rejected" if rejected else whole,
        text="".join(texts[number] for number in sorted(texts)),
        segments=len(texts),
        message_id=given[0] if given else "",
        message_ids=given,
    )


def _id_of(entry: Entry, segment: Segment, dialect: Dialect) -> str:
    """As the response writes it: a name, or where receipts write it otherwise a number."""
    if dialect == "usual":
        return f"{entry.id}.{segment.sequence}"
    count = _number_of(entry) * 256 + segment.sequence
    return f"{count:X}" if dialect == "hex-responses" else f"{count}"


def _number_of(entry: Entry) -> int:
    # Large enough that decimal and hexadecimal are told apart by nobody.
    return 10_000_000 + int(entry.id.rpartition("-")[2])


def _as_receipts_write(message_id: str, dialect: Dialect) -> str:
    match dialect:
        case "hex-receipts":
            return f"{int(message_id):X}"
        case "hex-responses":
            return f"{int(message_id, 16):020d}"
        case _:
            return message_id


def receipt(entry: Entry, message_id: str, text: str, state: str, habit: TextHabit) -> dict[str, Any]:
    """The deliver_sm that tells what became of one part, in words and in TLVs, or as its dialect has it."""
    submitted, done = (moment.strftime("%y%m%d%H%M") for moment in (entry.at, datetime.now(UTC)))
    delivered = "001" if state == "DELIVRD" else "000"
    written = _as_receipts_write(message_id, habit.dialect)
    words = (
        f"id:{written} sub:001 dlvrd:{delivered} submit date:{submitted} done date:{done} "
        f"stat:{state} err:{habit.error} text:{text[:20]}"
    )
    if habit.dialect == "untidy-words":
        words = f"ID: {written} SUB: 1 Submit Date: {submitted} STAT: {state.title()} ERR: 0 Text: "
    tlvs = [
        smpp34.Tlv(TLV_RECEIPTED_MESSAGE_ID, written.encode() + b"\0"),
        smpp34.Tlv(TLV_MESSAGE_STATE, bytes([_STATES[state]])),
    ]
    if habit.dialect == "bare-tlvs":
        words = ""
    if habit.dialect == "untidy-words":
        tlvs = []
    kind = _INTERMEDIATE_CLASS if state == ENROUTE else _RECEIPT_CLASS
    return from_household(entry, words) | {"esm_class": kind, "tlvs": tlvs}


def from_household(entry: Entry, words: str) -> dict[str, Any]:
    """A deliver_sm from the household to whoever sent it this text."""
    return {
        "source_addr": entry.address.removeprefix("+"),
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "destination_addr": entry.source,
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "short_message": words.encode("ascii", "replace"),
    }
