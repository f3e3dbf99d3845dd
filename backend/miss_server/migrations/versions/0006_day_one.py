"""What people accepted, what they wish, and whom they invited."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registrations", sa.Column("charter", sa.String(40), nullable=False, server_default=""))
    op.create_table(
        "charter_acceptances",
        sa.Column("person_id", sa.LargeBinary(16), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("accepted_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "version"),
    )
    op.create_table(
        "charter_heads",
        sa.Column("establishment", sa.String(40), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.Column("accepted_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("establishment", "version"),
    )
    op.create_table(
        "wishes",
        sa.Column("person_id", sa.LargeBinary(16), nullable=False),
        sa.Column("unlisted", sa.Boolean(), nullable=False),
        sa.Column("contact", sa.String(16), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "invite_mails",
        sa.Column("rpps", sa.String(11), nullable=False),
        sa.Column("mailed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("refusal_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("refused_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("rpps"),
    )
    op.create_index("invite_mails_by_refusal", "invite_mails", ["refusal_hash"], unique=True)
    op.create_table(
        "invites",
        sa.Column("rpps", sa.String(11), nullable=False),
        sa.Column("inviter", sa.LargeBinary(16), nullable=False),
        sa.Column("invited_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rpps", "inviter"),
    )
    op.create_index("invites_by_inviter", "invites", ["inviter", "invited_at_ms"], unique=False)
    op.create_index("people_by_creation", "people", ["created_at_ms"], unique=False)
