"""Push endpoints and their queue, what may be unread, who was mailed, quiet hours, who is in front of a device."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("attended_at_ms", sa.BigInteger()))
    op.create_table(
        "push_endpoints",
        sa.Column("device", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("registered_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("pushed_at_ms", sa.BigInteger()),
        sa.Column("pushed_priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outcome", sa.String(16), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "push_queue",
        sa.Column("device", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("queued_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_index("push_queue_by_time", "push_queue", ["next_at_ms"])
    op.create_table(
        "unread_streams",
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )
    op.create_index("unread_streams_by_time", "unread_streams", ["due_at_ms"])
    op.create_table(
        "unread_mails",
        sa.Column("person_id", sa.LargeBinary(16), nullable=False),
        sa.Column("mailed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "reach_wishes",
        sa.Column("person_id", sa.LargeBinary(16), nullable=False),
        sa.Column("quiet_from", sa.Integer(), nullable=False),
        sa.Column("quiet_until", sa.Integer(), nullable=False),
        sa.Column("offset_minutes", sa.Integer(), nullable=False),
        sa.Column("mails", sa.Boolean(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
    op.create_table(
        "reach_looks",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one"),
    )
