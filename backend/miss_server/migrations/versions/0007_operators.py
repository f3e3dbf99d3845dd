"""Operators of the console, their passkeys, one-time links and sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operators",
        sa.Column("operator", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("establishment", sa.String(length=32), server_default="", nullable=False),
        sa.Column("handle", sa.LargeBinary(length=32), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("removed_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("operator"),
        sa.UniqueConstraint("folded"),
        sa.UniqueConstraint("handle"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "operator_passkeys",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["operator"], ["operators.operator"]),
        sa.PrimaryKeyConstraint("credential_id"),
    )
    op.create_index("operator_passkeys_by_operator", "operator_passkeys", ["operator"], unique=False)
    op.create_table(
        "operator_links",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("recovers", sa.Boolean(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["operator"], ["operators.operator"]),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("operator_links_by_operator", "operator_links", ["operator"], unique=False)
    op.create_table(
        "operator_sessions",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("operator", sa.Integer(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("touched_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["operator"], ["operators.operator"]),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("operator_sessions_by_operator", "operator_sessions", ["operator"], unique=False)
