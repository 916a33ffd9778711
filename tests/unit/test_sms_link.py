"""PDUs found in a stream that arrives in any pieces."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from gateway.channels import sms_pdu
from gateway.channels.sms_link import Link
from gateway.settings import Bind

_BODIES = st.lists(st.binary(max_size=80), max_size=8)


@given(_BODIES, st.lists(st.integers(1, 60), min_size=1, max_size=30))
def test_deliveries_are_whole_and_in_order_however_they_are_cut(
    bodies: list[bytes], pieces: list[int]
) -> None:
    stream = b"".join(
        sms_pdu.HEADER.pack(16 + len(body), sms_pdu.DELIVER, 0, number) + body
        for number, body in enumerate(bodies)
    )
    assert asyncio.run(_fed(stream, pieces)) == list(enumerate(bodies))


async def _fed(stream: bytes, pieces: list[int]) -> list[tuple[int, bytes]]:
    got: list[tuple[int, bytes]] = []
    link = Link(Bind(), "transceiver", lambda link, sequence, body: got.append((sequence, body)))
    at = 0
    while at < len(stream):
        size = pieces[at % len(pieces)]
        link.data_received(stream[at : at + size])
        at += size
    return got
