"""A text's segments go to the SMSC, one after the other, and its answers become one Outcome."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from gateway.alphabet import Segments, concatenation_header, plainer, segment
from gateway.channels import sms_pdu
from gateway.channels.sms_addresses import address_of
from gateway.channels.sms_causes import Refusal, describe, of_status, refusal
from gateway.channels.sms_link import Link, LinkDownError, LinkLostError, NoResponseError, Response
from gateway.channels.sms_pace import Pace
from gateway.channels.sms_quota import Quota
from gateway.channels.sms_receipts import known_id
from gateway.domain import (
    PARTLY_SENT,
    Accepted,
    Attempt,
    ContentError,
    Failed,
    Outcome,
    Retry,
    RetryKind,
    Text,
    Unknown,
)
from gateway.settings import Bind, Concatenation, SettingsError

log = logging.getLogger(__name__)

LINE_DOWN = Retry(RetryKind.LINE_DOWN, "bind-down", charged=False)
_DAY_SPENT = Retry(RetryKind.LINE_DOWN, "brand-day-limit", charged=False)


class Submitter:
    """Sends over whatever link is set, at the pace of the bind."""

    # A later segment that the SMSC refused for being crowded is submitted again, after a pause each time.
    SEGMENT_TRIES = 5

    def __init__(self, bind: Bind, pace: Pace, quota: Quota | None, *, replace_look_alikes: bool) -> None:
        """Raises SettingsError for what SMPP 3.4 has no room for."""
        self.link: Link | None = None
        self._bind = bind
        self._pace = pace
        self._quota = quota
        self._replace_look_alikes = replace_look_alikes
        self._source = _source(bind).octets()
        self._crowded = False
        self._alerted: set[int] = set()

    async def send(self, attempt: Attempt) -> Outcome:
        """Submit all segments, one after the other, and tell what the SMSC made of them."""
        destination = address_of(attempt.address)
        if destination is None:
            return Failed("address-unusable", bad_address=True)
        try:
            text = self._segmented(attempt)
        except ContentError as error:
            return Failed(f"content-unusable: {error}")
        if self._quota is not None and not await self._quota.take(len(text.bodies)):
            return _DAY_SPENT
        return await self._submit_all(self._makers(attempt, text, destination))

    def _segmented(self, attempt: Attempt) -> Segments:
        if not isinstance(attempt.content, Text):
            raise ContentError("this is not a text message")
        body = attempt.content.body
        return segment(
            plainer(body) if self._replace_look_alikes else body, gsm7_default=self._bind.gsm7_default
        )

    def _makers(self, attempt: Attempt, text: Segments, destination: sms_pdu.Address) -> list[sms_pdu.Maker]:
        make = partial(
            sms_pdu.submit,
            source=self._source,
            destination=destination.octets(),
            validity=_validity(attempt.expires_at),
        )
        # Texts to one number need differing references, wherever they come from.
        reference = attempt.message * 31 + attempt.number
        return in_segments(text, self._bind.concatenation, reference, make)

    async def _submit_all(self, makers: Sequence[sms_pdu.Maker]) -> Outcome:
        ids: list[str] = []
        for make in makers:
            refused = await self._submit(make, ids)
            if refused is not None:
                # A part that may have arrived is as bad as one that has.
                in_part = ids or (len(makers) > 1 and isinstance(refused, Unknown))
                return _in_part(refused, ids, len(makers)) if in_part else refused
        known = tuple(known_id(id, self._bind.response_ids, self._bind) for id in ids if id)
        whole = len(known) == len(ids)
        return Accepted("submitted", known if whole else (), whole, {"message_id": ids[0]})

    async def _submit(self, make: sms_pdu.Maker, ids: list[str]) -> Outcome | None:
        """Add the id of the accepted segment to `ids`, or return what came of it instead."""
        outcome: Outcome = LINE_DOWN
        for _ in range(self.SEGMENT_TRIES):
            answer = await self._submit_once(make, begun=bool(ids))
            if not isinstance(answer, Response):
                return answer
            if not answer.status:
                ids.append(answer.message_id)
                self._flowing()
                return None
            outcome = self._refused(answer.status)
            if not ids or refusal(answer.status) is not Refusal.CROWDED:
                return outcome
            await asyncio.sleep(self._pace.hold())
        return outcome

    async def _submit_once(self, make: sms_pdu.Maker, *, begun: bool) -> Response | Outcome:
        await self._pace.enter()
        try:
            if (link := self.link) is None or (self._pace.paused and not begun):
                return LINE_DOWN
            return await link.submit(make)
        except LinkDownError:
            return LINE_DOWN
        except LinkLostError:
            return Unknown("connection-lost")
        except NoResponseError:
            return Unknown("response-timeout")
        finally:
            self._pace.leave()

    def _refused(self, status: int) -> Outcome:
        match refusal(status):
            case Refusal.MESSAGE:
                self._flowing()
            case Refusal.CROWDED:
                self._pace.hold()
                if not self._crowded:
                    log.warning("the SMSC asks us to slow down (%s); pausing", describe(status))
                self._crowded = True
            case Refusal.LINE:
                self._pace.hold()
                if status not in self._alerted:
                    words = describe(status)
                    log.error("the SMSC takes no text over this bind: %s; correct its settings", words)
                self._alerted.add(status)
        return of_status(status)

    def _flowing(self) -> None:
        if self._crowded or self._alerted:
            self._crowded = False
            self._alerted.clear()
            self._pace.flow()


def in_segments(
    text: Segments, concatenation: Concatenation, reference: int, make: Callable[..., bytes]
) -> list[sms_pdu.Maker]:
    """What makes each submit of a text, whose segments find each other by `reference`; `make` makes one."""
    total = len(text.bodies)
    make = partial(make, data_coding=text.data_coding)
    if total == 1:
        return [partial(make, body=text.bodies[0])]
    parts = enumerate(text.bodies, 1)
    match concatenation:
        case "udh":
            return [
                partial(make, body=concatenation_header(reference, total, number) + body, udh=True)
                for number, body in parts
            ]
        case "sar":
            return [
                partial(make, body=body, tlvs=sms_pdu.sar(reference, total, number)) for number, body in parts
            ]
        case "payload":
            whole = sms_pdu.tlv(sms_pdu.TLV_PAYLOAD, b"".join(text.bodies))
            return [partial(make, body=b"", tlvs=whole)]


def _in_part(last: Outcome, ids: list[str], total: int) -> Unknown:
    """Some segments are with the SMSC, or may be, others are not: neither delivered nor to be sent again."""
    evidence = {"segments": total, "accepted": len(ids), "then": last.cause, "message_ids": list(ids)}
    return Unknown(PARTLY_SENT, evidence)


def _validity(expires_at: datetime | None) -> bytes:
    """Absolute time in UTC (SMPP 3.4, 7.1.1): the SMSC gives up when the message has lost its point."""
    return expires_at.astimezone(UTC).strftime("%y%m%d%H%M%S000+").encode() if expires_at else b""


def _source(bind: Bind) -> sms_pdu.Address:
    """smpplib would cut what is too long, and the SMSC refuse a password nobody ever set."""
    if len(bind.system_id) > 15 or not bind.system_id.isascii():
        raise SettingsError("setting binds: system_id must be at most 15 plain characters (SMPP 3.4)")
    password = bind.password.get_secret_value()
    if len(password) > 8 or not password.isascii():
        raise SettingsError("setting binds: password must be at most 8 plain characters (SMPP 3.4)")
    source = address_of(bind.source)
    if source is None:
        raise SettingsError("setting binds: source is neither a number nor a name of at most 11 characters")
    return source
