"""People whom the register does not hold any more are suspended."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("suspended_at_ms", sa.BigInteger(), nullable=True))
    op.create_index("people_by_suspension", "people", ["suspended_at_ms"], unique=False)
