"""An approval on a proof waits for a second operator."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registrations", sa.Column("first_operator", sa.Text(), nullable=False, server_default=""))
    op.add_column("registrations", sa.Column("first_proof", sa.Text(), nullable=False, server_default=""))
    op.add_column("registrations", sa.Column("first_at_ms", sa.BigInteger(), nullable=True))
