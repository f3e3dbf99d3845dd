"""A new proof of who has devices already waits a day."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("registrations", sa.Column("certify_from_ms", sa.BigInteger(), nullable=True))
    op.add_column("registrations", sa.Column("shortened_by", sa.Text(), nullable=False, server_default=""))
