"""The register as one row a person, with numbered names and packed lists of who is found by a word.

What was loaded before is forgotten: the extract is loaded again, which its publisher renews every day anyway.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _word() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.execute("DELETE FROM register_loads WHERE kind = 'people'")
    for table in _BEFORE:
        op.drop_table(table)
    op.create_table(
        "register_people",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("title", sa.String(length=32), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_folded", _word(), nullable=False),
        sa.Column("given_folded", _word(), nullable=False),
        sa.Column("activities", sa.Text(), nullable=False),
        sa.Column("gone_since_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("load_id", "rpps"),
    )
    op.create_table(
        "register_professions",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("profession_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=8), nullable=False),
        sa.Column("specialty_code", sa.String(length=16), nullable=False),
        sa.Column("specialty", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "profession_id"),
    )
    _names()
    _words()


def _names() -> None:
    op.create_table(
        "register_names",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("family_folded", _word(), nullable=False),
        sa.Column("given_folded", _word(), nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "no"),
    )
    columns = ["load_id", "family_folded", "given_folded", "rpps"]
    op.create_index("register_names_by_name", "register_names", columns, unique=True)


def _words() -> None:
    op.create_table(
        "register_words",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("word", _word(), nullable=False),
        sa.Column("first_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_no", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "word", "first_no"),
    )
    op.create_table(
        "register_slips",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slip", _word(), nullable=False),
        sa.Column("word", _word(), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "slip", "word"),
        sqlite_with_rowid=False,
    )


_BEFORE = (
    "register_activities",
    "register_name_words",
    "register_people",
    "register_place_words",
    "register_places",
    "register_professions",
)
