"""Words by which clients are found, and how files name their columns"""

import sqlalchemy as sa
from alembic import op

from store import finding
from store.tables import ID

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_PAGE = 5000


def upgrade() -> None:
    word = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "client_word",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(6), nullable=False),
        sa.Column("word", word, nullable=False),
        sa.Column("recipient", ID, nullable=False),
        sa.PrimaryKeyConstraint("clinic", "kind", "word", "recipient"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_client_word_clinic_recipient", "client_word", ["clinic", "recipient"])
    op.create_table(
        "heading_choice",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "kind", "heading"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_renewal_clinic_recipient", "renewal", ["clinic", "recipient"])
    _fill()


def _fill() -> None:
    """The words of those who are there already, a page of them at a time."""
    conn = op.get_bind()
    after = (-1, -1)
    while rows := conn.execute(_PEOPLE, {"clinic": after[0], "id": after[1], "most": _PAGE}).all():
        added = {
            (row.clinic, kind, word, row.id)
            for row in rows
            for kind, word in finding.words_of(row.external_id, row.given_name, row.family_name)
        }
        _add(conn, added)
        after = rows[-1].clinic, rows[-1].id
    after = (-1, -1)
    while rows := conn.execute(_CONTACTS, {"clinic": after[0], "id": after[1], "most": _PAGE}).all():
        _add(conn, {(row.clinic, *finding.word_of_address(row.address), row.recipient) for row in rows})
        after = rows[-1].clinic, rows[-1].id


_PEOPLE = sa.text(
    "SELECT clinic, id, external_id, given_name, family_name FROM recipient"
    " WHERE kind = 'client' AND (clinic, id) > (:clinic, :id) ORDER BY clinic, id LIMIT :most"
)
_CONTACTS = sa.text(
    "SELECT k.clinic, k.id, k.recipient, k.address FROM contact k"
    " JOIN recipient r ON r.clinic = k.clinic AND r.id = k.recipient AND r.kind = 'client'"
    " WHERE (k.clinic, k.id) > (:clinic, :id) ORDER BY k.clinic, k.id LIMIT :most"
)
# One client may have one number on several channels.
_INSERT = sa.text(
    "INSERT INTO client_word (clinic, kind, word, recipient) VALUES (:clinic, :kind, :word, :recipient)"
    " ON CONFLICT DO NOTHING"
)


def _add(conn: sa.Connection, added: set[tuple[int, str, str, int]]) -> None:
    names = ("clinic", "kind", "word", "recipient")
    if added:
        conn.execute(_INSERT, [dict(zip(names, one, strict=True)) for one in sorted(added)])


def downgrade() -> None:
    op.drop_index("ix_renewal_clinic_recipient", "renewal")
    op.drop_table("heading_choice")
    op.drop_table("client_word")
