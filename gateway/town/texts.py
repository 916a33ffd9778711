"""Texts as the ledger has them, and what the SMSC sends back about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import smpp34

from gateway.town.coding import TLV_MESSAGE_STATE, TLV_RECEIPTED_MESSAGE_ID, Segment
from gateway.town.households import TextHabit
from gateway.town.ledger import Entry, Ledger

_STATES = {"DELIVRD": 2, "UNDELIV": 5}
_RECEIPT_CLASS = 0x04


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
        message_id = "" if habit.status else f"{entry.id}.{segment.sequence}"
        entry = _with_part(entry, texts, message_id, rejected=bool(habit.status))
        if entry.segments < entry.parts:
            self._open[key] = (entry, texts)
        self._ledger.write(entry)
        return entry, message_id

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


def receipt(entry: Entry, message_id: str, text: str, state: str) -> dict[str, Any]:
    """The deliver_sm that tells what became of one part, in words and in TLVs."""
    submitted, done = (moment.strftime("%y%m%d%H%M") for moment in (entry.at, datetime.now(UTC)))
    delivered, error = ("001", "000") if state == "DELIVRD" else ("000", "001")
    words = (
        f"id:{message_id} sub:001 dlvrd:{delivered} submit date:{submitted} done date:{done} "
        f"stat:{state} err:{error} text:{text[:20]}"
    )
    tlvs = [
        smpp34.Tlv(TLV_RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
        smpp34.Tlv(TLV_MESSAGE_STATE, bytes([_STATES[state]])),
    ]
    return from_household(entry, words) | {"esm_class": _RECEIPT_CLASS, "tlvs": tlvs}


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
