"""What statuses, states, receipts and replies mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.channels.sms_causes import Refusal, of_state, of_status, refusal, state_of_word
from gateway.channels.sms_pdu import (
    TLV_NETWORK_ERROR,
    TLV_RECEIPTED_ID,
    TLV_STATE,
    Address,
    Deliver,
    PduError,
)
from gateway.channels.sms_receipts import event_of, known_id, normal_id
from gateway.domain import (
    Channel,
    Delivered,
    Event,
    Failed,
    Outcome,
    Receipt,
    Reply,
    ReplyKind,
    Retry,
    RetryKind,
    Unknown,
)
from gateway.settings import Bind

NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
HOME = Bind(source="+12025550100")


@pytest.mark.parametrize(
    ("status", "whose", "kind", "charged"),
    [
        (0x58, Refusal.CROWDED, RetryKind.LINE_DOWN, False),
        (0x14, Refusal.CROWDED, RetryKind.LINE_DOWN, False),
        (0x0A, Refusal.LINE, RetryKind.LINE_DOWN, False),
        (0x0E, Refusal.LINE, RetryKind.LINE_DOWN, False),
        (0x08, Refusal.MESSAGE, RetryKind.PASSING, True),
        (0x64, Refusal.MESSAGE, RetryKind.PASSING, True),
    ],
)
def test_a_refusal_that_passes_is_tried_again(
    status: int, whose: Refusal, kind: RetryKind, charged: bool
) -> None:
    outcome = of_status(status)
    assert refusal(status) is whose
    assert isinstance(outcome, Retry)
    assert (outcome.kind, outcome.charged) == (kind, charged)


@pytest.mark.parametrize(("status", "bad"), [(0x0B, True), (0x01, False), (0x65, False), (0x0500, False)])
def test_a_final_refusal_fails_and_only_the_destination_is_bad(status: int, bad: bool) -> None:
    outcome = of_status(status)
    assert isinstance(outcome, Failed)
    assert outcome.bad_address is bad
    assert outcome.evidence["status"] == f"0x{status:02X}"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("DELIVRD", Delivered),
        ("delivered", Delivered),
        ("UNDELIV", Failed),
        ("UNDELIVERABLE", Failed),
        ("EXPIRED", Retry),
        ("REJECTD", Retry),
        ("DELETED", Failed),
        ("UNKNOWN", Unknown),
    ],
)
def test_a_final_state_has_an_outcome(word: str, kind: type[Outcome]) -> None:
    state = state_of_word(word)
    assert state is not None
    assert isinstance(of_state(state), kind)


@pytest.mark.parametrize(
    ("state", "error", "more", "bad"),
    [
        (5, "001", (), True),
        (5, "1", (), True),
        (5, "011", (), True),
        (5, "027", (), False),
        (5, "000", (), False),
        (5, "", (), False),
        (5, "0ff", ("FF",), True),
        (5, "054", ("54",), True),
        (5, "054", (), False),
        (3, "001", (), False),
        (8, "001", (), False),
    ],
)
def test_an_error_of_the_number_itself_marks_it_as_bad(
    state: int, error: str, more: tuple[str, ...], bad: bool
) -> None:
    outcome = of_state(state, error, more)
    assert (isinstance(outcome, Failed) and outcome.bad_address) is bad


@pytest.mark.parametrize(
    ("body", "tlvs", "bad"),
    [
        (b"id:1 stat:UNDELIV err:001", {}, True),
        (b"id:1 stat:UNDELIV err:077", {}, True),
        (b"id:1 stat:UNDELIV", {TLV_NETWORK_ERROR: b"\x03\x00\x01"}, True),
        (b"id:1 stat:UNDELIV", {TLV_NETWORK_ERROR: b"\x03\x00\x1b"}, False),
        (b"id:1 stat:UNDELIV", {TLV_NETWORK_ERROR: b"\x01"}, False),
    ],
)
def test_the_error_of_a_receipt_stands_in_its_words_or_its_code(
    body: bytes, tlvs: dict[int, bytes], bad: bool
) -> None:
    bind = Bind(source=HOME.source, number_errors=("77",))
    receipt = event_of(_deliver(body, tlvs=tlvs), bind, NOW)
    assert isinstance(receipt, Receipt)
    assert isinstance(receipt.outcome, Failed)
    assert receipt.outcome.bad_address is bad


@pytest.mark.parametrize("word", ["ENROUTE", "ACCEPTD"])
def test_an_intermediate_state_has_none(word: str) -> None:
    state = state_of_word(word)
    assert state is not None
    assert of_state(state) is None


@pytest.mark.parametrize(
    ("response", "response_form", "receipt", "receipt_form"),
    [
        ("1A2B", "hex", "6699", "text"),
        ("6699", "text", "1a2b", "hex"),
        ("0000012345", "text", "12345", "text"),
        ("ABCDEF01", "text", "abcdef01", "text"),
        ("text-7.1", "text", "text-7.1\0", "text"),
        ("0", "text", "000", "text"),
    ],
)
def test_both_spellings_of_an_id_are_one(
    response: str, response_form: str, receipt: str, receipt_form: str
) -> None:
    assert normal_id(response, response_form) == normal_id(receipt, receipt_form)  # type: ignore[arg-type]


_Form = Literal["text", "hex"]


@st.composite
def _spellings(draw: st.DrawFn, number: int) -> tuple[str, _Form]:
    """How one side may write a number, and what its setting says then."""
    zeros = "0" * draw(st.integers(0, 12))
    if draw(st.booleans()):
        return f"{zeros}{number}", "text"
    written = f"{zeros}{number:x}"
    return draw(st.sampled_from([written, written.upper()])), "hex"


@settings(max_examples=10_000, deadline=None)
@given(st.integers(0, 2**64), st.integers(0, 2**64), st.booleans(), st.data())
def test_response_and_receipt_agree_on_an_id_however_each_writes_it(
    number: int, other: int, in_words: bool, data: st.DataObject
) -> None:
    (response, its_form), (receipt, form) = data.draw(_spellings(number)), data.draw(_spellings(number))
    bind = Bind(source=HOME.source, response_ids=its_form, receipt_ids=form)
    words = f"id:{receipt} stat:DELIVRD err:000" if in_words else "stat:DELIVRD"
    tlvs = {} if in_words else {TLV_RECEIPTED_ID: receipt.encode() + b"\0"}
    heard = event_of(_deliver(words.encode(), tlvs=tlvs), bind, NOW)
    assert isinstance(heard, Receipt)
    assert heard.remote_id == known_id(response, its_form, bind)
    another, its_form = data.draw(_spellings(other))
    assert (heard.remote_id == known_id(another, its_form, bind)) is (number == other)


def _deliver(body: bytes, esm_class: int = 4, tlvs: dict[int, bytes] | None = None) -> Deliver:
    patient, clinic = Address(1, 1, "12125550000"), Address(1, 1, "12025550100")
    return Deliver(patient, clinic, esm_class, 0, body, tlvs or {})


def _event(*args: object, **options: object) -> Event | None:
    return event_of(_deliver(*args, **options), HOME, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        b"id:00042 sub:001 dlvrd:001 submit date:2611241600 done date:2611241601 stat:DELIVRD err:000",
        b"ID: 42 Stat: delivrd ERR:000",
        b"sub:001 id:42 stat:DELIVRD text:id:9 stat:UNDELIV",
        b"id:42 stat:DELIVRD",
    ],
)
def test_a_receipt_in_words_is_read_leniently(body: bytes) -> None:
    receipt = _event(body)
    assert isinstance(receipt, Receipt)
    assert isinstance(receipt.outcome, Delivered)
    assert (receipt.remote_id, receipt.address, receipt.at) == ("42", "+12125550000", NOW)


def test_tlvs_are_believed_before_words() -> None:
    tlvs = {TLV_RECEIPTED_ID: b"A7\0", TLV_STATE: b"\x05"}
    receipt = _event(b"id:1 stat:DELIVRD err:0ff", tlvs=tlvs)
    assert isinstance(receipt, Receipt)
    assert receipt.remote_id == "a7"
    assert receipt.outcome == Failed("receipt-undeliverable", evidence={"state": 5, "error": "0ff"})


def test_a_receipt_that_keeps_the_roles_speaks_of_its_destination() -> None:
    deliver = _deliver(b"id:1 stat:DELIVRD")
    turned = Deliver(deliver.destination, deliver.source, 4, 0, deliver.body, {})
    receipt = event_of(turned, HOME, NOW)
    assert isinstance(receipt, Receipt)
    assert receipt.address == "+12125550000"


@pytest.mark.parametrize("body", [b"", b"id:1", b"stat:DELIVRD", b"id:1 stat:PURPLE"])
def test_a_receipt_that_says_nothing_is_refused(body: bytes) -> None:
    with pytest.raises(PduError):
        _event(body)


def test_an_intermediate_receipt_is_no_event() -> None:
    assert _event(b"id:1 stat:ENROUTE") is None


def test_a_person_who_types_a_receipt_has_sent_a_reply() -> None:
    reply = _event(b"id:1 stat:DELIVRD", esm_class=0)
    assert isinstance(reply, Reply)
    assert (reply.kind, reply.channel, reply.address) == (ReplyKind.OTHER, Channel.SMS, "+12125550000")


def test_a_reply_is_read_without_its_header_and_control_characters() -> None:
    reply = _event(b"\x04\x70\x02\x01\x02Yes!\r\n", esm_class=0x40)
    assert isinstance(reply, Reply)
    assert (reply.kind, reply.text) == (ReplyKind.CONFIRM, "Yes!")


def test_an_endless_message_id_is_cut_and_breaks_nothing() -> None:
    assert len(normal_id("f" * 60_000, "hex")) <= 80
    assert normal_id("f" * 60_000, "text") == "f" * 64


_RECEIPT_WORDS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"id:",
                b"id:0042",
                b"stat:",
                b"stat:DELIVRD",
                b"stat:UNDELIV",
                b"err:",
                b"err:000",
                b"text:",
                b" ",
            ]
        ),
        st.binary(max_size=12),
    ),
    max_size=12,
).map(b" ".join)


@settings(max_examples=10_000, deadline=None)
@given(
    _RECEIPT_WORDS,
    st.integers(0, 255),
    st.dictionaries(st.sampled_from([TLV_RECEIPTED_ID, TLV_STATE, 0x1400]), st.binary(max_size=70)),
)
def test_whatever_comes_as_a_receipt_is_understood_or_refused(
    body: bytes, esm_class: int, tlvs: dict[int, bytes]
) -> None:
    try:
        event = _event(body, esm_class=esm_class, tlvs=tlvs)
    except PduError:
        return
    if isinstance(event, Receipt):
        assert 0 < len(event.remote_id) <= 80
    else:
        assert event is None or isinstance(event, Reply)
