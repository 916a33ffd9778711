"""The tables. Every key starts with the clinic, so that rows can later be sharded by clinic."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

# Registered with the metadata by being loaded.
from store import accounts_tables as _accounts_tables  # noqa: F401
from store import clients_tables as _clients_tables  # noqa: F401
from store import inbox_tables as _inbox_tables  # noqa: F401
from store import running_tables as _running_tables  # noqa: F401
from store import staff_tables as _staff_tables  # noqa: F401
from store.tables import ID, Instant, id_column, table
from store.tables import metadata as metadata

counter = table(
    "counter",
    Column("name", String(20), nullable=False),
    Column("next", ID, nullable=False),
    key=("clinic", "name"),
)

recipient = table(
    "recipient",
    id_column(),
    Column("kind", String(10), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("language", String(2), nullable=False),
    Column("zone", Text),
    Column("preferred", String(10)),
    Column("use_details", Boolean, nullable=False),
    Column("birth_date", Date),
    # Of the postal address: US-TX, or US.
    Column("region", String(6)),
    # Who is told instead, where the client's own details are not used.
    Column("contact_name", Text),
    UniqueConstraint("clinic", "kind", "external_id"),
)

# Clients who became one with another: what a file calls so is the other from then on. `number` and `key`: of
# the ledger when it happened, and what the journal calls it.
merged = table(
    "merged",
    Column("kind", String(10), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("recipient", ID, nullable=False),
    Column("gone", ID, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("number", ID, nullable=False),
    Column("key", String(32), nullable=False),
    Index(None, "clinic", "recipient"),
    Index(None, "clinic", "gone"),
    Index(None, "clinic", "number"),
    key=("clinic", "kind", "external_id"),
)

# What somebody signed: the file is kept in the instance folder under its hash.
document = table(
    "document",
    id_column(),
    Column("recipient", ID, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", String(40), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Index(None, "clinic", "recipient"),
)

# origin: the client's own details, or the separate messaging contact (a parent, a carer).
contact = table(
    "contact",
    id_column(),
    Column("recipient", ID, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("origin", String(10), nullable=False),
    Column("address", Text, nullable=False),
    UniqueConstraint("clinic", "recipient", "channel", "origin"),
    Index(None, "clinic", "address"),
)

_OF_ADDRESSES = text("recipient = 0")

# The ledger: rows are only ever added (triggers see to it), the newest that applies decides. Recipient 0: the
# entry is about an address itself, whoever has it. `key` names an entry wherever the ledger is copied to.
consent = table(
    "consent",
    id_column(),
    Column("recipient", ID, nullable=False),
    Column("channel", String(10)),
    Column("address", Text),
    Column("purpose", Text, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("party", String(10)),
    Column("by", Text, nullable=False, server_default=""),
    Column("cause", Text, nullable=False, server_default=""),
    Column("document", ID),
    Column("key", String(32), nullable=False),
    UniqueConstraint("clinic", "key"),
    Index(None, "clinic", "recipient"),
    Index(
        "ix_consent_of_addresses",
        "clinic",
        "address",
        postgresql_where=_OF_ADDRESSES,
        sqlite_where=_OF_ADDRESSES,
    ),
)

appointment = table(
    "appointment",
    id_column(),
    Column("external_id", Text, nullable=False),
    Column("client", ID, nullable=False),
    Column("staff", ID),
    Column("starts_at", Instant, nullable=False),
    Column("service", Text, nullable=False),
    Column("clinician", Text, nullable=False),
    Column("status", String(12), nullable=False),
    # What the patient said: an appointment that they cancelled has the status, too.
    Column("confirmed_at", Instant),
    Column("cancelled_at", Instant),
    UniqueConstraint("clinic", "external_id"),
    Index(None, "clinic", "starts_at", "id"),
    Index(None, "clinic", "client"),
)

# An authorisation or a licence that falls due. Numbered in one series with appointments: the column
# `appointment` of a message holds the number of either, and nothing that looks for one finds the other.
renewal = table(
    "renewal",
    id_column(),
    Column("external_id", Text, nullable=False),
    Column("recipient", ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("status", String(12), nullable=False),
    UniqueConstraint("clinic", "external_id"),
    Index(None, "clinic", "due_on", "id"),
    Index(None, "clinic", "recipient"),
)

# A custom list never changes: the same name imported again is another list, and the newest counts.
custom_list = table(
    "custom_list",
    id_column(),
    Column("name", String(64), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("columns", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index(None, "clinic", "name"),
)

custom_list_entry = table(
    "custom_list_entry",
    Column("list", ID, nullable=False),
    Column("recipient", ID, nullable=False),
    Column("values", JSON, nullable=False),
    key=("clinic", "list", "recipient"),
)

# Saved templates: what is saved again under a name is its next version; broadcasts copy the texts.
template = table(
    "template",
    id_column(),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("texts", JSON, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("clinic", "name", "version"),
)

broadcast = table(
    "broadcast",
    id_column(),
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
    Column("zone", Text, nullable=False, server_default="UTC"),
    Column("custom_list", ID),
    # Its steps after the first: channel, and seconds after the step before (none: beside it).
    Column("cascade", JSON(none_as_null=True)),
    Column("bundle", Boolean, nullable=False, server_default=false()),
    # How long before what it is about each message goes; null: all of them at send_at.
    Column("timing", JSON(none_as_null=True)),
    Column("rule", ID),
)

# Broadcasts that plan by themselves. `schedule`: offsets before what they are about, or how often.
rule = table(
    "rule",
    id_column(),
    Column("name", String(64), nullable=False),
    Column("type", Text, nullable=False),
    Column("class", Text, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("only_preference", Boolean, nullable=False),
    Column("templates", JSON, nullable=False),
    Column("schedule", JSON, nullable=False),
    Column("cascade", JSON(none_as_null=True)),
    Column("bundle", Boolean, nullable=False, server_default=false()),
    Column("list_name", String(64)),
    Column("enabled", Boolean, nullable=False),
    Column("by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Index(None, "clinic", "name"),
)

# One row for each day and step of a rule: whoever writes it plans it, and nobody else.
occurrence = table(
    "occurrence",
    Column("rule", ID, nullable=False),
    Column("day", Date, nullable=False),
    Column("step", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("broadcast", ID),
    Column("at", Instant, nullable=False),
    key=("clinic", "rule", "day", "step"),
)

_DUE = text("state IN ('scheduled', 'queued')")
_ABOUT = text("state IN ('scheduled', 'queued') AND appointment > 0")
_UNDONE = text("state IN ('cancelled', 'expired') AND appointment > 0")
_DESK_MISSED = text("cause = 'desk-missed'")
_UNREAD = text("read_at IS NULL")
_WAITS = text("unread > 0")
_REFUSED = text("state = 'refused'")
_LEASED = text("state IN ('claimed', 'sending')")
_UNKNOWN = text("state = 'unknown'")
_RECEIPT_EXPECTED = text("reason = 'receipt-expected'")
_SENT = text("started_at IS NOT NULL")

message = table(
    "message",
    id_column(),
    Column("broadcast", ID, nullable=False),
    Column("recipient", ID, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("appointment", ID, nullable=False),
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
    Index(None, "clinic", "recipient", "id"),
    Index("ix_message_about", "clinic", "appointment", postgresql_where=_ABOUT, sqlite_where=_ABOUT),
    Index("ix_message_undone", "clinic", "appointment", postgresql_where=_UNDONE, sqlite_where=_UNDONE),
    Index("ix_message_refused", "clinic", "recipient", postgresql_where=_REFUSED, sqlite_where=_REFUSED),
    Index("ix_message_leased", "lease_until", postgresql_where=_LEASED, sqlite_where=_LEASED),
    Index(
        "ix_message_waiting",
        "clinic",
        "channel",
        "started_at",
        postgresql_where=_UNKNOWN,
        sqlite_where=_UNKNOWN,
    ),
    Index(
        "ix_message_unconfirmed",
        "clinic",
        "expires_at",
        "started_at",
        postgresql_where=_RECEIPT_EXPECTED,
        sqlite_where=_RECEIPT_EXPECTED,
    ),
    Index(
        "ix_message_desk_missed",
        "clinic",
        "started_at",
        postgresql_where=_DESK_MISSED,
        sqlite_where=_DESK_MISSED,
    ),
    Index("ix_message_sent", "clinic", "address", postgresql_where=_SENT, sqlite_where=_SENT),
    postgresql_with={"fillfactor": 85},
)

attempt = table(
    "attempt",
    Column("message", ID, nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("settled_at", Instant, nullable=False),
    Column("outcome", String(12), nullable=False),
    Column("cause", Text, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("charged", Boolean, nullable=False, server_default=true()),
    # Of the verdict that let it go: what it rests on, and what it was made from.
    Column("basis", Text),
    Column("facts", Text),
    key=("clinic", "message", "number"),
)

# Rows are only ever added: the plan's verdict on each message, and each later one that kept it from leaving.
verdict = table(
    "verdict",
    Column("message", ID, nullable=False),
    Column("at", Instant, nullable=False),
    Column("phase", String(8), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("reason", Text),
    Column("until", Instant),
    Column("basis", Text, nullable=False),
    Column("facts", Text, nullable=False),
    key=("clinic", "message", "at", "phase"),
)

# Visits that are told in the message about another one; their own messages exist only once they are left out.
bundled = table(
    "bundled",
    Column("message", ID, nullable=False),
    Column("recipient", ID, nullable=False),
    Column("appointment", ID, nullable=False),
    Column("broadcast", ID, nullable=False),
    # The message's, in a cascade.
    Column("step", Integer, nullable=False, server_default="0"),
    UniqueConstraint("clinic", "appointment", "broadcast", "recipient", "step"),
    key=("clinic", "message", "recipient", "appointment"),
)

# While one of a clinic is not lifted, nothing is started: on this channel, or on any.
stop = table(
    "stop",
    id_column(),
    Column("channel", String(10)),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("hang_up", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
)

# Settings changed while running; rows are only ever added. `value` is JSON, NULL gives it back to the file.
setting = table(
    "setting",
    id_column(),
    Column("name", Text, nullable=False),
    Column("value", Text),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

# What the SMSC calls each segment; a receipt that comes before the response waits here with message 0.
segment = table(
    "segment",
    Column("channel", String(10), nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("message", ID, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String(12)),
    Column("cause", Text),
    Column("at", Instant, nullable=False),
    Index(None, "clinic", "message"),
    key=("clinic", "channel", "remote_id"),
)

# What was learnt of a number that takes faxes: the way it takes them, and how often a person answered.
fax_line = table(
    "fax_line",
    Column("address", Text, nullable=False),
    Column("rung", Integer, nullable=False),
    Column("voices", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    key=("clinic", "address"),
)

# Faxes that came in; `call` is the exchange's id of the call, `file` the PDF in the folder of faxes.
fax_received = table(
    "fax_received",
    id_column(),
    Column("call", String(80), nullable=False),
    Column("inbox", String(30), nullable=False),
    Column("dialled", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("pages", Integer, nullable=False),
    # All pages that the other side had came.
    Column("whole", Boolean, nullable=False),
    Column("file", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("read_at", Instant),
    Column("read_by", Text),
    UniqueConstraint("clinic", "call"),
    Index(None, "clinic", "at"),
    Index("ix_fax_received_waiting", "clinic", "at", postgresql_where=_UNREAD, sqlite_where=_UNREAD),
)

# Changes of messages' states, written by triggers (store.changes); `xact`: PostgreSQL's, 0 on SQLite.
change = Table(
    "change",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("clinic", Integer, nullable=False),
    Column("xact", BigInteger, nullable=False),
    Column("message", ID, nullable=False),
    Column("broadcast", ID, nullable=False),
    Column("channel", String(10), nullable=False),
    Column("state", String(12), nullable=False),
    Column("cause", Text),
    Column("attempt", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    # Of a patient's answer about an appointment: then there is no message, broadcast or channel.
    Column("appointment", ID),
    Index(None, "clinic", "xact", "id"),
    # Numbers of rows that were removed are not given again.
    sqlite_autoincrement=True,
)

# How far each webhook has been told, and which gateway tells it.
webhook = table(
    "webhook",
    Column("name", String(30), nullable=False),
    Column("xact", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("next_at", Instant),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    key=("clinic", "name"),
)

# Segments that a brand has sent on a day, or is about to.
brand_day = table(
    "brand_day",
    Column("brand", String(40), nullable=False),
    Column("day", Date, nullable=False),
    Column("segments", Integer, nullable=False),
    key=("clinic", "brand", "day"),
)

reply = table(
    "reply",
    id_column(),
    Column("channel", String(10), nullable=False),
    Column("address", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("recipient", ID),
    Column("message", ID),
    Column("at", Instant, nullable=False),
    # When somebody read it; what needs no person is read at once.
    Column("read_at", Instant),
    Index(None, "clinic", "message"),
    Index(None, "clinic", "address", "at"),
)

# Parts of a long text until all of them are there.
reply_part = table(
    "reply_part",
    Column("address", Text, nullable=False),
    Column("reference", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("coding", String(10), nullable=False),
    Column("at", Instant, nullable=False),
    key=("clinic", "address", "reference", "total", "number"),
)

# A text of no broadcast: an answer, or what staff write to somebody. Its message has the same number.
direct = table(
    "direct",
    Column("message", ID, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("body", Text, nullable=False),
    Column("answers", ID),
    Column("by", Text, nullable=False),
    key=("clinic", "message"),
)

# Texts to and from one address; `unread` counts the replies that wait for a person.
conversation = table(
    "conversation",
    id_column(),
    Column("address", Text, nullable=False),
    Column("unread", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    UniqueConstraint("clinic", "address"),
    Index(None, "clinic", "last_at"),
    Index("ix_conversation_waiting", "clinic", "last_at", postgresql_where=_WAITS, sqlite_where=_WAITS),
)

# Own-voice prompts: staff enter the number, templates use the name, `wording` is what should be said.
prompt = table(
    "prompt",
    id_column(),
    Column("name", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("wording", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("clinic", "name"),
)

_ACTIVE = text("active")

# `audio` is the SHA-256 of the telephone-rate file, `original` the name of what was recorded or uploaded;
# `author` is who, in words, where `staff` does not say it.
prompt_version = table(
    "prompt_version",
    id_column(),
    Column("prompt", ID, nullable=False),
    Column("language", String(2), nullable=False),
    Column("label", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("source", String(10), nullable=False),
    Column("staff", ID),
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
prompt_task = table(
    "prompt_task",
    id_column(),
    Column("prompt", ID, nullable=False),
    Column("language", String(2), nullable=False),
    Column("staff", ID, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("done_at", Instant),
    Index(None, "clinic", "staff"),
)

# What a member of staff enters by phone.
staff_pin = table(
    "staff_pin",
    Column("staff", ID, nullable=False),
    Column("number", String(12), nullable=False),
    Column("pin_hash", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    UniqueConstraint("clinic", "number"),
    key=("clinic", "staff"),
)

# Each try is written down before the PIN is looked at, for numbers of nobody too; a right one is removed.
pin_try = table(
    "pin_try",
    id_column(),
    Column("number", String(12), nullable=False),
    Column("at", Instant, nullable=False),
    Column("open", Boolean, nullable=False),
    Index(None, "clinic", "number"),
)
