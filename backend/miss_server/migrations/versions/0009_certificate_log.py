"""The certificate log: entries that can only be added, and its books."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_entries",
        sa.Column("entry", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("book", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("tag", sa.LargeBinary(16), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("certificate", sa.LargeBinary, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("log_entries_by_book", "log_entries", ["book", "number"], unique=True)
    op.create_table(
        "log_books",
        sa.Column("book", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION log_entries_stay() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'entries of the log are only added'; END $$"
        )
        op.execute(
            "CREATE TRIGGER log_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries "
            "FOR EACH STATEMENT EXECUTE FUNCTION log_entries_stay()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER log_entries_stay_{verb.lower()} BEFORE {verb} ON log_entries "
            "BEGIN SELECT RAISE(ABORT, 'entries of the log are only added'); END"
        )
