"""Shares of vault keys, and locked devices that ask another one to open them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vault_shares",
        sa.Column("device", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("share", sa.LargeBinary(32), nullable=False),
        sa.Column("verifier", sa.LargeBinary(32), nullable=False),
        sa.Column("keeper_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("kept_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device"], ["devices.device"]),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "unlock_requests",
        sa.Column("device", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("approval", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["device"], ["devices.device"]),
        sa.PrimaryKeyConstraint("device"),
    )
