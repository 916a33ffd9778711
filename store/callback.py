"""Who calls back: the last message that went to their number, once they proved to be somebody it was for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, extract, select

from gateway.domain import Channel, State, attempt_id
from store.queue import in_states
from store.schema import message, recipient

_m, _r = message.c, recipient.c
_SENT = (State.SENDING, State.ACCEPTED, State.DELIVERED, State.FAILED, State.UNKNOWN, State.SCHEDULED)


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The message, whom and what it is about, and its latest attempt."""

    message: int
    broadcast: int
    recipient: int
    appointment: int
    attempt: str


def last_message(
    conn: Connection, clinic: int, number: str, month: int, day: int, since: datetime
) -> LastMessage | None:
    """The newest message tried at this number since then, for somebody born on this day of a year."""
    row = conn.execute(
        select(_m.id, _m.broadcast, _m.recipient, _m.appointment, _m.attempt)
        .join(recipient, (_r.clinic == _m.clinic) & (_r.id == _m.recipient))
        .where(
            _m.clinic == clinic,
            _m.address == number,
            _m.started_at.is_not(None),
            _m.started_at >= since,
            _m.channel.in_([Channel.VOICE.value, Channel.SMS.value]),
            in_states(_SENT),
            extract("month", _r.birth_date) == month,
            extract("day", _r.birth_date) == day,
        )
        .order_by(_m.started_at.desc(), _m.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return LastMessage(
        row.id, row.broadcast, row.recipient, row.appointment, attempt_id(clinic, row.id, row.attempt)
    )
