"""Where devices say they stand in each conversation, and by what one that lost track comes back."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("public_groups", sa.Column("committer", sa.Integer(), nullable=True))
    op.add_column("public_groups", sa.Column("group_info", sa.LargeBinary(), nullable=True))
    op.create_table(
        "standings",
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("device", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("stream", "device"),
        sqlite_with_rowid=False,
    )
