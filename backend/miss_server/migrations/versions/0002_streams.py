"""Devices, streams, rows and what belongs to them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _claims()
    _cursors()
    _devices()
    _direct_pairs()
    _links()
    _memberships()
    _rows()
    _streams()
    _welcomes()
    _key_packages()
    _public_groups()


def downgrade() -> None:
    op.drop_table("public_groups")
    op.drop_table("key_packages")
    op.drop_table("welcomes")
    op.drop_table("streams")
    op.drop_table("rows")
    op.drop_table("memberships")
    op.drop_table("links")
    op.drop_table("direct_pairs")
    op.drop_table("devices")
    op.drop_table("cursors")
    op.drop_table("claims")


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("device", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "message_id"),
        sqlite_with_rowid=False,
    )


def _cursors() -> None:
    op.create_table(
        "cursors",
        sa.Column("device", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "stream"),
        sqlite_with_rowid=False,
    )
    op.create_index("cursors_by_stream", "cursors", ["stream"], unique=False)


def _devices() -> None:
    op.create_table(
        "devices",
        sa.Column("device", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("device_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("person_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("login_key", sa.LargeBinary(length=33), nullable=False),
        sa.Column("checked_how", sa.String(length=16), nullable=False),
        sa.Column("endorsed", sa.Boolean(), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("device"),
        sa.UniqueConstraint("device_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("devices_by_person", "devices", ["person_id"], unique=False)
    op.create_index(
        "devices_revoked",
        "devices",
        ["revoked_at_ms"],
        unique=False,
        sqlite_where=sa.text("revoked_at_ms IS NOT NULL"),
        postgresql_where=sa.text("revoked_at_ms IS NOT NULL"),
    )


def _direct_pairs() -> None:
    op.create_table(
        "direct_pairs",
        sa.Column("low_person", sa.LargeBinary(length=16), nullable=False),
        sa.Column("high_person", sa.LargeBinary(length=16), nullable=False),
        sa.Column("stream", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("low_person", "high_person"),
    )


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("lookup", sa.LargeBinary(length=16), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("lookup"),
    )
    op.create_index("links_by_age", "links", ["opened_at_ms"], unique=False)


def _memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("device", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("added", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("stream", "device", "added"),
    )
    op.create_index("memberships_by_device", "memberships", ["device", "stream"], unique=False)


def _rows() -> None:
    op.create_table(
        "rows",
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "number"),
    )
    op.create_index(
        "rows_of_notices",
        "rows",
        ["at_ms"],
        unique=False,
        sqlite_where=sa.text("kind = 7"),
        postgresql_where=sa.text("kind = 7"),
    )


def _streams() -> None:
    op.create_table(
        "streams",
        sa.Column("stream", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("stream_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("leaving", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream"),
        sa.UniqueConstraint("stream_id"),
        sqlite_autoincrement=True,
    )


def _welcomes() -> None:
    op.create_table(
        "welcomes",
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("stream", "number"),
    )


def _key_packages() -> None:
    op.create_table(
        "key_packages",
        sa.Column("key_package", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("device", sa.Integer(), nullable=False),
        sa.Column("reference", sa.LargeBinary(length=32), nullable=False),
        sa.Column("last_resort", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("not_after_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device"],
            ["devices.device"],
        ),
        sa.PrimaryKeyConstraint("key_package"),
        sa.UniqueConstraint("reference"),
        sqlite_autoincrement=True,
    )
    op.create_index("key_packages_by_device", "key_packages", ["device", "last_resort"], unique=False)


def _public_groups() -> None:
    op.create_table(
        "public_groups",
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stream"],
            ["streams.stream"],
        ),
        sa.PrimaryKeyConstraint("stream"),
    )
