"""The tables. Every key starts with the clinic, so that rows can later be sharded by clinic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def aware(moment: datetime) -> datetime:
    """The moment itself; a naive one raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone reached the store")
    return moment


def microseconds(moment: datetime) -> int:
    """A moment as SQLite keeps it; a naive one raises ValueError."""
    return (aware(moment) - _EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: timestamptz on PostgreSQL, microseconds since 1970 on SQLite.

    Naive datetimes raise ValueError: asyncpg, psycopg and SQLite each read them differently.
    """

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(BigInteger())

    # Processors of our own instead of process_…_value: moments are most of what a plan reads and writes.
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        bind = aware if dialect.name == "postgresql" else microseconds
        return lambda moment: None if moment is None else bind(moment)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        # asyncpg reads a timestamptz as a datetime in UTC.
        return None if dialect.name == "postgresql" else _as_moment


def _as_moment(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(0, 0, value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

_ID = BigInteger().with_variant(Integer(), "sqlite")


def _table(name: str, *items: Any, key: tuple[str, ...] = ("clinic", "id"), **options: Any) -> Table:
    """A table keyed by clinic; on SQLite the rows live in the key's own tree."""
    clinic = Column("clinic", Integer, nullable=False)
    return Table(
        name, metadata, clinic, *items, PrimaryKeyConstraint(*key), sqlite_with_rowid=False, **options
    )


def _id() -> Column[int]:
    return Column("id", _ID, nullable=False)


counter = _table(
    "counter",
    Column("name", String(20), nullable=False),
    Column("next", _ID, nullable=False),
    key=("clinic", "name"),
)

recipient = _table(
    "recipient",
    _id(),
    Column("kind", String(10), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("language", String(2), nullable=False),
    Column("zone", Text),
    Column("preferred", String(10)),
    Column("use_details", Boolean, nullable=False),
    UniqueConstraint("clinic", "kind", "external_id"),
)

# origin: the client's own details, or the separate messaging contact (a parent, a carer).
contact = _table(
    "contact",
    _id(),
    Column("recipient", _ID, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("origin", String(10), nullable=False),
    Column("address", Text, nullable=False),
    Column("bad_cause", Text),
    UniqueConstraint("clinic", "recipient", "channel", "origin"),
    Index(None, "clinic", "address"),
)

# The ledger: rows are only ever added, the newest that applies decides.
consent = _table(
    "consent",
    _id(),
    Column("recipient", _ID, nullable=False),
    Column("channel", String(10)),
    Column("address", Text),
    Column("purpose", Text, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "clinic", "recipient"),
)

appointment = _table(
    "appointment",
    _id(),
    Column("external_id", Text, nullable=False),
    Column("client", _ID, nullable=False),
    Column("staff", _ID),
    Column("starts_at", Instant, nullable=False),
    Column("service", Text, nullable=False),
    Column("clinician", Text, nullable=False),
    Column("status", String(12), nullable=False),
    Column("confirmed_at", Instant),
    UniqueConstraint("clinic", "external_id"),
    Index(None, "clinic", "starts_at", "id"),
)

broadcast = _table(
    "broadcast",
    _id(),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("only_preference", Boolean, nullable=False),
    Column("send_at", Instant, nullable=False),
    Column("starts_from", Instant),
    Column("starts_until", Instant),
    Column("templates", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    Column("created_at", Instant, nullable=False),
)

_DUE = text("state IN ('scheduled', 'queued')")
_LEASED = text("state IN ('claimed', 'sending')")
_WAITING = text("state = 'unknown' OR reason = 'receipt-expected'")
_SENT = text("started_at IS NOT NULL")

message = _table(
    "message",
    _id(),
    Column("broadcast", _ID, nullable=False),
    Column("recipient", _ID, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("appointment", _ID, nullable=False),
    Column("step", Integer, nullable=False),
    Column("address", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("reason", Text),
    Column("outcome", String(12)),
    Column("cause", Text),
    Column("attempt", Integer, nullable=False),
    Column("charged", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Column("started_at", Instant),
    Column("updated_at", Instant, nullable=False),
    # Without the channel: a plan done again after a changed preference must not write a second message.
    UniqueConstraint("clinic", "broadcast", "recipient", "appointment", "step"),
    Index("ix_message_due", "clinic", "channel", "due_at", "id", postgresql_where=_DUE, sqlite_where=_DUE),
    Index("ix_message_leased", "lease_until", postgresql_where=_LEASED, sqlite_where=_LEASED),
    Index(
        "ix_message_waiting",
        "clinic",
        "channel",
        "started_at",
        postgresql_where=_WAITING,
        sqlite_where=_WAITING,
    ),
    Index("ix_message_sent", "clinic", "address", postgresql_where=_SENT, sqlite_where=_SENT),
    postgresql_with={"fillfactor": 85},
)

attempt = _table(
    "attempt",
    Column("message", _ID, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("settled_at", Instant, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("cause", Text, nullable=False),
    Column("evidence", JSON, nullable=False),
    key=("clinic", "message", "number"),
)

# What the SMSC calls each segment; a receipt that comes before the response waits here with message 0.
segment = _table(
    "segment",
    Column("channel", String(10), nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("message", _ID, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String(12)),
    Column("cause", Text),
    Column("at", Instant, nullable=False),
    Index(None, "clinic", "message"),
    key=("clinic", "channel", "remote_id"),
)

reply = _table(
    "reply",
    _id(),
    Column("channel", String(10), nullable=False),
    Column("address", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("recipient", _ID),
    Column("message", _ID),
    Column("at", Instant, nullable=False),
    Index(None, "clinic", "message"),
    Index(None, "clinic", "address", "at"),
)

# Own-voice prompts: staff enter the number, templates use the name, `wording` is what should be said.
prompt = _table(
    "prompt",
    _id(),
    Column("name", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("wording", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("clinic", "name"),
)

_ACTIVE = text("active")

# `audio` is the SHA-256 of the telephone-rate file, `original` the name of what was recorded or uploaded;
# `author` is who, in words, where `staff` does not say it.
prompt_version = _table(
    "prompt_version",
    _id(),
    Column("prompt", _ID, nullable=False),
    Column("language", String(2), nullable=False),
    Column("label", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("source", String(10), nullable=False),
    Column("staff", _ID),
    Column("author", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kept_at", Instant),
    Column("seconds", Float, nullable=False),
    Column("recorded_loudness", Float, nullable=False),
    Column("loudness", Float, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("audio", String(64), nullable=False),
    Column("original", String(80), nullable=False),
    Index(None, "clinic", "prompt"),
    Index(
        "uq_prompt_version_active",
        "clinic",
        "prompt",
        "language",
        unique=True,
        postgresql_where=_ACTIVE,
        sqlite_where=_ACTIVE,
    ),
)

# "Please record this": waits for the member of staff until a version is kept.
prompt_task = _table(
    "prompt_task",
    _id(),
    Column("prompt", _ID, nullable=False),
    Column("language", String(2), nullable=False),
    Column("staff", _ID, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("done_at", Instant),
    Index(None, "clinic", "staff"),
)

# What a member of staff enters by phone.
staff_pin = _table(
    "staff_pin",
    Column("staff", _ID, nullable=False),
    Column("number", String(12), nullable=False),
    Column("pin_hash", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("clinic", "number"),
    key=("clinic", "staff"),
)

# Each try is written down before the PIN is looked at, for numbers of nobody too; a right one is removed.
pin_try = _table(
    "pin_try",
    _id(),
    Column("number", String(12), nullable=False),
    Column("at", Instant, nullable=False),
    Column("open", Boolean, nullable=False),
    Index(None, "clinic", "number"),
)
