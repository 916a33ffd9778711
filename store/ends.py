"""Until when a message is of use, by what it is about as that stands now: parts of statements."""

from __future__ import annotations

from sqlalchemy import and_, case, exists, func, literal_column, null, or_, select

from store.schema import appointment, bundled, message, renewal

_a, _b, _m, _n = appointment.c, bundled.c, message.c, renewal.c

starts_at = (
    select(_a.starts_at)
    .where(_a.clinic == _m.clinic, _a.id == _m.appointment, _a.status == literal_column("'booked'"))
    .scalar_subquery()
)
# Beside it the message tells of others, which it must outlive.
_others = (
    select(func.max(_a.starts_at))
    .select_from(bundled.join(appointment, and_(_a.clinic == _b.clinic, _a.id == _b.appointment)))
    .where(_b.clinic == _m.clinic, _b.message == _m.id, _a.status == literal_column("'booked'"))
    .correlate(message)
    .scalar_subquery()
)
stands = or_(starts_at.is_not(None), _others.is_not(None))
_until = case((_others > func.coalesce(starts_at, _m.expires_at), _others), else_=starts_at)
is_open_renewal = exists().where(
    _n.clinic == _m.clinic, _n.id == _m.appointment, _n.status == literal_column("'open'")
)
# The end of a renewal's day is the policy's business: nothing expires it unjudged.
expires_at = case((is_open_renewal, null()), else_=func.coalesce(_until, _m.expires_at))
