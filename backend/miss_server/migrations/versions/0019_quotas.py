"""How many bytes of messages each conversation holds; the next round of forgetting counts what is there already."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("streams", sa.Column("kept_bytes", sa.BigInteger(), nullable=False, server_default="0"))
