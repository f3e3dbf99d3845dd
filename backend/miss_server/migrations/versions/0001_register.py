"""The national register, registrations and people."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _people()
    _register_activities()
    _register_loads()
    _register_mailboxes()
    _register_name_words()
    _register_people()
    _register_place_words()
    _register_places()
    _register_professions()
    _registrar_acts()
    _registrations()


def downgrade() -> None:
    op.drop_table("registrations")
    op.drop_table("registrar_acts")
    op.drop_table("register_professions")
    op.drop_table("register_places")
    op.drop_table("register_place_words")
    op.drop_table("register_people")
    op.drop_table("register_name_words")
    op.drop_table("register_mailboxes")
    op.drop_table("register_loads")
    op.drop_table("register_activities")
    op.drop_table("people")


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("person_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("profession_code", sa.String(length=8), nullable=False),
        sa.Column("profession", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("checked_how", sa.String(length=16), nullable=False),
        sa.Column("checked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
        sa.UniqueConstraint("rpps"),
    )


def _register_activities() -> None:
    op.create_table(
        "register_activities",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("profession_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "rpps", "profession_id", "place_id"),
    )
    op.create_index("register_activities_by_place", "register_activities", ["load_id", "place_id"], unique=False)
    op.create_index(
        "register_activities_by_profession", "register_activities", ["load_id", "profession_id", "rpps"], unique=False
    )


def _register_loads() -> None:
    op.create_table(
        "register_loads",
        sa.Column("load_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("touched_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("people", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("load_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("register_loads_by_state", "register_loads", ["kind", "state"], unique=False)


def _register_mailboxes() -> None:
    op.create_table(
        "register_mailboxes",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "rpps", "address"),
    )


def _register_name_words() -> None:
    op.create_table(
        "register_name_words",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("word", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "word", "rpps"),
    )


def _register_people() -> None:
    op.create_table(
        "register_people",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("title", sa.String(length=32), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_folded", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("given_folded", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("gone_since_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("load_id", "rpps"),
    )
    op.create_index(
        "register_people_by_name", "register_people", ["load_id", "family_folded", "given_folded", "rpps"], unique=False
    )


def _register_place_words() -> None:
    op.create_table(
        "register_place_words",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("word", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("place_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("load_id", "word", "place_id"),
    )


def _register_places() -> None:
    op.create_table(
        "register_places",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("postcode", sa.String(length=16), nullable=False),
        sa.Column("town", sa.Text(), nullable=False),
        sa.Column("telephone", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "place_id"),
    )


def _register_professions() -> None:
    op.create_table(
        "register_professions",
        sa.Column("load_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("profession_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=8), nullable=False),
        sa.Column("specialty_code", sa.String(length=16), nullable=False),
        sa.Column("specialty", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("load_id", "profession_id"),
    )


def _registrar_acts() -> None:
    op.create_table(
        "registrar_acts",
        sa.Column("act_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("act_id"),
        sqlite_autoincrement=True,
    )


def _registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("registration_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("profession", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("device_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(length=32), nullable=False),
        sa.Column("via", sa.String(length=16), nullable=False),
        sa.Column("mailbox", sa.String(length=320), nullable=False),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("code_made_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("code_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("code_used_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("codes_made", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mail_failed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("operator", sa.Text(), server_default="", nullable=False),
        sa.Column("proof", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("certified_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["people.person_id"],
        ),
        sa.PrimaryKeyConstraint("registration_id"),
    )
    op.create_index("registrations_by_rpps", "registrations", ["rpps", "opened_at_ms"], unique=False)
    op.create_index("registrations_by_state", "registrations", ["state", "opened_at_ms"], unique=False)
