"""What the lines out of the building did lately, from the evidence of attempts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from gateway.domain import Channel
from store.schema import attempt, message

# Looked at: a scan that stays short however long the history is.
NEWEST = 20_000

_a, _m = attempt.c, message.c


def recent(conn: Connection, clinic: int, channel: Channel, most: int) -> list[tuple[str, Mapping[str, Any]]]:
    """Cause and evidence of the newest attempts on a channel, among the newest messages; newest first."""
    last = select(func.max(_m.id)).where(_m.clinic == clinic).scalar_subquery()
    rows = conn.execute(
        select(_a.cause, _a.evidence)
        .join(message, (_m.clinic == _a.clinic) & (_m.id == _a.message))
        .where(_a.clinic == clinic, _a.message > last - NEWEST, _m.channel == channel.value)
        .order_by(_a.settled_at.desc())
        .limit(most)
    )
    return [(str(cause), evidence) for cause, evidence in rows]
