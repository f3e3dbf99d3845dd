"""Establishments, who vouches for their staff, the staff themselves, vouchers and imports."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _establishments()
    _staff()
    _vouchers()
    op.add_column("people", sa.Column("checked_by", sa.Text(), server_default="", nullable=False))


def _establishments() -> None:
    op.create_table(
        "establishments",
        sa.Column("finess", sa.String(length=9), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), server_default="", nullable=False),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("postcode", sa.Text(), server_default="", nullable=False),
        sa.Column("town", sa.Text(), server_default="", nullable=False),
        sa.Column("beds", sa.Integer(), nullable=True),
        sa.Column("administrative_referent", sa.Text(), server_default="", nullable=False),
        sa.Column("it_manager", sa.Text(), server_default="", nullable=False),
        sa.Column("telephone", sa.Text(), server_default="", nullable=False),
        sa.Column("it_telephone", sa.Text(), server_default="", nullable=False),
        sa.Column("alert_mailbox", sa.Text(), server_default="", nullable=False),
        sa.Column("professions", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), server_default="", nullable=False),
        sa.Column("import_key_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("finess"),
    )
    op.create_table(
        "register_establishments",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("finess", sa.String(length=9), nullable=False),
        sa.Column("legal_finess", sa.String(length=9), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("town", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "finess"),
    )
    op.create_table(
        "establishment_referents",
        sa.Column("referent_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("finess", sa.String(length=9), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("removed_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["finess"],
            ["establishments.finess"],
        ),
        sa.PrimaryKeyConstraint("referent_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("establishment_referents_by_finess", "establishment_referents", ["finess"], unique=False)


def _staff() -> None:
    op.create_table(
        "establishment_staff",
        sa.Column("staff_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("finess", sa.String(length=9), nullable=False),
        sa.Column("staff_key", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=11), nullable=False),
        sa.Column("title", sa.String(length=32), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("profession_code", sa.String(length=8), nullable=False),
        sa.Column("profession", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("telephone", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("added_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("removed_at_ms", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("finess", "staff_key"),
        sa.ForeignKeyConstraint(
            ["finess"],
            ["establishments.finess"],
        ),
        sa.PrimaryKeyConstraint("staff_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("establishment_staff_by_number", "establishment_staff", ["number"], unique=False)


def _vouchers() -> None:
    op.create_table(
        "vouchers",
        sa.Column("voucher_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("referent_id", sa.Integer(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("registration_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("used_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at_ms", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("code_hash"),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["establishment_staff.staff_id"],
        ),
        sa.ForeignKeyConstraint(
            ["referent_id"],
            ["establishment_referents.referent_id"],
        ),
        sa.PrimaryKeyConstraint("voucher_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("vouchers_by_staff", "vouchers", ["staff_id"], unique=False)
    op.create_table(
        "directory_imports",
        sa.Column("import_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("finess", sa.String(length=9), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
        sa.Column("quarantine", sa.Text(), nullable=False),
        sa.Column("differences", sa.Text(), nullable=False),
        sa.Column("needs_yes", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["finess"],
            ["establishments.finess"],
        ),
        sa.PrimaryKeyConstraint("import_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("directory_imports_by_finess", "directory_imports", ["finess", "made_at_ms"], unique=False)
